"""Functions of several operands: refused where they have no value, and judged in the dtype."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import smgen as sm
from smgen.calculus.intervals import LEAST, REALS, values
from smgen.calculus.partials import partials, symbols_of
from smgen.calculus.precise import Place
from smgen.calculus.primitives import choose, stable
from smgen.calculus.samples import SIZES, design
from smgen.calculus.scalar import evaluate
from smgen.calculus.several import judge_several, needed, unreal
from smgen.calculus.surfaces import singular_places
from smgen.errors import NumericsWarning, UnsupportedNonlinearity
from smgen.functions import references
from smgen.layers.nodes import Node
from smgen.network import Network
from smgen.numerics.one_operand import check_nonlinearities
from tests.support import module_of

a, b, c = symbols_of(3)
OWN = {"a": a, "b": b, "c": c, "softplus": sm.softplus, "sigmoid": sm.sigmoid}


def formula(text: str) -> sp.Expr:
    return sp.sympify(text, locals=OWN)


def network(expr: sp.Expr) -> Network:
    """The function of as many linear layers as it has symbols."""
    x = sm.input(3)
    nodes = [sm.linear(x, 2, name=name) for name in ("p", "q", "r")]
    symbols = sorted(expr.free_symbols, key=str)
    return Network(
        energy=sm.pointwise(nodes[: len(symbols)], lambda *own: expr.xreplace(dict(zip(symbols, own, strict=True))))
    )


def said(net: Network, dtype: str = "float32") -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_nonlinearities(net, dtype)
    assert all(issubclass(warning.category, NumericsWarning) for warning in caught)
    return [str(warning.message).partition(": ")[2] for warning in caught]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("text", "what"), [
    ("a/b", "p/q has a pole at q = 0"),
    ("a/sinh(b)", "p/sinh(q) has a pole at q = 0"),
    ("a/(b**2 - 2)", "has a pole at q = -1.41421"),
    ("1/(a - b)", "1/(p - q) has a pole at p = -1, q = -1"),
    ("1/(a*b - 1)", "has a pole at p = 1, q = 1"),
    ("1/((a - 1)**2 + (b - 2)**2)", "has a pole at p = 1, q = 2"),
    ("c/(exp(a) - b)", "has a pole at p = 0, q = 1"),
    ("(a**2 + b**2)**0.5", "f′ jumps at p = 0, q = 0"),
    ("log(a**2 + b**2)", "f is infinite at p = 0, q = 0"),
    ("sin(a)/a*b", "f is 0/0 at p = 0, though it has a limit there"),
    ("log(a*b)", "f of log(p*q) is not real at p ="),
    ("sqrt(a + b)", "f of sqrt(p + q) is not real at p ="),
    ("log(2 + a*b)", "is not real at p ="),
    ("a**b", "f of p**q is not real at p ="),
    ("log(a - b + c)", "is not real at p ="),
    ("c*log(a/b)", "is not real at p ="),
])  # fmt: skip
def test_what_has_no_value_somewhere_is_refused(text: str, what: str, dtype: str) -> None:
    with pytest.raises(UnsupportedNonlinearity) as caught:
        said(network(formula(text)), dtype)
    assert what in caught.value.what
    assert caught.value.origin.startswith("test_several_operands.py:")
    assert caught.value.hint


def test_places_that_are_named_are_there() -> None:
    """The value at a named place, looked at with sympy's own evaluation."""
    for text in ("log(a*b)", "sqrt(a + b)", "log(2 + a*b)", "log(a - b + c)", "sqrt(1 + sin(a)*b)"):
        expr = formula(text)
        symbols = tuple(sorted(expr.free_symbols, key=str))
        places = unreal(partials(expr, symbols), (REALS,) * len(symbols))
        assert any(region for _, region in places)
        for place, region in places:
            value = sp.N(expr.xreplace({s: sp.Float(v, 30) for s, v in zip(symbols, place, strict=True)}), 30)
            assert not region or value.is_real is not True or not value.is_finite
    for text, divided in (("1/(a - 2*b)**2", a - 2 * b), ("a/(b**3 - 2)", b**3 - 2), ("1/(a*b*c - 3)", a * b * c - 3)):
        expr = formula(text)
        symbols = tuple(sorted(expr.free_symbols, key=str))
        found = singular_places(expr, symbols, (REALS,) * len(symbols))
        assert found
        for there in found:
            with mpmath.workdps(60):
                assert abs(Place(dict(zip(symbols, there.place, strict=True))).value(divided)) < 1e-40


ACCEPTED = """a*b; a*b*c; a - b; a/(1 + b**2); a**2/(1 + b**2); tanh(a)/(1 + exp(-b)); log(1 + a**2 + b**2)
    sqrt(1 + a**2 + b**2); sqrt(1e-6 + (a - b)**2); log(exp(a) + exp(b)); exp(-(a - b)**2); a*softplus(b); (a - b)**2
    softplus(a)/(1 + b**2); tanh(a) - tanh(b); log(1 + a**2/(1 + b**2)); tanh(a + b)*b; abs(a)**3*b; log(cosh(a*b))
    sigmoid(a)*b + (1 - sigmoid(a))*c; sin(a*b); exp(-(a**2 + b**2)/2)*a; 1/(1 + exp(-a - b)); (a*b + c)/(1 + c**2)
    log(1 + a**2) - log(1 + b**2); sqrt(1 + a**2 + b**2 + c**2)
    tan(a)*b"""


@pytest.mark.parametrize("text", ACCEPTED.replace("\n    ", "; ").split("; "))
def test_nothing_is_said_of_what_computes_well(text: str) -> None:
    start = time.process_time()
    assert said(network(formula(text))) == said(network(formula(text)), "float64") == []
    assert time.process_time() - start < 6


@pytest.mark.parametrize(("text", "what"), [
    ("a*exp(-b)", ["f overflows at p = -120, q = -120 in float32", "f′ overflows", "f″ overflows"]),
    ("a/softplus(b)", ["f overflows at p = -120, q = -120", "f′ overflows", "f″ is NaN", "f‴ is NaN"]),
    ("a*sqrt(1 + a**2) - a**2 + b", ["f loses accuracy at p = 10000", "f′ loses accuracy", "f″ loses accuracy"]),
    ("Max(a, b)", ["has kinks (max): f″ is 0 almost everywhere"]),
    ("Max(a - 2, 0)**2*b", ["has no f″ at p = 2, where it jumps"]),
    ("Piecewise((log(a), a > 1), (a - 1, True))*b", ["has no f″ at p = 1, where it jumps"]),
    ("sign(a)*b + a", ["has kinks (signum): f″ is 0 almost everywhere"]),
    ("abs(a)*b", ["has kinks (absolute): f″ holds almost everywhere only"]),
])  # fmt: skip
def test_what_fails_in_the_dtype_is_warned_of_once_an_order(text: str, what: list[str]) -> None:
    found = said(network(formula(text)))
    assert len(found) == len(what)
    assert all(part in line for part, line in zip(what, found, strict=True)), found


def test_constants_beyond_the_dtype_are_refused() -> None:
    with pytest.raises(
        UnsupportedNonlinearity, match=r"f of .*p\*q has the constant 1e\+40, which float32 cannot hold"
    ):
        said(network(10**40 * a * b))
    assert said(network(10**40 * a * b), "float64") == []


Builder = Callable[[Node, Node], Node]


@pytest.mark.parametrize("build", [
    lambda h, k: h / sm.softplus(k), lambda h, k: 1 / sm.softplus(k) + h, lambda h, k: h / (1 + sm.square(k)),
    lambda h, k: h / sm.sigmoid(k), lambda h, k: h / (2 + sm.tanh(k)), lambda h, k: h / -sm.softplus(k),
    lambda h, k: h / (1 + sm.softplus(sm.parameter(2))), lambda h, k: h / (sm.softplus(k) + sm.sigmoid(h)),
    lambda h, k: h / (sm.softplus(k) * sm.sigmoid(h)), lambda h, k: h * sm.exp(-sm.square(k)),
    lambda h, k: (1 + sm.square(h)) ** 0.5 * k, lambda h, k: sm.sigmoid(h) ** sm.sigmoid(k),
    lambda h, k: h / sm.pointwise(k, lambda g: g, domain=(0.1, None)),
    lambda h, k: sm.pointwise((sm.square(h), sm.square(k)), lambda a, b: sp.sqrt(a + b + 1)),
], ids=range(14))  # fmt: skip
def test_what_the_graph_shows_of_operands_counts(build: Builder) -> None:
    """Nothing is refused, and nothing is warned of but zeros by underflow: tests/functions/test_underflow.py."""
    x = sm.input(3)
    found = said(Network(energy=build(sm.linear(x, 2), sm.linear(x, 2))))
    assert [text for text in found if "reaches by underflow" not in text] == []


@pytest.mark.parametrize(("build", "what"), [
    (lambda h, k: h / k, "h/k has a pole at k = 0"),
    (lambda h, k: h / sm.square(k), "h/square_1 has a pole at square_1 = 0"),
    (lambda h, k: h / sm.parameter(2, name="s"), "h/s has a pole at s = 0"),
    (lambda h, k: h / (1 - sm.tanh(k)), "has a pole at subtract_1 = 0"),
    (lambda h, k: h / sm.relu(k), "h/relu_1 has a pole at relu_1 = 0"),
    (lambda h, k: h / sm.linear(sm.softplus(k), 2, name="mixed"), "h/mixed has a pole at mixed = 0"),
    (lambda h, k: (sm.square(h) + sm.square(k)) ** 0.5, "f′ is infinite at 0"),
    (lambda h, k: h**k, "f of h**k is not real"),
])  # fmt: skip
def test_operators_are_judged(build: Builder, what: str) -> None:
    x = sm.input(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericsWarning)
        with pytest.raises(UnsupportedNonlinearity) as caught:
            check_nonlinearities(Network(energy=build(sm.linear(x, 2, name="h"), sm.linear(x, 2, name="k"))), "float64")
    assert what in caught.value.what


def test_derivatives_that_no_module_computes_are_not_judged() -> None:
    """By a parameter a module takes first derivatives only; of what depends on parameters alone nothing further."""
    f = partials(formula("a*softplus(b)"), (a, b))
    assert max(orders.count(1) for orders in needed(f, (True, True))) == 3
    assert max(orders.count(1) for orders in needed(f, (True, False))) == 1
    assert {len(orders) for orders in needed(f, (False, False))} <= {0, 1}


def test_a_node_of_many_operands_is_judged_in_bounded_time() -> None:
    x = sm.input(2)
    nodes = [sm.linear(x, 2) for _ in range(12)]
    net = Network(energy=sm.pointwise(nodes, lambda *own: sp.tanh(sp.Add(*own[1:])) * own[0]))
    start = time.process_time()
    assert said(net) == []
    assert time.process_time() - start < 4
    again = time.process_time()
    assert said(net) == []
    assert time.process_time() - again < time.process_time() - start


def test_weights_of_a_sum_of_exponentials_keep_their_digits() -> None:
    """∂/∂a log(exp(a) + exp(b)) is σ(a − b), 1 − σ(b − a) by the chain rule."""
    for function, symbols in ((sp.log(sp.exp(a) + sp.exp(b)), (a, b)), (sp.log(sp.exp(a) + sp.exp(b) + 1), (a, b))):
        f = partials(function, symbols)
        for at in ((-40.0, 3.0), (2.0, -50.0), (30.0, 31.0)):
            for n, symbol in enumerate(symbols):
                exact = sp.N(
                    sp.diff(function, symbol).xreplace(dict(zip(symbols, map(sp.Rational, at), strict=True))), 30
                )
                numbers = {s: np.array([v]) for s, v in zip(symbols, at, strict=True)}
                assert float(evaluate(stable(f.form((n,))), numbers, "float64")[0]) == pytest.approx(
                    float(exact), rel=1e-14
                )


@pytest.mark.parametrize("hessian", ["diagonal", "exact", "hutchinson"])
def test_modules_of_judged_functions_pass_their_own_test(hessian: str) -> None:
    x = sm.input(3)
    h, k, r = (sm.linear(x, 2) for _ in range(3))
    quotient = h / sm.softplus(k) + sm.pointwise((h, k, r), lambda *own: sp.log(sp.Add(*map(sp.exp, own))))
    said_so = r / sm.pointwise(sm.square(k) + 1, lambda g: g, domain=(0.5, None))
    assert module_of(Network(energy=[quotient, said_so]), hessian=hessian).selftest()


def test_the_judge_sees_digits_that_are_lost() -> None:
    """σ (1 − σ) where σ is almost 1, x − x of one operand; what cancels between operands is excused."""
    sigma = sm.sigmoid(a)
    for text, expr in (("loses accuracy", sigma * (1 - sigma) * b), ("is NaN", a**10 / (1 + a**10) + b)):
        complaints = judge_several(_as_it_stands(expr), ((),), (REALS, REALS), "float32")
        assert [complaint.what for complaint in complaints] == [text]


def _as_it_stands(expr: sp.Expr) -> Any:
    """A function of two operands that is computed as it is written."""

    class Written:
        symbols = (a, b)

        def derivative(self, orders: object = ()) -> sp.Expr:
            return expr

        form = derivative

    return Written()


def test_values_at_places_agree_with_sympy() -> None:
    at = {a: mpmath.mpf("0.3"), b: mpmath.mpf("-1.7")}
    for text in ("a*b + 3*a**2/7 - pi", "softplus(a*b)/sqrt(1 + a**2)", "exp(-b)*log(1 + a**2)", "atan(a)**3 - 2**b"):
        with mpmath.workdps(40):
            expected = sp.lambdify((a, b), formula(text), [references(), "mpmath"])(*at.values())
            assert abs(Place(at).value(formula(text)) - expected) < mpmath.mpf(10) ** -35 * abs(expected)
    branch = choose(a, 1, b, sp.log(b))
    assert Place(at).value(branch) == at[b]
    assert mpmath.isnan(Place({a: 2, b: -1}).value(branch))
    for text in ("log(b)", "sqrt(b)", "b**a", "log(a - a*b/b)"):
        assert mpmath.isnan(Place(at).value(formula(text)))
    assert mpmath.isnan(Place({a: 1, b: 1}).value(1 / (a - b)))


def test_intervals_hold_all_values() -> None:
    rng = np.random.default_rng(0)
    domains = {a: (LEAST, np.inf), b: (-2.0, 3.0)}
    points = {a: np.exp(rng.normal(size=2000) * 4), b: rng.uniform(-2, 3, 2000)}
    for text in ("a*b", "a/(1 + b**2)", "-1/a", "1/a**2", "a**b", "sqrt(a)*b", "log(a) + b", "exp(-a) - b",
                 "(a - b)**2", "softplus(b)*sigmoid(a)", "Max(a, b)", "1/(3 + b)", "a**3*b**2"):  # fmt: skip
        expr = formula(text)
        expr = partials(expr, (a, b)).derivative() if {a, b} == expr.free_symbols else expr
        low, high = values(expr, domains)
        found = evaluate(stable(expr), {s: points[s] for s in expr.free_symbols}, "float64")
        assert low <= found.min()
        assert found.max() <= high
    for text in ("softplus(a)", "1/a", "a**2", "sqrt(a)", "a*exp(b)", "a + b**2", "a**b"):
        assert values(formula(text), domains)[0] > 0
    assert values(formula("-a"), domains) == (-np.inf, -LEAST)
    assert values(formula("log(a)"), domains)[0] == -np.inf


def test_the_design_keeps_to_the_domains_and_has_all_sizes() -> None:
    domains = ((LEAST, np.inf), (1.0, np.inf), (-0.25, 0.25))
    for count in (1, 2, 3):
        places = design(domains[:count], 96)
        assert len(places) <= 96 + 40
        for column, (low, high) in zip(places.T, domains[:count], strict=True):
            assert (column >= low).all()
            assert (column <= high).all()
        assert places[:, 0].min() == SIZES[0]
        assert places[:, 0].max() == SIZES[-1]
    assert (design(domains, 96) == design(domains, 96)).all()
