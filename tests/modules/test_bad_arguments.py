"""What a generated module says to unusable arguments, before it computes anything; and what it must put up with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.errors import BuildError
from tests.networks import skip_and_branch
from tests.support import Array, Params, assert_close, module_of, random_case

OF_X = ("energy", "score", "hessian_diagonal")
OF_LAMBDA = ("loss", "loss_terms", "loss_and_grad", "loss_and_grad_terms")
FUNCTIONS = (*OF_X, *OF_LAMBDA)
OTHER = {"float32": "float64", "float64": "float32"}
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


@pytest.fixture(params=["numpy-float32", "numpy-float64", "c-float32", "c-float64"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    backend, dtype = request.param.split("-")
    return module_of(skip_and_branch(), dtype, backend)


@pytest.fixture
def idle(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which may not touch a workspace: what is refused must be refused before that."""
    monkeypatch.setattr(module, "_own_workspace", lambda: pytest.fail("computed before its arguments were checked"))
    return module


def good(module: ModuleType) -> tuple[Params, Array]:
    params, x = random_case(skip_and_branch())
    return {key: value.astype(module.DTYPE) for key, value in params.items()}, x.astype(module.DTYPE)


def refuses(call: Callable[..., Any], *args: Any, what: str, module: ModuleType) -> None:
    dtype = module.METADATA["dtype"]
    with pytest.raises(ValueError, match=re.escape(what.format(dtype=dtype, other=OTHER[dtype]))):
        call(*args)


def spoiled(x: Array, value: float) -> Array:
    x = x.copy()
    x[2, 1] = value
    return x


BAD_X: dict[str, tuple[Callable[[Array], Any], str]] = {
    "a vector": (lambda x: x[0], "x: expected shape (N, 3), got (3,)"),
    "a stack": (lambda x: x[np.newaxis], "x: expected shape (N, 3), got (1, 4, 3)"),
    "a number": (lambda x: x.sum()[...], "x: expected shape (N, 3), got ()"),
    "transposed": (lambda x: x.T, "x: expected shape (N, 3), got (3, 4)"),
    "narrow": (lambda x: x[:, :2], "x: expected shape (N, 3), got (4, 2)"),
    "no units": (lambda x: x[:, :0], "x: expected shape (N, 3), got (4, 0)"),
    "no samples": (lambda x: x[:0], "x: expected at least one sample, got N = 0"),
    "float": (lambda x: x.astype(OTHER[x.dtype.name]), "x: expected dtype {dtype}, got {other}; convert with .astype"),
    "int": (lambda x: x.astype(np.int64), "x: expected dtype {dtype}, got int64"),
    "bool": (lambda x: x > 0, "x: expected dtype {dtype}, got bool"),
    "complex": (lambda x: x + 0j, "x: expected dtype {dtype}, got complex"),
    "object": (lambda x: x.astype(object), "x: expected dtype {dtype}, got object"),
    "foreign bytes": (lambda x: x.astype(x.dtype.newbyteorder()), "x: expected dtype {dtype}, got "),
    "list": (lambda x: x.tolist(), "x: expected a numpy array of dtype {dtype}, got list"),
    "None": (lambda x: None, "x: expected a numpy array of dtype {dtype}, got NoneType"),
    "nan": (lambda x: spoiled(x, np.nan), "x: expected finite values, got nan at [2, 1]"),
    "inf": (lambda x: spoiled(x, np.inf), "x: expected finite values, got inf at [2, 1]"),
    "-inf": (lambda x: spoiled(x, -np.inf), "x: expected finite values, got -inf at [2, 1]"),
    "inf - inf": (lambda x: np.vstack([x, spoiled(x, np.inf), spoiled(x, -np.inf)]), "got inf at [6, 1]"),
}


@pytest.mark.parametrize("case", BAD_X)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_data(idle: ModuleType, function: str, case: str) -> None:
    params, x = good(idle)
    spoil, what = BAD_X[case]
    refuses(getattr(idle, function), params, spoil(x), what=what, module=idle)


BAD_PARAMS: dict[str, tuple[Callable[[Params], Any], str]] = {
    "missing": (lambda p: {k: v for k, v in p.items() if k != "W2.bias"}, "missing ['W2.bias'], unknown []"),
    "none": (lambda p: {}, "missing ['W1.weight', 'W1.bias', 'W2.weight', 'W2.bias', 'skip.weight', 'gain.gain'],"),
    "extra": (lambda p: p | {"W3.bias": p["W2.bias"]}, "missing [], unknown ['W3.bias']"),
    "misspelled": (lambda p: {k.lower(): v for k, v in p.items()}, "unknown ['w1.weight', 'w1.bias', "),
    "numbered": (lambda p: dict(enumerate(p.values())), "unknown [0, 1, 2, 3, 4, 5]"),
    "transposed": (lambda p: p | {"W1.weight": p["W1.weight"].T},
                   "params['W1.weight']: expected shape (4, 3), got (3, 4)"),
    "a column": (lambda p: p | {"W1.bias": p["W1.bias"][:, None]},
                 "params['W1.bias']: expected shape (4,), got (4, 1)"),
    "a number": (lambda p: p | {"gain.gain": p["gain.gain"][0]},
                 "params['gain.gain']: expected a numpy array of dtype {dtype}, got {dtype}"),
    "float": (lambda p: p | {"W1.bias": p["W1.bias"].astype(OTHER[p["W1.bias"].dtype.name])},
              "params['W1.bias']: expected dtype {dtype}, got {other}"),
    "int": (lambda p: p | {"W1.bias": np.zeros(4, np.int64)}, "params['W1.bias']: expected dtype {dtype}, got int64"),
    "a list": (lambda p: p | {"W1.bias": [0.0] * 4},
               "params['W1.bias']: expected a numpy array of dtype {dtype}, got list"),
    "an array": (lambda p: p["W1.bias"], "params: expected a dict of arrays, got ndarray"),
    "arrays": (lambda p: list(p.values()), "params: expected a dict of arrays, got list"),
    "None": (lambda p: None, "params: expected a dict of arrays, got NoneType"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PARAMS)
@pytest.mark.parametrize("function", [*FUNCTIONS, "flatten"])
def test_parameters(idle: ModuleType, function: str, case: str) -> None:
    params, x = good(idle)
    spoil, what = BAD_PARAMS[case]
    refuses(getattr(idle, function), spoil(params), *([x] if function != "flatten" else []), what=what, module=idle)


BAD_LAM: tuple[object, ...] = (
    -1.0, -1e-300, -np.inf, np.inf, np.nan, 10**400, 1e309, "0.1", b"0.1", None, 1j, np.complex128(0.1), [0.1],
    np.array([0.1]), np.array("0.1"), {}, np.ma.masked,
)  # fmt: skip


@pytest.mark.parametrize("lam", BAD_LAM, ids=lambda lam: f"{type(lam).__name__}-{str(lam)[:9]}")
@pytest.mark.parametrize("function", OF_LAMBDA)
def test_lambda(idle: ModuleType, function: str, lam: object) -> None:
    what = f"lam: expected a finite number of at least 0, got {lam!r}".replace("{", "{{").replace("}", "}}")
    refuses(getattr(idle, function), *good(idle), lam, what=what, module=idle)


@pytest.mark.parametrize("masked", [True, False])
def test_numbers_under_a_mask(idle: ModuleType, masked: bool) -> None:
    """What is behind a mask is no value: not of λ, a seed or a number of threads."""
    params, x = good(idle)
    number: Any = np.ma.array(3, mask=masked)
    calls: tuple[tuple[Any, str], ...] = (
        (lambda: idle.loss(params, x, number), "lam"),
        (lambda: idle.init_params(number), "seed"),
        (lambda: idle.Workspace(threads=number), "threads"),
    )
    for call, name in calls:
        with pytest.raises(ValueError, match=f"^{name}: expected "):
            call()


@pytest.mark.parametrize("lam", [0, 1, np.float32(0.5), np.int64(2), np.array(0.5), -0.0, 5e-324])
@pytest.mark.parametrize("function", OF_LAMBDA)
def test_any_real_number_is_a_lambda(module: ModuleType, function: str, lam: Any) -> None:
    call = getattr(module, function)
    assert str(call(*good(module), lam)) == str(call(*good(module), float(lam)))


def test_workspaces(module: ModuleType) -> None:
    params, x = good(module)
    foreign = module_of(skip_and_branch(), OTHER[module.METADATA["dtype"]]).Workspace()
    wrong: object
    for wrong in ({}, 3, np.empty(3), foreign):
        with pytest.raises(ValueError, match="workspace: expected a Workspace of this module or None, got "):
            module.loss_and_grad(params, x, workspace=wrong)
    workspace = module.Workspace()
    for bad in ((params, spoiled(x, np.nan)), ({}, x), (params, x, -1.0)):
        with pytest.raises(ValueError, match="expected"):
            module.loss_and_grad(*bad, workspace=workspace)
    if module.METADATA["backend"] == "c":
        assert workspace._block.size == 0
    else:
        assert [vars(part) for part in workspace.parts] == [vars(part) for part in module.Workspace().parts]


@pytest.mark.parametrize("shift", [1, -1, None])
def test_unflatten_of_a_wrong_length(module: ModuleType, shift: int | None) -> None:
    theta = module.flatten(good(module)[0])
    wrong = theta[np.newaxis] if shift is None else np.zeros(theta.size + shift)
    refuses(module.unflatten, wrong, what=f"theta: expected shape ({theta.size},), got {wrong.shape}", module=module)


@pytest.mark.parametrize("dtype", [complex, object, str, bool])
def test_unflatten_of_no_numbers(module: ModuleType, dtype: type) -> None:
    theta = module.flatten(good(module)[0])
    refuses(module.unflatten, theta.astype(dtype), what="theta: expected real numbers, got dtype ", module=module)
    refuses(module.unflatten, None, what=f"theta: expected shape ({theta.size},), got ()", module=module)


def test_flatten_and_unflatten_are_inverse(module: ModuleType) -> None:
    params, x = good(module)
    theta = module.flatten(dict(reversed(params.items())))
    assert theta.dtype == np.float64
    np.testing.assert_array_equal(theta, np.concatenate([params[key].ravel() for key in module.PARAMS]))
    back = module.unflatten(theta)
    assert list(back) == list(module.PARAMS)
    for key, value in back.items():
        assert value.dtype == module.DTYPE
        assert not np.shares_memory(value, theta)
        np.testing.assert_array_equal(value, params[key])
    np.testing.assert_array_equal(module.flatten(module.unflatten(theta.tolist())), theta)
    assert module.flatten(module.loss_and_grad(params, x)[1]).shape == theta.shape


def results(call: Callable[..., Any], *args: Any) -> list[Array]:
    """Everything a function returns, as a flat list of arrays."""
    value = call(*args)
    parts = value if isinstance(value, tuple) else (value,)
    return [np.asarray(value) for part in parts for value in (part.values() if isinstance(part, dict) else [part])]


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran": np.asfortranarray,
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every second column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "unaligned": lambda x: np.frombuffer(b"0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
    "subclass": lambda x: x.view(np.memmap),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_layout_in_memory_does_not_matter(module: ModuleType, function: str, layout: str) -> None:
    params, x = good(module)
    call = getattr(module, function)
    other = {key: LAYOUTS[layout](np.atleast_2d(value)).reshape(value.shape) for key, value in params.items()}
    for ours, theirs in zip(results(call, other, LAYOUTS[layout](x)), results(call, params, x), strict=True):
        assert_close(ours, theirs, TOLERANCE[module.METADATA["dtype"]], layout)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arguments_are_not_written_to(module: ModuleType, function: str) -> None:
    params, x = good(module)
    expected = results(getattr(module, function), params, x)
    for array in (x, *params.values()):
        array.setflags(write=False)
    for ours, theirs in zip(results(getattr(module, function), params, x), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_sample_is_a_batch(module: ModuleType, function: str) -> None:
    params, x = good(module)
    each = [results(getattr(module, function), params, row[np.newaxis]) for row in x]
    whole = results(getattr(module, function), params, x)
    for position, expected in enumerate(whole):
        parts = [part[position] for part in each]
        joined = np.concatenate(parts) if function in OF_X else np.mean(parts, axis=0)
        assert_close(joined, expected, TOLERANCE[module.METADATA["dtype"]], function)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.filterwarnings(
    "ignore:overflow encountered", "ignore:invalid value encountered", "ignore:.*the result is not finite"
)
def test_large_values_are_not_reported_as_infinite(module: ModuleType, function: str) -> None:
    params, x = good(module)
    assert results(getattr(module, function), params, np.full_like(x, np.finfo(module.DTYPE).max))


BAD_MODULES = {
    "def\n": "does not import: SyntaxError",
    "1 / 0\n": "does not import: ZeroDivisionError: division by zero\n  hint: write it anew: smgen build --force",
    "import no_such\n": "does not import: No module named 'no_such'\n  hint: pip install no_such",
}


@pytest.mark.parametrize("content", BAD_MODULES)
def test_load_of_what_is_no_module(tmp_path: Path, content: str) -> None:
    path = tmp_path / "net_numpy.py"
    with pytest.raises(BuildError, match=r"net_numpy.py: no module to load\n  hint: `smgen build net.py` writes one"):
        sm.load(path)
    path.write_text(content)
    with pytest.raises(BuildError, match=re.escape(f"{path}: {BAD_MODULES[content]}")):
        sm.load(path)
