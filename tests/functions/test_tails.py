"""f, f′ and f″ far out, in NumPy and C modules: right to the ends of the dtype, whatever cancels or overflows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import smgen as sm
from smgen.calculus.accuracy import judge
from smgen.calculus.derivatives import differentiate
from smgen.calculus.primitives import G, references, stable
from smgen.calculus.scalar import evaluate
from smgen.errors import NumericsWarning
from smgen.network import Network
from smgen.numerics.one_operand import numerics
from tests.functions.values import TARGETS, one, values
from tests.support import module_of

INF = float("inf")
Function = sp.Expr | Callable[[sp.Expr], sp.Expr]


LSE = -sp.log(sp.Add(*(sp.exp(-((G - k) ** 2) / 2) for k in range(8))))
CASES: list[tuple[Any, str, float, tuple[float | None, ...]]] = [
    (sm.softplus, "float32", 17, (None, None, 4.13994e-8)),
    (sm.softplus, "float64", 37.43, (None, None, 5.5511e-17)),
    (sm.softplus, "float64", 40, (None, None, 4.248354255291589e-18)),
    (sm.logcosh, "float32", 10, (None, None, 8.24461e-9)),
    (sm.logcosh, "float64", 20, (None, None, 1.69934e-17)),
    (sm.logcosh, "float32", 1e-4, (5e-9, 1e-4, 1)),
    (sm.sigmoid, "float32", 20, (1, 2.0611536e-9, -2.0611536e-9)),
    (sm.tanh, "float64", 20, (1, 1.6993417e-17, -3.3986834e-17)),
    (sm.tanh, "float32", 20, (1, 1.6993417e-17, -3.3986834e-17)),
    (sm.silu, "float32", 20, (20, 1, -3.7100766e-8)),
    (sm.silu, "float32", 3e38, (3e38, 1, 0)),
    (sm.silu, "float32", -3e38, (0, 0, 0)),
    (sm.gelu, "float32", 1e20, (1e20, 1, 0)),
    (sm.gelu, "float32", -1e20, (0, 0, 0)),
    (sm.student_t, "float32", 1e20, (182.00958, 4e-20, 0)),
    (sm.student_t, "float32", 1e10, (None, 4e-10, -4e-20)),
    (sm.student_t, "float64", 1e160, (None, 4e-160, 0)),
    (sm.pseudo_huber, "float32", 1e20, (1e20, 1, 0)),
    (sp.asinh, "float32", 1e20, (None, 1e-20, 0)),
    (sp.atan, "float32", 1e20, (np.pi / 2, 0, 0)),
    (sm.erf, "float32", 1e20, (1, 0, 0)),
    (lambda g: sp.Max(g, -1000), "float32", 0.1, (0.1, 1, 0)),
    (lambda g: 1 - sp.exp(-(g**2) / 2), "float32", 1e-4, (5e-9, 1e-4, 1)),
    (lambda g: sp.sqrt(1 + g**2) - 1, "float32", 1e-4, (5e-9, 1e-4, 1)),
    (lambda g: sp.sqrt(1 + g**2) - 1, "float32", 1e20, (1e20, 1, 0)),
    (LSE, "float32", 30, (264.5, 23, 1)),
    (lambda g: (g / 1000) ** 8, "float32", 500, (0.00390625, 6.25e-5, 8.75e-7)),
    (lambda g: (g / 1000) ** 8, "float32", 1500, (25.62890625, 0.1366875, 6.37875e-4)),
    (lambda g: (g / 10) ** 20, "float32", 12, (38.337599924, 63.89599987, 101.168666)),
    (lambda g: 1e-30 * g**2, "float32", 1e25, (1e20, 2e-5, 2e-30)),
    (lambda g: 1e19 * g**2, "float32", 1e-20, (1e-21, 0.2, 2e19)),
]  # fmt: skip


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize(("function", "dtype", "at", "expected"), CASES)
def test_the_cases(function: Any, dtype: str, at: float, expected: tuple[float | None, ...], backend: str) -> None:
    for value, exact in zip(values(function, [at], dtype, backend)[0], expected, strict=True):
        if exact is not None:
            assert value == pytest.approx(exact, rel=1e-4, abs=1e-37), f"{value} for {exact}"


@pytest.mark.parametrize("backend", TARGETS)
def test_losses_with_constants_out_of_range(backend: str) -> None:
    """K = ½ f′² of one sample."""
    for function, at, K in (
        ((G / 1000) ** 8, 500.0, 1.953125e-9),
        ((G / 1000) ** 8, 1500.0, 9.34174e-3),
        (sp.Float(1e-30) * G**2, 1e25, 2e-10),
    ):
        module = module_of(one(function), "float32", backend)
        params = {"w.weight": np.ones((1, 1), np.float32), "w.bias": np.zeros(1, np.float32)}
        computed, _ = module.loss_terms(params, np.array([[at]], np.float32), 0.0)
        assert float(computed) == pytest.approx(K, rel=1e-5)


@pytest.mark.parametrize("backend", TARGETS)
def test_a_mixture_of_eight_gaussians_has_a_gradient(backend: str) -> None:
    module = module_of(one(LSE), "float32", backend)
    params = {"w.weight": np.ones((1, 1), np.float32), "w.bias": np.zeros(1, np.float32)}
    _, gradient = module.loss_and_grad(params, np.array([[30.0]], np.float32), 0.0)
    assert float(gradient["w.weight"][0, 0]) == pytest.approx(1217, rel=1e-5)


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_row_far_out_leaves_the_loss_finite(backend: str, dtype: str) -> None:
    network = Network(energy=sm.student_t(sm.linear(sm.input(3), 4)))
    rng = np.random.default_rng(0)
    params = {key: rng.normal(size=shape).astype(dtype) for key, shape in network.parameters.items()}
    x = rng.normal(size=(100, 3)).astype(dtype)
    x[50] = 1e20 if dtype == "float32" else 1e160
    for lam in (0.0, 0.1):
        J, gradient = module_of(network, dtype, backend).loss_and_grad(params, x, lam)
        assert np.isfinite(J)
        assert all(np.isfinite(value).all() for value in gradient.values())


NAMED = ["atan", "cos", "erf", "gelu", "logcosh", "pseudo_huber", "sigmoid", "silu", "sin", "softplus", "student_t",
         "tanh"]  # fmt: skip


@lru_cache(maxsize=256)
def raw(expr: sp.Expr, order: int) -> Any:
    """The derivative by sympy's own rules, for mpmath."""
    return sp.lambdify(G, sp.diff(expr, G, order), [references(), "mpmath"], cse=True)


def reference(expr: sp.Expr, at: Any, order: int) -> float:
    """The derivative of the formula as it stands, in as many digits as it takes."""
    far = abs(mpmath.log10(abs(float(at)))) if at else 0
    with mpmath.workdps(120 + int(4 * far) + int(4 * min(abs(float(at)), 1000))):
        return float(raw(expr, order)(mpmath.mpf(float(at))))


def check_against_mpmath(expr: sp.Expr, dtype: str, at: list[float], relative: float) -> None:
    """Every form of f … f‴ at the places, against derivatives of the raw formula."""
    f = differentiate(expr)
    points = np.array(at, dtype)
    info = np.finfo(dtype)
    for order, form in enumerate(f.forms):
        with np.errstate(all="ignore"):
            got = np.broadcast_to(evaluate(stable(form), {G: points}, dtype), points.shape)
        for point, value in zip(points, got, strict=True):
            exact = reference(expr, point, order)
            nudge = abs(reference(expr, point * (1 + 2 * float(info.eps)), order) - exact)
            if abs(exact) < float(info.max) / 64:
                bound = relative * abs(exact) + 4 * nudge + float(info.tiny / info.eps)
                assert abs(float(value) - exact) <= bound, f"order {order} of {expr} at {point}: {value}, not {exact}"


@pytest.mark.parametrize("expr", [
    sp.log(1 + sp.cosh(G)), sp.log(2 + sp.exp(G) + sp.exp(-G)), (1 + sp.exp(G)) ** sp.Rational(1, 3),
    (1 + sp.exp(-G)) ** sp.Rational(-1, 2), 1 / (2 + sp.exp(G) + sp.exp(-G)), 1 / (1 + sp.exp(G) + sp.exp(-2 * G)),
    sp.sqrt(1 / (1 + sp.exp(-G))), 2**G + 2**-G, sp.Rational(1, 3) ** (G**2),
    sp.log(1 - sp.exp(-1 - G**2) / 2), G**10 / (1 + G**10), G**3 / (2 + G**6), sp.log(1 + sp.Max(G, 0) ** 3),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_and_logarithms_of_exponentials_and_high_rational_forms(expr: sp.Expr, dtype: str) -> None:
    """What a review found to be NaN, infinite or wrong far out."""
    at = [-110.0, -80.0, -12.0, -1.0, 0.25, 1.0, 12.0, 80.0, 110.0, 300.0, *([700.0, -700.0] * (dtype == "float64"))]
    f = differentiate(expr)
    for order in range(3):
        with np.errstate(all="ignore"):
            computed = np.broadcast_to(evaluate(stable(f.forms[order]), {G: np.array(at, dtype)}, dtype), len(at))
        for place, value in zip(np.array(at, dtype), computed, strict=True):
            with mpmath.workdps(1500):
                written = sp.lambdify(G, expr, [{"Max": max}, "mpmath"])
                exact, near = (
                    float(mpmath.diff(written, mpmath.mpf(float(p)), order, h=mpmath.mpf(10) ** -300))
                    if order
                    else float(written(mpmath.mpf(float(p))))
                    for p in (place, float(place) * (1 + 4 * float(np.finfo(dtype).eps)))
                )
            if abs(exact) < float(np.finfo(dtype).max) / 16:
                slack = 8 * abs(near - exact) + float(np.finfo(dtype).tiny / np.finfo(dtype).eps)
                assert abs(float(value) - exact) <= 1e-4 * abs(exact) + slack, (
                    f"{order} at {place}: {value} for {exact}"
                )


FAR = {
    "float32": [-3e38, -1e20, -1e10, -50.0, 50.0, 300.0, 1e5, 1e10, 1e15, 1e20, 1e30, 3e38],
    "float64": [-1.7e308, -1e160, -1e20, -300.0, 300.0, 1e5, 1e20, 1e100, 1e160, 1e250, 1.7e308],
}

_small = st.integers(1, 4)
_number = st.sampled_from([sp.Rational(1, 7), sp.Rational(1, 2), sp.S(1), sp.S(3), sp.Rational(1, 1000), sp.S(10**6)])
_even = st.builds(lambda c, n: c * G ** (2 * n), _number, st.integers(1, 3))
_rational = st.one_of(
    st.builds(lambda w, n: G**n / (1 + w), _even, st.integers(0, 3)),
    st.builds(lambda w, c, e: (c + w) ** e, _even, _number, st.sampled_from([sp.S.Half, -sp.S.Half, sp.S(-1), sp.S(-2),
                                                                         sp.Rational(1, 4), sp.Rational(-3, 2)])),
    st.builds(lambda w, v: sp.sqrt(1 + w) * G / (2 + v), _even, _even),
)  # fmt: skip
_logarithmic = st.one_of(
    st.builds(lambda c, w: sp.log(c + w), _number, _even),
    st.builds(lambda c, w, a: sp.log(c + w + a * G**2), _number, _even, _number),
    st.builds(lambda w, c: c * sp.log(1 + w) / 2 + G / 3, _even, _number),
    st.builds(lambda a, b: sp.log(1 + ((G - a) / b) ** 2), _small, _number),
)
_gaussian = st.one_of(
    st.builds(lambda c, n: G**n * sp.exp(-c * G**2), _number, st.integers(0, 5)),
    st.builds(lambda c, a, n: (1 + G**n) * sp.exp(-c * (G - a) ** 2), _number, _small, _small),
    st.builds(lambda w: sp.exp(-w) * (3 + G**2), _even),
    st.builds(lambda c: 1 - sp.exp(-c * G**2), _number),
)
_sigmoidal = st.one_of(
    st.builds(lambda c, n: G**n / (1 + sp.exp(-c * G)), _small, st.integers(0, 3)),
    st.builds(lambda c, n: sp.tanh(c * G) ** n, _small, _small),
    st.builds(lambda c: sp.log(1 + sp.exp(c * G)), _small),
    st.builds(lambda c: G * sp.exp(-c * G) + G, _small),
)
thorough = settings(deadline=None, max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [_rational, _logarithmic, _gaussian, _sigmoidal], ids="rlgs")
def test_new_members_of_each_kind_hold_to_the_ends_of_the_dtype(kind: st.SearchStrategy[sp.Expr], dtype: str) -> None:
    @thorough
    @given(kind)
    def check(expr: sp.Expr) -> None:
        check_against_mpmath(expr, dtype, at, 1e-4 if dtype == "float32" else 1e-11)

    # Raw formulas with exp(g) need as many digits as g has.
    at = [point for point in FAR[dtype] if kind is not _sigmoidal or abs(point) < 1e6]
    check()


@thorough
@given(st.integers(2, 30), st.integers(-60, 12), st.floats(0.1, 30), st.sampled_from(TARGETS[:1]))
def test_powers_take_their_constants_inside(n: int, exponent: int, root: float, backend: Any) -> None:
    """c gⁿ where c gⁿ is about `root`ⁿ, however small c is and large gⁿ."""
    c = sp.Rational(10) ** exponent
    expr = c * G**n
    at = float(sp.Rational(10) ** (-sp.Rational(exponent, n))) * min(root, 10 ** (30 / n))
    if 1e-30 < at < 1e30 and all(1e-30 < abs(reference(expr, at, k)) < 1e30 for k in range(min(n, 3) + 1)):
        check_against_mpmath(expr, "float32", [at, -at], 1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMED)
def test_nothing_is_to_be_said_of_the_named_functions(name: str, dtype: str) -> None:
    network = one(getattr(sm, name))
    vertex = network.vertices[-1]
    assert numerics(vertex, dtype) == []


@pytest.mark.parametrize("expr", [
    1 - sp.exp(-(G**4)), (1 + G**2) ** sp.Rational(1, 4) - 1, 1 - 1 / (1 + G**2), 1 - 1 / sp.sqrt(1 + G**2),
    sp.cosh(G) - 1, 1 - sp.cos(G), 1 - sp.sech(G), sp.sqrt(G**2 + sp.Rational(1, 100)) - sp.Rational(1, 10),
    1 - sp.exp(-(G**2) / 3), 3 - 3 * sp.exp(-((G / 7) ** 2)), 2 * sp.sqrt(4 + G**2) - 4,
], ids=str)  # fmt: skip
def test_differences_that_vanish_with_g_keep_their_digits(expr: sp.Expr) -> None:
    for at in (1e-2, 1e-4, 1e-7, -1e-5):
        point = np.array([at], np.float32)
        got = float(evaluate(stable(differentiate(expr).f), {G: point}, "float32")[0])
        assert got == pytest.approx(reference(expr, point[0], 0), rel=1e-5, abs=1e-37)


def test_the_judge_sees_what_is_wrong_far_out() -> None:
    """Formulas as they were: σ(1 − σ), g² that overflows, polynomials times Gaussians, 0.5 lost in a difference."""
    sigma = sm.sigmoid(G)
    assert "loses accuracy" in judge(sigma * (1 - sigma), "float32").complaint
    assert "loses accuracy" in judge(1 - sp.tanh(G) ** 2, "float32").complaint
    assert "loses accuracy" in judge(G / (1 + G**2), "float32").complaint
    assert "is NaN" in judge(G**2 / (1 + G**2), "float32").complaint
    assert "is NaN" in judge(G**2 * sm.erf(G).diff(G), "float32").complaint
    assert "loses accuracy" in judge(G * sp.sqrt(1 + G**2) - G**2, "float64").complaint


def test_sums_of_many_terms_are_judged_in_seconds() -> None:
    import time

    nested: sp.Expr = G
    for _ in range(8):
        nested = sp.tanh(nested)
    gaussians = sp.Add(*(sp.exp(-((G - k) ** 2) / 2) for k in range(50)))
    sines = sp.Add(*(sp.sin(k * G) for k in range(1, 201)))
    polynomial = sp.Add(*(G**k / sp.factorial(min(k, 20)) for k in range(201)))
    for expr in (nested, gaussians, sines, polynomial):
        start = time.process_time()
        network = one(expr)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumericsWarning)
            numerics(network.vertices[-1], "float32")
        assert time.process_time() - start < 15, str(expr)[:60]
