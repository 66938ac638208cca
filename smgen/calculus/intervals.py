"""Bounds for the values of a function on an interval. They always hold, but may be wide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import copysign, inf, isnan
from typing import Any, Final, TypeAlias

import mpmath
import sympy as sp

from smgen.calculus import primitives as p
from smgen.functions import facts_of, references

Interval: TypeAlias = tuple[float, float]
REALS: Final[Interval] = (-inf, inf)
LEAST: Final = 5e-324
"""Stands for an end that values approach but never reach, 0: softplus takes values from `LEAST` to ∞."""

_CORNERS: Final[dict[tuple[str, float], float]] = {("log", 0.0): -inf, ("log1p", -1.0): -inf}
"""The finite arguments at which a monotone function goes to infinity."""


def values(e: sp.Expr, domains: Mapping[sp.Expr, Interval]) -> Interval:
    """An interval that contains every value of `e`, from the intervals of its symbols."""
    if e in domains:
        return domains[e]
    if e.is_number:
        value = float(e)
        return value, value
    if isinstance(e, p.choose) and e.args[0] in domains and e.args[1].is_number:
        return _choice(e, domains)
    low, high = _values(e, [values(arg, domains) for arg in e.args])
    return (LEAST if low == 0 and e.is_positive else low), high


def _choice(e: p.choose, domains: Mapping[sp.Expr, Interval]) -> Interval:
    """The values of a choice with a border in one symbol: each branch is taken on its own side."""
    symbol, border = e.args[0], float(e.args[1])
    low, high = domains[symbol]
    left = values(e.args[2], {**domains, symbol: (low, min(border, high))}) if low < border else None
    right = values(e.args[3], {**domains, symbol: (max(border, low), high)}) if high >= border else None
    branches = [branch for branch in (left, right) if branch is not None]
    return min(low for low, _ in branches), max(high for _, high in branches)


def _values(e: sp.Expr, inner: Sequence[Interval]) -> Interval:
    """The values of a function whose arguments are in these intervals."""
    match e:
        case sp.Add():
            return total(inner)
        case sp.Mul():
            result = (1.0, 1.0)
            for factor in inner:
                result = _product(result, factor)
            return result
        case sp.Pow() if e.exp.is_Rational:
            return _power(inner[0], e.exp)
        case sp.Pow():
            return (LEAST, inf) if inner[0][0] > 0 else REALS
        case p.maximum():
            (a, b), (c, d) = inner
            return max(a, c), max(b, d)
        case p.choose():
            (a, b), (c, d) = inner[2:]
            return min(a, c), max(b, d)
        case sp.sin() | sp.cos():
            return -1.0, 1.0
        case p.logsumexp():
            return LEAST, inf
        case p.softmax():
            return 0.0, 1.0
    facts = facts_of(type(e))
    if facts is None or not facts.monotone:
        return REALS
    if facts.monotone == "bell":
        return 0.0, 1.0
    low, high = inner[0] if facts.monotone == "rising" else _absolute(inner[0])
    return _at(e, low, -inf), _at(e, high, inf)


def _at(call: sp.Expr, u: float, otherwise: float) -> float:
    """The value of a monotone function at an end of an interval."""
    if abs(u) == LEAST:
        return _at(call, 0.0, otherwise) or u
    name, facts = call.func.__name__, facts_of(type(call))
    if (name, u) in _CORNERS:
        return _CORNERS[name, u]
    if abs(u) == inf:
        return facts.limits[u > 0] if facts is not None else u
    function: Callable[..., Any] = references().get(name) or getattr(mpmath, name)
    try:
        return float(function(mpmath.mpf(u)))
    except (ValueError, TypeError):
        return otherwise


def _absolute(u: Interval) -> Interval:
    low, high = u
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


def total(parts: Sequence[Interval]) -> Interval:
    """The interval of a sum."""
    return _kept(sum(low for low, _ in parts)), _kept(sum(high for _, high in parts))


def _kept(end: float) -> float:
    """`LEAST` in place of an end that is 0 only by rounding."""
    return copysign(LEAST, end) if 0 < abs(end) < 1e-300 else end


def _product(a: Interval, b: Interval) -> Interval:
    ends = [0.0 if 0 in (x, y) else _kept(x * y or copysign(LEAST, x) * copysign(1, y)) for x in a for y in b]
    return min(ends), max(ends)


def _power(base: Interval, exponent: sp.Rational) -> Interval:
    low, high = base
    if exponent.is_Integer and exponent % 2 == 0:
        low, high = _absolute(base)
    elif low < 0 and not (exponent.is_Integer and (exponent > 0 or high < 0)):
        return REALS
    n = float(exponent)
    ends = [_raised(low, n), _raised(high, n)]
    return (min(ends), max(ends)) if not any(map(isnan, ends)) else REALS


def _raised(base: float, exponent: float) -> float:
    if base == 0:
        return 0.0 if exponent > 0 else inf
    if abs(base) in (LEAST, inf):
        return copysign(LEAST if (abs(base) == LEAST) == (exponent > 0) else inf, base)
    try:
        return _kept(float(base**exponent) or copysign(LEAST, base))
    except OverflowError:
        return inf if base > 0 else -inf
