"""Whatever object a public function of a module is handed, it answers or names the argument: kinds, and new members."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.networks import skip_and_branch
from tests.objects import answers, objects, varying
from tests.support import Array, module_of, random_case

MODULES = [(backend, dtype) for backend in ("numpy", "c") for dtype in ("float32", "float64")]


@pytest.fixture(params=MODULES, ids="-".join)
def module(request: pytest.FixtureRequest) -> ModuleType:
    """A module with probes: it has every public function."""
    backend, dtype = request.param
    return module_of(skip_and_branch(), dtype, backend, "hutchinson", 2)


def good(module: ModuleType) -> tuple[dict[str, Array], Array]:
    params, x = random_case(skip_and_branch())
    return {key: value.astype(module.DTYPE) for key, value in params.items()}, x.astype(module.DTYPE)


@pytest.mark.parametrize("seed", range(3))
def test_random_objects(module: ModuleType, seed: int) -> None:
    params, x = good(module)
    rng = np.random.default_rng(seed)
    for thing in varying(rng) if seed else objects(rng):
        for function in ("energy", "score", "hessian_diagonal", "loss", "loss_terms", "loss_and_grad"):
            call = getattr(module, function)
            answers(call, "params", thing, x)
            answers(call, "x", params, thing)
            broken = dict(params)
            key = str(rng.choice(list(params)))
            broken[key] = thing
            answers(call, "params", broken, x)
        for function in ("loss", "loss_terms", "loss_and_grad", "loss_and_grad_terms"):
            call = getattr(module, function)
            answers(call, "lam", params, x, thing)
            answers(call, "probes", params, x, probes=thing)
            answers(call, "rng", params, x, rng=thing)
        answers(module.loss_and_grad, "workspace", params, x, workspace=thing)
        answers(module.flatten, "params", thing)
        answers(module.unflatten, "theta", thing)
        answers(module.init_params, "seed", thing)
        answers(module.draw_probes, "n", thing)
        answers(module.draw_probes, "rng", 3, thing)
        answers(module.selftest, "seed", thing)
        answers(module.selftest, "verbose", 0, verbose=thing)


MASKED: dict[str, Callable[[Array], Any]] = {
    "nothing masked": np.ma.array,
    "a value masked": lambda a: np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) == 1),
    "NaN under the mask": lambda a: np.ma.masked_invalid(np.where(np.arange(a.size).reshape(a.shape) == 1, np.nan, a)),
    "a subclass": lambda a: np.ma.array(a).view(type("Mine", (np.ma.MaskedArray,), {})),
    "matrix": lambda a: a.reshape(len(a), -1).view(np.matrix),
}


@pytest.mark.parametrize("how", MASKED)
def test_masked_arrays_and_matrices(module: ModuleType, how: str) -> None:
    params, x = good(module)
    probes = module.draw_probes(len(x), 0)
    expected = "expected a numpy array, got a matrix" if how == "matrix" else "expected an array without a mask, got a "
    for function in (
        "energy",
        "score",
        "hessian_diagonal",
        "loss",
        "loss_terms",
        "loss_and_grad",
        "loss_and_grad_terms",
    ):
        call = getattr(module, function)
        with pytest.raises(ValueError, match=f"^x: {expected}"):
            call(params, MASKED[how](x))
        with pytest.raises(ValueError, match=rf"^params\['W1.weight'\]: {expected}"):
            call(params | {"W1.weight": MASKED[how](params["W1.weight"])}, x)
    with pytest.raises(ValueError, match=f"^probes: {expected}"):
        module.loss(params, x, probes=MASKED[how](probes))
    with pytest.raises(ValueError, match=r"^theta: expected "):
        module.unflatten(MASKED[how](module.flatten(params)))


class Run(np.ndarray[Any, Any]):
    """One run of many samples."""

    def __len__(self) -> int:
        return 1


class Other(np.ndarray[Any, Any]):
    """Of another shape and dtype than its memory, to those who ask."""

    shape = property(lambda self: (3, 3))
    dtype = property(lambda self: np.dtype("f2"))


class Quantity(np.ndarray[Any, Any]):
    """With arithmetic of its own."""

    def __array_ufunc__(self, *args: Any, **keywords: Any) -> Any:
        return NotImplemented


@pytest.mark.parametrize("subclass", [Run, Other, Quantity])
def test_subclasses_are_what_their_memory_holds(module: ModuleType, subclass: type[Any]) -> None:
    params, x = good(module)
    own = {key: value.view(subclass) for key, value in params.items()}
    probes = module.draw_probes(len(x), 0)
    for function in ("energy", "score"):
        result = getattr(module, function)(own, x.view(subclass))
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, getattr(module, function)(params, x))
    loss, gradient = module.loss_and_grad(own, x.view(subclass), 0.1, probes=probes.view(subclass))
    expected, wanted = module.loss_and_grad(params, x, 0.1, probes=probes)
    assert loss == expected
    for key, value in wanted.items():
        np.testing.assert_array_equal(gradient[key], value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite(module: ModuleType, value: float) -> None:
    params, x = good(module)
    for key in params:
        broken = {name: array.copy() for name, array in params.items()}
        broken[key].reshape(-1)[-1] = value
        for function in ("energy", "score", "hessian_diagonal", "loss", "loss_and_grad", "loss_and_grad_terms"):
            with pytest.raises(
                ValueError, match=re.escape(f"params[{key!r}]: expected finite values, got {value} at [")
            ):
                getattr(module, function)(broken, x)
        assert not np.isfinite(module.flatten(broken)).all()  # gradients may be flattened whatever they are


def test_large_parameters_are_finite(module: ModuleType) -> None:
    """Their sum overflows; they do not."""
    params, x = good(module)
    params["W1.weight"] = np.full_like(params["W1.weight"], np.finfo(module.DTYPE).max)
    with np.errstate(all="ignore"):
        module.energy(params, np.zeros_like(x))


@pytest.mark.parametrize("value", [1e300, -1e39, np.nan, np.inf, -np.inf])
def test_unflatten_keeps_within_the_dtype(module: ModuleType, value: float) -> None:
    theta = module.flatten(good(module)[0])
    for k in (0, theta.size - 1):
        wrong = theta.copy()
        wrong[k] = value
        if np.isfinite(value) and module.DTYPE is np.float64:
            assert module.flatten(module.unflatten(wrong))[k] == value
            continue
        limits = f"theta: expected finite numbers within the range of {np.dtype(module.DTYPE)}, got {value} at [{k}]"
        with pytest.raises(ValueError, match=re.escape(limits)):
            module.unflatten(wrong)


BAD_SEEDS: tuple[Any, ...] = ("a", -1, 1.5, -(10**30), [1, -2], np.array([0.5]), np.random.Generator, object(), 1j, {})


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=lambda seed: str(seed)[:12])
def test_seeds(module: ModuleType, seed: Any) -> None:
    for call in (module.init_params, module.selftest):
        with pytest.raises(ValueError, match=r"^seed: expected a whole number of at least 0, or None, got "):
            call(seed)
    for call in (lambda: module.draw_probes(2, seed), lambda: module.loss(*good(module), rng=seed)):
        with pytest.raises(ValueError, match=r"^rng: expected a seed, a numpy\.random\.Generator or None, got "):
            call()


@pytest.mark.parametrize("seed", [0, np.int64(3), 10**30, [1, 2], None, np.random.SeedSequence(4)], ids=str)
def test_what_numpy_takes_is_a_seed(module: ModuleType, seed: Any) -> None:
    assert list(module.init_params(seed)) == list(module.PARAMS)


@pytest.mark.parametrize("n", [-1, 1.0, "3", None, True, np.float32(2), [2], -(10**30), np.array(2.0)], ids=str)
def test_numbers_of_probes(module: ModuleType, n: Any) -> None:
    with pytest.raises(ValueError, match=r"^n: expected a whole number of at least 0, got "):
        module.draw_probes(n)


def test_probes_beyond_memory(module: ModuleType) -> None:
    for n in (10**30, 1 << 62):
        with pytest.raises(MemoryError, match=r"^n: there is no room for the probes of"):
            module.draw_probes(n)
    assert module.draw_probes(np.int64(2)).shape == (2, 2, 3)
    assert module.draw_probes(0).shape == (0, 2, 3)


def test_any_probes_are_means_over_just_these(module: ModuleType) -> None:
    """The docstring says what makes them unbiased; ±2 makes the estimate four times as large, 0 makes it 0."""
    params, x = good(module)
    probes = module.draw_probes(len(x), 0)
    _, once = module.loss_terms(params, x, probes=probes)
    assert module.loss_terms(params, x, probes=2 * probes)[1] == pytest.approx(4 * once, rel=1e-5)
    assert module.loss_terms(params, x, probes=0 * probes)[1] == 0
    assert "unbiased if E[v vᵀ] is the identity" in " ".join(module.draw_probes.__doc__.split())
    basis = (np.sqrt(3) * np.eye(3)[np.arange(2 * len(x)) % 3]).reshape(len(x), 2, 3).astype(module.DTYPE)
    assert np.isfinite(module.hessian_diagonal(params, x, probes=basis)).all()
