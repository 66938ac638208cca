"""Borders of |g|, max and Piecewise: smooth ones are smooth, with the right values there; others are named."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import sympy as sp

import smgen as sm
from smgen.analysis.exactness import verdict
from smgen.calculus.derivatives import differentiate
from smgen.calculus.primitives import G
from smgen.errors import NetworkError, NumericsWarning, UnsupportedNonlinearity
from smgen.layers.pointwise import Pointwise
from smgen.network import Network
from smgen.numerics.one_operand import check_nonlinearities, domains_of, numerics
from smgen.report.check import check
from tests.functions.values import TARGETS, one, values
from tests.support import module_of

g, half = G, sp.S.Half
SMOOTH: list[tuple[Any, float, tuple[float, float, float]]] = [
    (sp.Max(g, 0) + sp.log(1 + sp.exp(-sp.Abs(g))), 0, (np.log(2), 0.5, 0.25)),
    (sp.Max(-g, 0) + sp.log(1 + sp.exp(-sp.Abs(g))), 0, (np.log(2), -0.5, 0.25)),
    (sp.Abs(g) + sp.log(1 + sp.exp(-2 * sp.Abs(g))) - sp.log(2), 0, (0, 0, 1)),
    (sp.Abs(g) - sp.log(1 + sp.Abs(g)), 0, (0, 0, 1)),
    (sp.Abs(g - 2) ** 3, 2, (0, 0, 0)),
    (sp.Max(g, 0) ** 4, 0, (0, 0, 0)),
    (sp.Abs(g) ** 3 / (1 + sp.Abs(g)), 0, (0, 0, 0)),
    ((1 + sp.Abs(g) + g**2 / 3) * sp.exp(-sp.Abs(g)), 0, (1, 0, -1 / 3)),
    (sp.Piecewise((sp.exp(g), g < 0), (1 + g + g**2 / 2, True)), 0, (1, 1, 1)),
    (sp.Piecewise((g**4, sp.Abs(g) < 1), (4 * sp.Abs(g) ** 3 - 6 * g**2 + 4 * sp.Abs(g) - 1, True)), 1, (1, 4, 12)),
]  # fmt: skip
BENT: list[tuple[Any, float, float]] = [
    (sp.Max(g, 0) + sp.Min(sp.exp(g) - 1, 0), 0, 1),
    (sp.sign(g) * sp.log(1 + sp.Abs(g)), 0, 1),
    (g / (1 + sp.Abs(g)), 0, 1),
    (sp.Piecewise((g**2 / 2, sp.Abs(g) <= 1), (sp.Abs(g) - half, True)), 1, 1),
    (g * sp.Abs(g), 0, 0),
    (sp.Max(g, 0) ** 2, 0, 0),
]
KINKED = [sp.Abs(g), sp.Max(g, 0), sp.log(1 + sp.Abs(g)), sp.Abs(g**2 - 1), sp.Piecewise((g, g < 1), (2 * g - 1, True)),
          sp.Abs(sp.sin(g)), sp.Max(g, -g / 2, 1), sp.exp(-sp.Abs(g))]  # fmt: skip


def said(function: Any, dtype: str = "float64") -> list[str]:
    network = one(function)
    vertex = network.vertices[-1]
    assert isinstance(vertex.layer, Pointwise)
    return [text for _, text in numerics(vertex, dtype)]


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize(("function", "at", "expected"), SMOOTH)
def test_smooth_forms_have_their_values_and_no_kink(function: Any, at: float, expected: Any, backend: str) -> None:
    assert values(function, [at], "float64", backend)[0] == pytest.approx(expected, abs=1e-14)
    assert said(function) == []
    assert not differentiate(function).kinks


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize(("function", "at", "slope"), BENT)
def test_a_continuous_slope_is_there_and_a_jump_of_the_curvature_named(
    function: Any, at: float, slope: float, backend: str
) -> None:
    assert values(function, [at], "float64", backend)[0][1] == pytest.approx(slope, abs=1e-14)
    assert any("has no f″ at" in text and "kinks" not in text for text in said(function))


@pytest.mark.parametrize("function", KINKED, ids=str)
def test_kinks_are_named(function: Any) -> None:
    assert any("has kinks" in text for text in said(function))


def test_new_smooth_members() -> None:
    """p(|g|) is as smooth as its odd powers begin late; max(g − a, 0)ⁿ has n − 1 continuous derivatives."""
    for a, n, c in itertools.product((-1, sp.Rational(1, 3), 2), (1, 2, 3, 4), (half, 3)):
        texts = said(c * sp.Max(g - a, 0) ** n + sp.cos(g))
        assert ("kinks" in " ".join(texts)) == (n == 1)
        assert ("has no f″" in " ".join(texts)) == (n == 2)
        smooth = c * sp.Abs(g - a) ** (2 * n) + sp.Abs(g - a) ** 3
        assert said(smooth) == []
        at = float(a)
        [(_, slope, curvature)] = values(smooth, [at], "float64", "numpy")
        assert slope == pytest.approx(0, abs=1e-12)
        assert curvature == pytest.approx(2 * float(c) if n == 1 else 0, abs=1e-12)


def test_branches_that_are_not_computed_do_no_harm() -> None:
    elu = sp.Piecewise((sp.exp(g) - 1, g < 0), (g, True))
    for dtype, at in (("float32", 3e38), ("float64", 1e300)):
        assert values(elu, [at, -at], dtype, "numpy") == [(pytest.approx(at), 1, 0), (-1, 0, 0)]


def test_a_smooth_form_does_not_disturb_the_verdict() -> None:
    softplus = sp.Max(g, 0) + sp.log(1 + sp.exp(-sp.Abs(g)))
    assert "kink" not in verdict(one(softplus)).reason


# Domains


def pooled(**keywords: Any) -> Network:
    h = sm.linear(sm.square(sm.linear(sm.input(4), 5)), 3, name="pool")
    return Network(energy=sm.pointwise(h, lambda u: sp.sqrt(u + sp.Rational(1, 100)), **keywords))


def test_a_declared_domain_is_all_that_is_probed() -> None:
    with pytest.raises(UnsupportedNonlinearity, match="domain="):
        check_nonlinearities(pooled(), "float32")
    network = pooled(domain=(0, None))
    for dtype in ("float32", "float64"):
        check_nonlinearities(network, dtype)
    assert network.fingerprint != pooled().fingerprint
    assert pooled(domain=(None, None)).fingerprint == pooled().fingerprint


def test_the_graph_shows_what_is_never_negative() -> None:
    x = sm.input(4)
    a, b = sm.linear(x, 3), sm.linear(x, 3)
    for squares in (
        sm.add(sm.square(a), sm.square(b)),
        sm.add(sm.softplus(a), sm.exp(b)),
        sm.concat(sm.student_t(a), sm.logcosh(b)),
        sm.pointwise(a, lambda u: sp.Abs(u) ** 3 + u**4),
        sm.pointwise(sm.square(a), lambda u: u / (1 + u)),
    ):
        network = Network(energy=sm.pointwise(squares, lambda u: sp.sqrt(u + sp.Rational(1, 100)), name="root"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumericsWarning)
            check_nonlinearities(network, "float64")
        assert 0 <= domains_of(network)["root"][0][0] < 1e-300
    for anything in (sm.linear(sm.square(a), 2), sm.scale(sm.square(a)), sm.add(sm.square(a), b), sm.silu(a)):
        network = Network(energy=sm.pointwise(anything, lambda u: sp.sqrt(u + sp.Rational(1, 100))))
        with pytest.raises(UnsupportedNonlinearity, match="not real"):
            check_nonlinearities(network, "float64")


def test_a_domain_does_not_hide_a_pole_on_its_border() -> None:
    for function, text in ((sp.sqrt, "f′ is infinite at 0"), (lambda u: 1 / u, "has a pole at 0")):
        with pytest.raises(UnsupportedNonlinearity, match=text):
            check_nonlinearities(Network(energy=sm.pointwise(sm.input(2), function, domain=(0, None))), "float64")
    check_nonlinearities(Network(energy=sm.pointwise(sm.input(2), sp.log, domain=(0.5, None))), "float64")


@pytest.mark.parametrize("domain", [3, (1,), (1, 0), (0, 0), ("a", None), (np.nan, 1), (0, np.inf), (True, None)])
def test_domains_that_are_none(domain: Any) -> None:
    with pytest.raises(NetworkError, match="domain must be a pair of finite numbers"):
        sm.pointwise(sm.input(2), sp.sin, domain=domain)


def test_sums_and_products_are_done() -> None:
    k = sp.Symbol("k", integer=True)
    assert values(sp.Sum(g**k, (k, 0, 5)), [2.0], "float64", "numpy")[0][0] == 63
    assert values(sp.Product(g + k, (k, 1, 3)), [2.0], "float64", "numpy")[0][0] == 60


def test_modules_of_branches_agree_between_backends() -> None:
    huber = sp.Piecewise((g**2 / 2, sp.Abs(g) <= 1), (sp.Abs(g) - half, True))
    network = Network(energy=sm.pointwise(sm.linear(sm.input(3), 4), huber))
    rng = np.random.default_rng(0)
    params = {key: rng.normal(size=shape) for key, shape in network.parameters.items()}
    x = rng.normal(size=(20, 3))
    numpy, c = (module_of(network, "float64", backend).loss_and_grad(params, x, 0.1) for backend in ("numpy", "c"))
    assert numpy[0] == pytest.approx(c[0], rel=1e-12)


@pytest.mark.parametrize("backend", TARGETS)
def test_random_parameters_keep_to_a_declared_domain(backend: str) -> None:
    """The self-test and `smgen check` take parameters at which the network has values."""
    network = pooled(domain=(0, None))
    for mode in ("diagonal", "exact", "hutchinson"):
        module = module_of(network, "float64", backend, mode, 2)
        assert module.selftest(1)
        assert [finding for finding in check(network, module, 1) if not finding.passed] == []


def test_the_absolute_value_of_a_node() -> None:
    x = sm.input(3)
    node = abs(sm.linear(x, 2))
    assert node.layer.kind == "absolute"
    assert module_of(Network(energy=[node, sm.square(x)])).selftest()
