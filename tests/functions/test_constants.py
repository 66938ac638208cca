"""Constants are what the user wrote: the shortest decimal of a float, π and √2 themselves, rounded once."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.calculus.derivatives import differentiate
from smgen.calculus.primitives import G
from smgen.constants import binary_exponent, exact, in_range, nearest_float, readable, steps
from smgen.errors import BuildError, NetworkError
from smgen.network import Network
from smgen.numerics.one_operand import check_nonlinearities
from tests.functions.values import TARGETS, values
from tests.support import module_of

FLOATS = [0.3333333333, 0.10000000149011612, 0.12345678901234567, 0.1, 1 / 3, 2 / 3, 1e-3, 3.141592653589793, 0.7, 1e22,
          5e-5, 123456.789]  # fmt: skip


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize("c", FLOATS)
def test_the_second_derivative_of_c_times_a_square_is_two_c_to_the_last_bit(c: float, backend: str) -> None:
    [(_, _, curvature)] = values(lambda g: c * g**2, [0.3], "float64", backend)
    assert curvature == 2 * c


@pytest.mark.parametrize("backend", TARGETS)
def test_irrational_constants_are_rounded_once(backend: str) -> None:
    for c, twice in ((sp.pi, 2 * np.pi), (sp.sqrt(2), float(mpmath.sqrt(8))), (sp.E / 7, float(2 * mpmath.e / 7))):
        [(_, _, curvature)] = values(lambda g, c=c: c * g**2, [0.3], "float64", backend)
        assert curvature == twice


@pytest.mark.parametrize("c", [sp.pi, sp.E, sp.GoldenRatio, sp.sqrt(2)])
def test_irrational_slopes_are_numbers(c: sp.Expr) -> None:
    network = Network(energy=sm.softplus(c * sm.linear(sm.input(2), 2)))
    check_nonlinearities(network, "float64")
    assert module_of(network).selftest()


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize(("dtype", "c", "hint"), [
    ("float64", 1e200, "function$"), ("float32", 1e30, "function, or build with --dtype float64$")
])  # fmt: skip
def test_slopes_whose_product_is_beyond_the_dtype(dtype: str, c: float, hint: str, backend: str) -> None:
    x = sm.input(2)
    network = Network(energy=[x * c * c, sm.softplus(x)])
    with pytest.raises(
        BuildError, match=f"the derivatives of the energy have the constant .*, which {dtype} cannot"
    ) as e:
        source(network, build_info(network, Path("net.py"), Options(backend=backend, dtype=dtype)))
    assert re.search(hint, e.value.hint)


@pytest.mark.parametrize("init", [1e39, -1e39, 1e-60])
def test_an_initial_value_fits_the_dtype(init: float) -> None:
    network = Network(energy=sm.softplus(sm.input(2) * sm.parameter(2, init=init, name="p")))
    check_nonlinearities(network, "float64")
    with pytest.raises(NetworkError, match=r"init= of 'p' is the constant .*, which float32 cannot hold"):
        check_nonlinearities(network, "float32")


def test_large_numbers_are_short_for_people() -> None:
    assert str(readable(sp.Integer(10) ** 200 * G)) == "1e+200*g"
    assert str(readable(sp.Integer(10) ** 400 * G)) == "1.00000000000000e+400*g"
    assert str(readable(sp.Integer(1234567) * G)) == "1234567*g"


def test_numbers_of_numpy_are_what_they_are() -> None:
    assert differentiate(np.float32(0.1) * G**2).derivatives[2] == 2 * exact(sp.Float(0.10000000149011612))
    assert differentiate(np.float64(0.1) * G**2).derivatives[2] == sp.Rational(1, 5)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).filter(bool))
def test_floats_go_through_unchanged(value: float) -> None:
    number = exact(sp.Float(value))
    assert number.is_Rational
    assert Fraction(int(number.p), int(number.q)) == Fraction(repr(value))
    assert nearest_float(number) == value
    assert in_range(number, "float64") == value
    size = binary_exponent(number)
    assert sp.S(2) ** size <= abs(number) < sp.S(2) ** (size + 1)
    factors = steps(number)
    assert sp.Mul(*factors) == number
    assert all(abs(binary_exponent(factor)) <= 100 for factor in factors)


def test_people_read_decimals() -> None:
    derivatives = [readable(d) for d in differentiate(sp.Float(0.3333333333) * G**2).derivatives]
    assert list(map(str, derivatives)) == ["0.3333333333*g**2", "0.6666666666*g", "0.6666666666", "0"]
    assert str(readable(sp.Rational(1, 3) * G)) == "g/3"


def test_constants_of_named_functions_are_exact() -> None:
    assert sm.student_t(G, nu=2.7) == sp.Rational(37, 20) * sp.log(1 + G**2 / sp.Rational(27, 10))
    assert sm.leaky_relu(G, slope=0.123456789012).has(sp.Rational("0.123456789012"))


def test_the_generated_text_has_the_digits() -> None:
    network = sm.Network(energy=sm.pointwise(sm.input(1), lambda g: 0.3333333333 * sp.sin(g)))
    module = module_of(network)
    assert module.energy({}, np.array([[1.0]]))[0] == 0.3333333333 * np.sin(1.0)
