"""The oracle against 50-digit arithmetic: formulas written by hand, differentiated numerically."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from tests import oracle
from tests.oracle import NAMED, Add, Concat, Input, Linear, Pointwise, Scale, Spec

Objects: TypeAlias = Any  # object arrays of mpf, and dicts of them
LAM = 0.3


@pytest.fixture(autouse=True)
def fifty_digits() -> Any:
    with mp.workdps(50):
        yield


def close(actual: Any, expected: Any) -> None:
    """Equal to 1e-13 of the largest entry."""
    wanted = np.asarray(expected, dtype=object).astype(np.float64)
    np.testing.assert_allclose(actual, wanted, rtol=1e-13, atol=1e-13 * max(1e-3, np.abs(wanted).max(initial=0.0)))


# Nonlinearities of the hand-written networks, on object arrays: f, f′, f″.
exp, tanh, sin, cos = (np.frompyfunc(f, 1, 1) for f in (mp.exp, mp.tanh, mp.sin, mp.cos))


def softplus(z: Objects) -> tuple[Objects, Objects, Objects]:
    sigmoid = 1 / (1 + exp(-z))
    return np.frompyfunc(mp.log, 1, 1)(1 + exp(z)), sigmoid, sigmoid * (1 - sigmoid)


def tangent(z: Objects) -> tuple[Objects, Objects, Objects]:
    t = tanh(z)
    return t, 1 - t * t, -2 * t * (1 - t * t)


def chain(p: Objects, x: Objects) -> tuple[Any, Objects, Objects]:
    h, h1, h2 = softplus(p["W1"] @ x + p["b1"])
    e, e1, e2 = tangent(p["W2"] @ h + p["b2"])
    dh, ddh = p["W2"].T @ e1, (p["W2"] ** 2).T @ e2
    return sum(e), p["W1"].T @ (dh * h1), (p["W1"] ** 2).T @ (dh * h2 + ddh * h1**2)


def skip(p: Objects, x: Objects) -> tuple[Any, Objects, Objects]:
    """E = Σ softplus(W2 h + s ∘ h) + Σ (W3 x)², h = tanh(W1 x + b1)."""
    h, h1, h2 = tangent(p["W1"] @ x + p["b1"])
    e, e1, e2 = softplus(p["W2"] @ h + p["s"] * h)
    r = p["W3"] @ x
    dh, ddh = p["W2"].T @ e1 + p["s"] * e1, (p["W2"] ** 2).T @ e2 + p["s"] ** 2 * e2
    dx = p["W1"].T @ (dh * h1) + p["W3"].T @ (2 * r)
    return sum(e) + sum(r * r), dx, (p["W1"] ** 2).T @ (dh * h2 + ddh * h1**2) + 2 * (p["W3"] ** 2).T @ (0 * r + 1)


def shared(p: Objects, x: Objects) -> tuple[Any, Objects, Objects]:
    return chain({"W1": p["W"], "b1": p["b"], "W2": p["W"], "b2": p["b"]}, x)


def concat(p: Objects, x: Objects) -> tuple[Any, Objects, Objects]:
    """E = Σ softplus(z + z), z = W2 (h, x, h), h = sin(W1 x)."""
    u = p["W1"] @ x
    h, h1, h2, m = sin(u), cos(u), -sin(u), len(u)
    e, e1, e2 = softplus(2 * (p["W2"] @ np.concatenate([h, x, h])))
    dc, ddc = p["W2"].T @ (2 * e1), (p["W2"] ** 2).T @ (4 * e2)
    dh, ddh = dc[:m] + dc[-m:], ddc[:m] + ddc[-m:]
    return sum(e), p["W1"].T @ (dh * h1) + dc[m:-m], (p["W1"] ** 2).T @ (dh * h2 + ddh * h1**2) + ddc[m:-m]


def inner_energy(p: Objects, x: Objects) -> tuple[Any, Objects, Objects]:
    """E = 2 Σ h + Σ softplus(W2 h), h = tanh(W1 x + b1)."""
    h, h1, h2 = tangent(p["W1"] @ x + p["b1"])
    e, e1, e2 = softplus(p["W2"] @ h)
    dh, ddh = 2 + p["W2"].T @ e1, (p["W2"] ** 2).T @ e2
    return 2 * sum(h) + sum(e), p["W1"].T @ (dh * h1), (p["W1"] ** 2).T @ (dh * h2 + ddh * h1**2)


@dataclass(frozen=True)
class Case:
    """A network twice: for the oracle, and as E, δ and δ′ at the input by hand."""

    formula: Callable[[Objects, Objects], tuple[Any, Objects, Objects]]
    spec: Spec

    @property
    def params(self) -> dict[str, Any]:
        return oracle.random_params(self.spec, seed=1)

    def x(self, samples: int = 2) -> Any:
        return np.random.default_rng(2).normal(size=(samples, 3))

    def exact(self) -> Objects:
        return {key: exact(value) for key, value in self.params.items()}


def exact(value: Any) -> Objects:
    return np.frompyfunc(mp.mpf, 1, 1)(value)


X, LINEAR = Input("x", 3), Linear("z", "x", 4, "W1", "b1")
CASES = [
    Case(chain, Spec((X, LINEAR, Pointwise("h", "z", NAMED["softplus"]), Linear("y", "h", 3, "W2", "b2"),
                      Pointwise("e", "y", NAMED["tanh"])), ("e",))),
    Case(skip, Spec((X, LINEAR, Pointwise("h", "z", NAMED["tanh"]), Linear("a", "h", 4, "W2"), Scale("c", "h", "s"),
                     Add("u", ("a", "c")), Pointwise("e", "u", NAMED["softplus"]), Linear("r", "x", 2, "W3"),
                     Pointwise("q", "r", NAMED["square"])), ("e", "q"))),
    Case(shared, Spec((X, Linear("z", "x", 3, "W", "b"), Pointwise("h", "z", NAMED["softplus"]),
                       Linear("y", "h", 3, "W", "b"), Pointwise("e", "y", NAMED["tanh"])), ("e",))),
    Case(concat, Spec((X, Linear("u", "x", 2, "W1"), Pointwise("h", "u", NAMED["sin"]), Concat("c", ("h", "x", "h")),
                       Linear("z", "c", 2, "W2"), Add("d", ("z", "z")), Pointwise("e", "d", NAMED["softplus"])),
                      ("e",))),
    Case(inner_energy, Spec((X, LINEAR, Pointwise("h", "z", NAMED["tanh"]), Linear("y", "h", 2, "W2"),
                             Pointwise("e", "y", NAMED["softplus"])), ("h", "e", "h"))),
]  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=[case.formula.__name__ for case in CASES])


def partial(case: Case, p: Objects, x: Objects, *axes: int) -> Any:
    """∂E/∂x_axes by mpmath."""
    return mp.diff(lambda *x: case.formula(p, np.array(x))[0], tuple(x), tuple(axes.count(d) for d in range(len(x))))


def terms(delta: Objects, delta_prime: Objects) -> Objects:
    return np.array([sum(delta**2) / 2, sum(-delta_prime + LAM * delta_prime**2)])


def check_terms(
    actual: tuple[float, float, Objects, Objects], function: Callable[[Objects], Objects], case: Case
) -> None:
    """K and L against function(parameters), and their gradients against central differences good to some 1e-30."""
    h, p = mp.mpf(10) ** -20, case.exact()
    close(actual[:2], function(p))
    for key, value in p.items():
        expected = np.empty((2, *value.shape), dtype=object)
        for index in np.ndindex(value.shape):
            up, down = value.copy(), value.copy()
            up[index], down[index] = value[index] + h, value[index] - h
            expected[(slice(None), *index)] = (function(p | {key: up}) - function(p | {key: down})) / (2 * h)
        close(actual[2][key], expected[0])
        close(actual[3][key], expected[1])


@each_case
def test_energy_score_and_hessian(case: Case) -> None:
    x, p = case.x(), case.exact()
    axes = range(3)
    close(oracle.energy(case.spec, case.params, x), [case.formula(p, x_n)[0] for x_n in exact(x)])
    close(oracle.score(case.spec, case.params, x), [[-partial(case, p, x_n, d) for d in axes] for x_n in exact(x)])
    hessian = [[[partial(case, p, x_n, i, j) for j in axes] for i in axes] for x_n in exact(x)]
    close(oracle.hessian(case.spec, case.params, x), hessian)
    v = np.array([[1.0, -1.0, 1.0], [0.5, 2.0, 0.0]])
    close(oracle.quadratic_form(case.spec, case.params, x, v), np.einsum("ni,nij,nj->n", v, np.array(hessian), v))


@each_case
def test_diagonal_recursion(case: Case) -> None:
    x, p = case.x(), case.exact()
    by_hand = [case.formula(p, x_n)[2] for x_n in exact(x)]
    close(oracle.hessian_diagonal(case.spec, case.params, x), by_hand)
    actual = oracle.loss_and_grad_terms(case.spec, case.params, x, LAM)
    close(oracle.loss_terms(case.spec, case.params, x, LAM), actual[:2])
    check_terms(actual, lambda p: sum(terms(*case.formula(p, x_n)[1:]) for x_n in exact(x)) / len(x), case)


@pytest.mark.parametrize("case", CASES[1:4], ids=["skip", "shared", "concat"])
def test_exact_derivatives(case: Case) -> None:
    x = case.x(samples=1)

    def exact_terms(p: Objects) -> Objects:
        second = [partial(case, p, exact(x[0]), d, d) for d in range(3)]
        return terms(case.formula(p, exact(x[0]))[1], np.array(second))

    actual = oracle.exact_loss_and_grad_terms(case.spec, case.params, x, LAM)
    close(oracle.exact_loss_terms(case.spec, case.params, x, LAM), actual[:2])
    check_terms(actual, exact_terms, case)


@each_case
def test_quadratic_forms_of_the_axes_sum_to_the_trace(case: Case) -> None:
    x = case.x()
    _, L, _, dL = oracle.exact_loss_and_grad_terms(case.spec, case.params, x, 0.0)
    forms = [oracle.quadratic_form_and_grad(case.spec, case.params, x, np.tile(axis, (2, 1))) for axis in np.eye(3)]
    close(sum(value for value, _ in forms), -L)
    for key in dL:
        close(sum(gradient[key] for _, gradient in forms), -dL[key])


def test_recursion_is_exact_for_products_of_experts_only() -> None:
    experts = Spec((X, LINEAR, Pointwise("e", "z", NAMED["logcosh"])), ("e",))
    for spec, same in ((experts, True), (CASES[0].spec, False)):
        params, x = oracle.random_params(spec, seed=3), CASES[0].x()
        true = np.einsum("nii->ni", oracle.hessian(spec, params, x))
        assert np.allclose(oracle.hessian_diagonal(spec, params, x), true, rtol=1e-12, atol=0) == same


def test_network_without_parameters() -> None:
    spec = Spec((X, Pointwise("e", "x", NAMED["square"])), ("e",))
    assert oracle.loss_and_grad_terms(spec, {}, np.ones((2, 3)), 0.5) == (6.0, 0.0, {}, {})


def test_parameter_shapes() -> None:
    assert oracle.parameter_shapes(CASES[3].spec) == {"W1": (2, 3), "W2": (2, 7)}
    with pytest.raises(ValueError, match="'W' is \\(3, 3\\) elsewhere and \\(2, 3\\) here"):
        oracle.parameter_shapes(Spec((X, Linear("a", "x", 3, "W"), Linear("b", "a", 2, "W")), ("b",)))


MPMATH: dict[str, Callable[[Any], Any]] = {
    "tanh": mp.tanh, "sigmoid": lambda g: 1 / (1 + mp.exp(-g)), "softplus": lambda g: mp.log(1 + mp.exp(g)),
    "logcosh": lambda g: mp.log(mp.cosh(g)), "silu": lambda g: g / (1 + mp.exp(-g)), "gelu": lambda g: g * mp.ncdf(g),
    "relu": lambda g: max(g, 0), "leaky_relu": lambda g: max(g, 0) + mp.mpf(0.01) * min(g, 0),
    "square": lambda g: g**2, "exp": mp.exp, "sin": mp.sin, "cos": mp.cos, "atan": mp.atan, "erf": mp.erf,
    "student_t": lambda g: 2 * mp.log(1 + g**2 / 3), "pseudo_huber": lambda g: mp.sqrt(1 + g**2),
}  # fmt: skip


def check_taylor(function: Callable[[Any], Any], expected: Callable[[Any], Any], g: float) -> None:
    derivatives = [mp.diff(expected, g, n) for n in range(4)]
    actual = oracle.taylor(function, g)
    assert [oracle.value_of(a) for a in actual] == pytest.approx([float(d) for d in derivatives], rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_named(name: str) -> None:
    for g in (-4.5, -1.3, -0.2, 0.4, 1.7, 6.0):
        check_taylor(NAMED[name], MPMATH[name], g)


G = sp.Symbol("g")
EXPRESSIONS = [
    *(f(G) for f in (sp.exp, sp.log, sp.sqrt, sp.sin, sp.cos, sp.tan, sp.sec, sp.csc, sp.cot, sp.asin, sp.acos, sp.atan,
                     sp.sinh, sp.cosh, sp.tanh, sp.sech, sp.csch, sp.coth, sp.asinh, sp.atanh, sp.erf, sp.erfc)),
    sp.log(1 + sp.exp(G)), G / (1 + sp.exp(-G)), 2**G, G**G, G ** sp.Rational(5, 2), 1 / (1 + G**2) ** 3, G**7 - 3 * G,
    sp.Max(G, G**2), sp.Min(sp.sin(G), G**2, 1), sp.Heaviside(G) * G**3, sp.sign(G) * G**2, abs(G), sp.acosh(G + 2),
    sp.Piecewise((sp.exp(G), 2 * G > 1), (sp.cos(G), True)), sp.sqrt(sp.pi) * sp.erf(G / sp.sqrt(2)),
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_sympy_expression(expression: Any) -> None:
    for g in (0.3, 0.8):
        check_taylor(sp.lambdify(G, expression, modules=[oracle.MATH]), sp.lambdify(G, expression, modules="mpmath"), g)


def test_arithmetic_of_duals() -> None:
    """Every operator, each way round, in two variables at once."""
    a, b = 1.3, 0.6
    dual_a, dual_b = oracle.Dual(a, np.array([1.0, 0.0])), oracle.Dual(b, np.array([0.0, 1.0]))
    functions: list[Callable[[Any, Any], Any]] = [
        lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a**b,
        lambda a, b: 2 + (3 - b) * 5 / (1 - a**3) - 4 * a, lambda a, b: np.float64(2) * a + np.float64(1) / -b,
        lambda a, b: max(a, b) * min(2, +a) + abs(b - a),
    ]  # fmt: skip
    for function, (i, point) in itertools.product(functions, enumerate(((1, 0), (0, 1)))):
        actual = function(dual_a, dual_b)
        assert actual.value == pytest.approx(function(a, b), rel=1e-15)
        assert actual.derivative[i] == pytest.approx(float(mp.diff(function, (a, b), point)), rel=1e-14)
