"""The constants of formulas: exact in expressions, decimal for people, and in the dtype's range in printed code."""

from __future__ import annotations

from math import floor, log2
from numbers import Real
from typing import Final

import numpy as np
import sympy as sp

_FLOAT64_BITS: Final = 53
SAFE: Final = 100
"""Factors from 2^−100 to 2^100 are in the range of every dtype. Other factors are applied in steps."""


def exact(expr: sp.Expr) -> sp.Expr:
    """The expression with every float as a fraction, the shortest decimal that reads as that float64.

    So 0.1 is 1/10, 0.3333333333 is that decimal, and derivatives are rounded once, when they are printed.
    """
    return expr.xreplace({number: _fraction(number) for number in expr.atoms(sp.Float)})


def real_number(value: object) -> sp.Expr | None:
    """A user's value as an exact number; None if it is not a finite real number."""
    if not isinstance(value, Real | sp.Expr) or isinstance(value, bool):
        return None
    try:
        number = sp.sympify(value)
        return exact(number) if number.is_number and number.is_real and number.is_finite else None
    except Exception:  # a user's class may raise anything
        return None


def _fraction(number: sp.Float) -> sp.Expr:
    value = float(number)
    if number._prec > _FLOAT64_BITS or value in (float("inf"), float("-inf")) or (value == 0 and number != 0):
        return sp.Rational(number)
    return sp.Rational(repr(value))


def readable(expr: sp.Expr) -> sp.Expr:
    """`expr` with long decimal fractions and long whole numbers written as decimals, for people."""
    return expr.xreplace({q: sp.Symbol(_decimal(q)) for q in expr.atoms(sp.Rational) if _is_long_decimal(q)})


def _decimal(q: sp.Rational) -> str:
    value = nearest_float(q)
    return repr(value) if 0 < abs(value) < float("inf") else str(q.evalf(15))


def _is_long_decimal(q: sp.Rational) -> bool:
    """Whether a number is shorter as a decimal: a whole one of more than 16 digits, or a decimal fraction of four."""
    rest = int(q.q)
    if rest == 1:
        return abs(int(q.p)) >= 10**16
    if rest < 1000:
        return False
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def steps(constant: sp.Expr) -> tuple[sp.Expr, ...]:
    """Factors whose product is `constant`, each in the range of every dtype. All except the first are powers of two."""
    exponent = binary_exponent(constant)
    if abs(exponent) <= SAFE:
        return (constant,)
    powers = []
    left = exponent
    while left:
        part = max(-SAFE, min(SAFE, left))
        powers.append(sp.S(2) ** part)
        left -= part
    return (constant / sp.S(2) ** exponent, *powers)


def binary_exponent(constant: sp.Expr) -> int:
    """⌊log₂ |c|⌋ for a number c that is not 0."""
    if constant.is_Rational:
        p, q = abs(int(constant.p)), int(constant.q)
        guess = p.bit_length() - q.bit_length()
        return guess if (p >= q << guess if guess >= 0 else p << -guess >= q) else guess - 1
    digits = sp.Abs(constant).evalf(20)
    return floor(log2(digits)) if 1e-300 < digits < 1e300 else int(sp.floor(sp.log(digits, 2).evalf(30)))


class OutOfRange(ValueError):
    """A constant that a dtype cannot hold: it would be infinite, or nonzero and below the smallest normal number."""

    def __init__(self, what: str, wider: str) -> None:
        super().__init__(what)
        self.wider = wider
        """How a hint ends, if float64 would hold the constant; empty if not."""


def in_range(constant: sp.Expr, dtype: str) -> float:
    """The float64 nearest to a constant, which is rounded once more in float32. Raises `OutOfRange`."""
    value = nearest_float(constant)
    if constant != 0 and not _fits(value, dtype):
        text = f"{value:.6g}" if 0 < abs(value) < np.inf else str(constant.evalf(6)).lower()
        wider = ", or build with --dtype float64" if dtype == "float32" and _fits(value, "float64") else ""
        raise OutOfRange(f"the constant {text}, which {dtype} cannot hold", wider)
    return value


def _fits(value: float, dtype: str) -> bool:
    limits = np.finfo(dtype)
    with np.errstate(over="ignore"):
        return float(limits.tiny) <= abs(float(np.dtype(dtype).type(value))) <= float(limits.max)


def nearest_float(constant: sp.Expr) -> float:
    """The float64 nearest to a constant, rounded once; an infinity for a constant that is too large."""
    if constant.is_Rational:
        try:
            return int(constant.p) / int(constant.q)
        except OverflowError:
            return float("inf") if constant > 0 else float("-inf")
    return float(constant.evalf(40))
