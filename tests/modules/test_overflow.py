"""A result that is not finite is said to be, with the layer that overflows; np.errstate decides how."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy as sp

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.errors import NumericsWarning
from smgen.loader import load_source
from smgen.network import Network
from smgen.report.check import check
from tests.support import module_of

FUNCTIONS = ("energy", "score", "hessian_diagonal", "loss", "loss_terms", "loss_and_grad", "loss_and_grad_terms")


def two_layers() -> Network:
    h = sm.softplus(sm.linear(sm.input(2), 3, name="first"), name="bend")
    return Network(energy=sm.square(sm.linear(h, 2, name="second"), name="experts"))


@pytest.fixture(params=["numpy-float32", "numpy-float64", "c-float32", "c-float64"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    backend, dtype = request.param.split("-")
    return module_of(two_layers(), dtype, backend)


def told(module: ModuleType, function: str, large: dict[str, float], lam: float = 0.1) -> list[str]:
    """What is said of a call with parameters of this size, the third sample alone being large."""
    params = {key: np.full_like(value, large.get(key, 0.5)) for key, value in module.init_params().items()}
    x = np.zeros((5, 2), module.DTYPE)
    x[2] = large.get("x", 1.0)
    call = getattr(module, function)
    arguments: tuple[Any, ...] = (lam,) if function.startswith("loss") else ()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(params, x, *arguments)
    assert all("the result is not finite" in str(entry.message) for entry in caught)
    assert all(entry.filename == __file__ for entry in caught)
    return [str(entry.message) for entry in caught]


def largest(module: ModuleType) -> float:
    return float(np.finfo(module.DTYPE).max) / 4


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_first_layer_that_overflows_is_named(module: ModuleType, function: str) -> None:
    root = largest(module) ** 0.5 * 10
    cases = {
        "first": {"first.weight": root, "x": root},
        "second": {"second.weight": root, "first.weight": root, "x": 1.0},
        "experts": {"second.weight": root, "second.bias": root},
    }
    for layer, large in cases.items():
        if function in ("score", "hessian_diagonal") and layer == "experts":
            continue  # their values do not need the energy's
        (text,) = told(module, function, large)
        dtype = np.dtype(module.DTYPE)
        assert text.startswith(
            f"{function}: the result is not finite in {dtype}: the values of layer '{layer}' overflow"
        )
        assert text.endswith("first for sample 2") or layer == "experts"


def test_a_derivative_that_overflows(module: ModuleType) -> None:
    (text,) = told(module, "loss", {"first.weight": largest(module) ** 0.6, "x": 0.0})
    assert text == (
        f"loss: the result is not finite in {np.dtype(module.DTYPE)}: "
        "the values of all layers at x are, but a derivative of theirs overflows"
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_said_of_finite_results(module: ModuleType, function: str) -> None:
    assert told(module, function, {}) == []


def test_errstate_decides(module: ModuleType) -> None:
    large = {"first.weight": largest(module), "x": largest(module)}
    with np.errstate(all="ignore"):
        assert told(module, "loss", large) == []
    with np.errstate(over="raise", invalid="raise"), pytest.raises(FloatingPointError):
        told(module, "loss", large)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_hutchinson(backend: str) -> None:
    module = module_of(two_layers(), "float32", backend, "hutchinson", 2)
    params = {key: np.full_like(value, 1e30) for key, value in module.init_params().items()}
    x = np.full((4, 2), 1e20, np.float32)
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning, match="layer 'first' overflow"):
        module.loss_and_grad(params, x, 0.1, rng=0)


g = sp.Symbol("g", real=True)
BRANCHED = [
    sp.Piecewise((g**2 / 2, sp.Abs(g) < 1), (sp.Abs(g) - sp.S.Half, True)),
    sp.Piecewise((sp.exp(g), g < 0), (1 + g + g**2 / 2 + g**3 / 6, True)),
    sp.Abs(g) - sp.log(1 + sp.Abs(g)),
    g / (1 + sp.exp(-1.702 * g)),
    sp.log(2 + sp.exp(g) + sp.exp(-g)),
    sm.softplus(g),
    sp.log(1 + sp.Abs(g) ** 3),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", BRANCHED, ids=str)
def test_what_overflows_on_the_way_to_a_finite_result_says_nothing(function: sp.Expr, dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericsWarning)
        module = module_of(Network(energy=sm.pointwise(sm.linear(sm.input(1), 1), function)), dtype)
    params = {"linear_1.weight": np.ones((1, 1), dtype), "linear_1.bias": np.zeros(1, dtype)}
    for at in (-1e300, -1e18, -1e3, -80.0, 1e-20, 80.0, 1e3, 2e19, 1e300):
        if abs(at) > float(np.finfo(dtype).max):
            continue
        x = np.array([[at]], dtype)
        with np.errstate(all="ignore"):
            calls = [(name, getattr(module, name)(params, x)) for name in ("energy", "score", "hessian_diagonal")]
        for name, result in calls:
            if np.isfinite(result).all():
                with np.errstate(all="raise"):
                    np.testing.assert_array_equal(getattr(module, name)(params, x), result)


def squares(depth: int) -> Network:
    node = sm.input(4)
    for _ in range(depth):
        node = sm.square(sm.linear(node, 4))
    return Network(energy=node)


def shifted() -> Network:
    """exp(g + 100), which float32 cannot hold, however small the samples are."""
    return Network(energy=sm.exp(sm.pointwise(sm.linear(sm.input(3), 4), lambda g: g + 100)))


@pytest.mark.parametrize("network", [squares(6), squares(12), shifted()], ids=["6", "12", "shifted"])
def test_check_does_not_blame_a_module_for_overflow(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are made smaller where that helps; what the dtype cannot hold even so is said to overflow."""
    module = load_source(source(network, build_info(network, Path("net.py"), Options(hessian="diagonal"))), "deep")
    beyond = len(network.vertices) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        findings = list(check(network, module, 2))
        assert all(finding.passed for finding in findings)
        told = {finding.what for finding in findings if finding.measured == "overflows in float32"}
        assert told >= {finding.what for finding in findings[:4]} if beyond else told == set()
        monkeypatch.setattr(module, "energy", lambda params, x: np.full(len(x), np.inf, np.float32))
        assert next(check(network, module, 2)).passed == beyond


def test_check_blames_a_module_for_what_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    network = squares(1)
    module = load_source(source(network, build_info(network, Path("net.py"), Options())), "shallow")

    def lost(call: Any, *args: Any, **keywords: Any) -> Any:
        found = call(*args, **keywords)
        return tuple(np.nan * part for part in found) if isinstance(found, tuple) else np.nan * found

    wrong = {
        "energy": {"energy E", "score (against energy)"},
        "score": {"score −δ (1)", "score (against energy)"},
        "hessian_diagonal": {"δ′ by the recursion (§1.3)"},
        "loss_terms": {"loss_terms", "loss_terms with weights and a mask", *(f"∂/∂{key}" for key in module.PARAMS)},
        "losses": {"losses of each sample"},
    }
    for name, rows in wrong.items():
        with monkeypatch.context() as patch:
            patch.setattr(module, name, partial(lost, getattr(module, name)))
            assert {finding.what for finding in check(network, module) if not finding.passed} == rows
    call = module.loss_and_grad
    monkeypatch.setattr(module, "loss", lambda *args, **keywords: np.inf)
    monkeypatch.setattr(module, "loss_and_grad", lambda *args, **keywords: (np.inf, *call(*args, **keywords)[1:]))
    failed = {finding.what for finding in check(network, module) if not finding.passed}
    assert failed == {f"∂/∂{key}" for key in module.PARAMS} | {"loss_and_grad by x (against loss)"}
