"""f, f′, f″ and f‴ as generated code computes them, against raw formulas differentiated and evaluated in 360 digits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.calculus import primitives as p
from smgen.calculus.derivatives import Nonlinearity, differentiate
from smgen.calculus.primitives import G, references
from smgen.calculus.recognise import recognise
from smgen.calculus.scalar import evaluate
from smgen.layers.named import NAMED
from smgen.layers.pointwise import Pointwise
from smgen.numerics.one_operand import numerics
from tests.support import Array

FEW_ULP = 8
DIGITS = {"float32": 90, "float64": 360}  # 1 − tanh²(g) loses every digit down to where the dtype underflows


def formula(text: str) -> sp.Expr:
    return sp.sympify(text, locals={"g": G})


def separated(text: str) -> list[str]:
    return text.replace("\n    ", "; ").split("; ")


RAW = {
    "atan": "atan(g)", "cos": "cos(g)", "erf": "erf(g)", "exp": "exp(g)", "gelu": "g*erfc(-g/sqrt(2))/2",
    "leaky_relu": "Piecewise((g, g > 0), (g/100, True))", "logcosh": "log(cosh(g))", "pseudo_huber": "sqrt(1 + g^2)",
    "relu": "Piecewise((g, g > 0), (0, True))", "sigmoid": "1/(1 + exp(-g))", "silu": "g/(1 + exp(-g))",
    "sin": "sin(g)", "softplus": "log(1 + exp(g))", "square": "g^2", "student_t": "2*log(1 + g^2/3)", "tanh": "tanh(g)",
}  # fmt: skip
"""The named nonlinearities from their definitions."""

WRITTEN = separated("""log(1 + exp(g)); log(1 + exp(-g)); log(cosh(g)); log(2*cosh(g)); log(exp(g) + exp(-g)); tanh(g)^2
    1/(1 + exp(-g)); g/(1 + exp(-g)); exp(g)/(1 + exp(g)); (exp(g)/(1 + exp(g)))^2; -log(1/(1 + exp(-g)))
    1 - 1/(1 + exp(-g)); exp(g)/(1 + exp(g))^2; tanh(g)/cosh(g)^2; 1/cosh(g); sinh(g)/cosh(g); asinh(g); 1/(1 + g^2)
    (exp(g) - exp(-g))/(exp(g) + exp(-g)); (exp(2*g) - 1)/(exp(2*g) + 1); sqrt(1 + g^2); sqrt(g^2 + 1/100)
    log(1 + g^2/2); log(1 + g^2)^2; exp(-g^2/2); g*exp(-g^2); exp(-g^2/8); g*erfc(-g/sqrt(2))/2; sinh(g)
    g*(1 + erf(g/sqrt(2)))/2; g^4/4 + cosh(g); log(exp(-(g - 1)^2/2) + exp(-(g + 1)^2/2))""")
"""What users write; every formula keeps to the bound as it stands."""

ROUNDED = separated("""log(3 + exp(g)); log(1 + exp(2*g - 1)); exp(-g^2/3); exp(-(g - 1)^2/2); g/(1 + exp(-1.702*g))
    erfc(g); tanh(g - 5); g*tanh(log(1 + exp(g))); log(2 + exp(1 - g/3))""")
"""Here an intermediate c·g + d is rounded, which does no more than a rounding of g does."""


def points(dtype: str) -> Array:
    """±10^k for k = −6 … 4, 0, the middle, and where exp begins to underflow or overflow."""
    decades = 10.0 ** np.linspace(-6, 4, 21)
    special = [-700, -103, -88.5, -87, -30, -17, -12, -9.3, 9.3, 12, 17, 30, 88.5, 700, 709]
    return np.unique(np.concatenate([-decades, decades, np.linspace(-4, 4, 17) + 1e-3, special]).astype(dtype))


def exactly(expr: sp.Expr, at: Array, digits: int) -> list[Any]:
    """`expr` at each point, in mpmath."""
    with mpmath.workdps(digits):
        f = sp.lambdify(G, expr, [references(), "mpmath"], cse=True)
        return [mpmath.mpf(f(mpmath.mpf(float(point)))) for point in at]


def terms(expr: sp.Expr) -> sp.Expr:
    """The formula with every sum replaced by the sum of absolute terms."""
    match expr:
        case sp.Add() | sp.Mul():
            return expr.func(*map(terms, expr.args))
        case sp.Pow() if expr.exp.is_Integer and expr.exp > 0:
            return terms(expr.base) ** expr.exp
        case _:
            return sp.Abs(expr)


def computed(f: Nonlinearity, order: int, at: Array, dtype: str) -> list[Array]:
    """f⁽ᵒʳᵈᵉʳ⁾ by its own formula, in both its forms, and, where there is one, as a multiple of a lower derivative."""

    def value(expr: sp.Expr) -> Array:
        return np.broadcast_to(evaluate(p.stable(expr), {G: at}, dtype), at.shape)

    ratio = f.ratios[order]
    ways = [] if ratio is None else [value(ratio[1]) * lower for lower in computed(f, ratio[0], at, dtype)]
    return [value(f.derivatives[order]), value(f.forms[order]), *ways]


@np.errstate(over="ignore", under="ignore", invalid="ignore")
def worst_ulp(expr: sp.Expr, raw: sp.Expr, dtype: str, *, rounded: bool = False) -> list[float]:
    """Per derivative, the largest error in ulp of the exact value or, where the formula cancels, of its largest term.

    Terms excuse at most 8 ulp of the largest value as near to 0 as g, or as 10; `rounded` excuses an ulp of g. Below
    tiny/eps, where a factor may be subnormal, errors are absolute. Values that fit the dtype must be finite.
    """
    f, at, info = differentiate(expr), points(dtype), np.finfo(dtype)
    near = np.abs(at)[np.newaxis, :] <= np.maximum(np.abs(at), 10)[:, np.newaxis]
    worst = []
    for order, derivative in enumerate(f.derivatives):
        exact = np.array(exactly(sp.diff(raw, G, order), at, DIGITS[dtype]))
        value = np.abs(exact).astype(np.float64)
        sums = [np.array(exactly(terms(e), at, 40), np.float64) for e in (derivative, p.stable(derivative))]
        cancelled = np.minimum(np.maximum(*sums), 8 * np.max(np.where(near, value, 0), axis=1))
        scale = np.maximum(np.maximum(value, cancelled), float(info.tiny / info.eps))
        if rounded:
            slopes = np.array(exactly(sp.diff(raw, G, order + 1), at, DIGITS[dtype]))
            scale = np.maximum(scale, np.abs(at * slopes).astype(np.float64))
        fits = value <= info.max
        for got in computed(f, order, at, dtype):
            assert got.dtype == dtype
            assert np.isfinite(got[fits]).all(), f"f{'′' * order} of {raw} is {got} in {dtype}"
            errors = np.abs(got[fits].astype(object) - exact[fits]).astype(np.float64)
            worst.append(float(np.max(errors / scale[fits] / info.eps)))
    return worst


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*NAMED, *WRITTEN, *ROUNDED])
def test_all_derivatives_are_exact_to_a_few_ulp(name: str, dtype: str) -> None:
    raw = formula(RAW.get(name, name))
    expr = NAMED[name](G) if name in NAMED else raw
    assert max(worst_ulp(expr, raw, dtype, rounded=name in ROUNDED)) <= FEW_ULP


_rational = st.fractions(-3, 3, max_denominator=8).map(lambda q: sp.Rational(q.numerator, q.denominator))
_above_zero = _rational.map(lambda c: abs(c) + sp.Rational(1, 8))
_linear = st.builds(lambda a, b: a * G + b, _rational, _rational)
_of_linear = st.sampled_from([
    sp.exp, sp.cosh, sp.erfc, lambda e: sp.exp(-(e**2)), lambda e: 1 / (1 + sp.exp(e)), lambda e: 1 + sp.erf(e),
    lambda e: sp.exp(e) + sp.exp(-e), lambda e: e**2 + 1,
])  # fmt: skip
_positive = st.recursive(
    st.builds(lambda f, e: f(e), _of_linear, _linear),
    lambda some: st.one_of(
        st.builds(sp.Add, _above_zero | some, some),
        st.builds(sp.Mul, _above_zero | some, some),
        st.builds(sp.Pow, some, st.sampled_from([sp.S(-2), sp.S(-1), sp.S(2), sp.S.Half])),
    ),
    max_leaves=5,
)
_real = _linear | _linear.map(sp.sinh) | _linear.map(lambda e: sp.exp(e) - 1) | _positive.map(sp.log)
_outer = st.sampled_from([
    lambda a, b, w: a + b, lambda a, b, w: a * b, lambda a, b, w: a * w, lambda a, b, w: a / w, lambda a, b, w: 1 - w,
    lambda a, b, w: b * w**2 - a, lambda a, b, w: sp.Max(a, b, w), lambda a, b, w: sp.Min(a, w), lambda a, b, w: abs(a),
])  # fmt: skip
_points = st.lists(st.floats(-4, 4, allow_subnormal=False), min_size=3, max_size=3).map(np.array)
thorough = settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))


@thorough
@given(st.builds(lambda f, a, b, w: f(a, b, w), _outer, _real, _real, _positive), _points)
def test_recognition_is_an_identity_and_leaves_nothing_to_recognise(expr: sp.Expr, at: Array) -> None:
    recognised = recognise(expr)
    assert recognise(recognised) == recognised
    for before, after in zip(exactly(expr, at, 150), exactly(recognised, at, 150), strict=True):
        assert abs(after - before) <= mpmath.mpf(10) ** -25 * max(1, abs(before)), recognised


@pytest.mark.parametrize("f", [
    p.sigmoid, p.softplus, p.logcosh, p.sech, p.erf, p.ndtr, p.log1p, p.expm1, p.absolute, p.relu, p.step, p.signum,
    lambda u: p.gaussian(u, sp.S.Half), lambda u: p.gaussian(u, sp.S.One), lambda u: p.gaussian(sp.sqrt(2) * u, 2),
])  # fmt: skip
def test_primitives_are_closed_under_differentiation(f: Any) -> None:
    for order in range(1, 4):
        assert all(isinstance(call, p.known()) for call in sp.diff(f(G), G, order).atoms(sp.Function))
    at = np.array([-0.9, -0.3, 0.01, 0.7, 2.9, 11.0])
    with mpmath.workdps(40):
        function = sp.lambdify(G, f(G), [references(), "mpmath"])
        for u, slope in zip(at, exactly(sp.diff(f(G), G), at, 40), strict=True):
            assert abs(slope - mpmath.diff(function, mpmath.mpf(u))) <= mpmath.mpf(10) ** -25 * max(1, abs(slope))


def complaints(expr: sp.Expr, dtype: str) -> str:
    """What building a network with this layer would warn of."""
    vertex = sm.Network(energy=sm.pointwise(sm.input(2), expr)).vertices[-1]
    assert isinstance(vertex.layer, Pointwise)
    return "\n".join(text for _, text in numerics(vertex, dtype))


@pytest.mark.parametrize(("text", "complaint"), [
    ("log(1 + exp(g) + g^2 * exp(2 * g))", "f overflows for g from 46.4 to 1e+04"),
    ("log(1 + exp(g) + g^2 * exp(2 * g))", "f′ is NaN for g from 46.4 to 1e+04"),
    ("cosh(g) - 1", "f overflows for g from -1e+04 to -100, g from 100 to 1e+04"),
    ("1 / (2 + exp(g) + sin(g)^2)", "f″ is NaN for g from"),
    ("g * sqrt(1 + g^2) - g^2", "f loses accuracy for g from"),
    ("g*(6/(1 + exp(-g))^3 - 12/(1 + exp(-g))^2 + 7/(1 + exp(-g)) - 1)/(1 + exp(-g))", "f loses accuracy"),
])  # fmt: skip
def test_what_cannot_be_mended_is_warned_of(text: str, complaint: str) -> None:
    assert complaint in complaints(formula(text), "float32")


@pytest.mark.parametrize("expr", [f(G) for f in NAMED.values()] + list(map(formula, WRITTEN + ROUNDED)), ids=str)
def test_formulas_that_compute_well_are_not_warned_of(expr: sp.Expr) -> None:
    grows = differentiate(expr).f.has(sp.exp(G), sp.cosh, sp.sinh)
    lines = complaints(expr, "float32").splitlines()
    assert [text for text in lines if "kinks" not in text and not (grows and "overflows" in text)] == []


@pytest.mark.parametrize("text", ["Abs(g)", "Max(g, 0)", "Max(g, -g / 2, 1)", "g / 2 - Min(g, 0)"])
def test_kinks_are_warned_of_and_have_no_curvature(text: str) -> None:
    assert differentiate(formula(text)).derivatives[2:] == (0, 0)
    assert "has kinks" in complaints(formula(text), "float64")


_a, _b = sp.Symbol("a", real=True), sp.Symbol("b", real=True)
_symbol = st.sampled_from([G, _a, _b])
_factor = st.one_of(
    st.builds(lambda c, s, t: c * s + t, _rational, _symbol, st.sampled_from([_a, _b, sp.S(2)])),
    st.builds(lambda c, s, n: (c + s**2) ** n, _above_zero, _symbol, st.sampled_from([-2, -1, sp.S.Half])),
    st.builds(lambda s, n: s**n, _symbol, st.integers(1, 7)),
)


@thorough
@given(st.lists(st.lists(_factor, min_size=1, max_size=3), min_size=1, max_size=3))
def test_linearised_rational_expressions_keep_their_value(parts: list[list[sp.Expr]]) -> None:
    """A scalar a, a row b and a matrix g: the order of operations depends on what varies, the value does not."""
    rng = np.random.default_rng(len(str(parts)))
    values: dict[sp.Symbol, Array] = {_a: rng.normal(size=()), _b: rng.normal(size=3), G: rng.normal(size=(2, 3))}
    expr = sp.Add(*(sp.Mul(*factors) for factors in parts))
    got = np.broadcast_to(evaluate(expr, values, "float64"), (2, 3))
    absolute = expr.replace(sp.Add, lambda *parts: sp.Add(*map(terms, parts)))
    f, size = (sp.lambdify((_a, _b, G), e, "mpmath") for e in (expr, absolute))
    for index in np.ndindex(2, 3):
        at = [mpmath.mpf(float(np.broadcast_to(v, (2, 3))[index])) for v in values.values()]
        assert abs(float(got[index]) - f(*at)) <= 1e-13 * (1 + abs(size(*at)))


@pytest.mark.parametrize(("name", "shared", "for_f"), [
    ("softplus", ["exp"], ["log1p"]), ("sigmoid", ["exp"], []), ("silu", ["exp"], []),
    ("tanh", ["exp", "tanh"], []), ("logcosh", ["exp", "tanh"], ["log1p"]), ("gelu", ["exp", "exp", "erfcx"], []),
])  # fmt: skip
def test_one_exp_or_tanh_for_all_derivatives(name: str, shared: list[str], for_f: list[str]) -> None:
    """f′, f″ and f‴ of the top layer share `shared`, and so does f of a layer below.

    gelu's Gaussian is two exps; tanh and its sech² need one each, for sech² has tails that 1 − tanh² loses.
    """
    f = NAMED[name]
    first = f(sm.linear(sm.input(3), 4))
    for energy, expected in ((first, shared), (f(sm.linear(first, 4)), 2 * shared + for_f)):
        network = sm.Network(energy=energy)
        text = source(network, build_info(network, Path("net.py"), Options(dtype="float64")))
        body = text.partition("def _loss_and_grad(")[2].partition("\n\n\n")[0]
        calls = re.findall(r"\b(?:np|special)\.(\w*(?:exp|log|sin|cos|tan|erf|power)\w*)\(", body)
        assert sorted(calls) == sorted(expected)
