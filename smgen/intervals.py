"""The values a function can take on an interval: bounds that hold, though they may be wide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isnan
from typing import Any, Final, TypeAlias

import mpmath
import sympy as sp

from smgen import primitives as p
from smgen.calculus import varies
from smgen.functions import facts_of, references
from smgen.primitives import G

Interval: TypeAlias = tuple[float, float]
REALS: Final[Interval] = (-inf, inf)

_CORNERS: Final[dict[tuple[str, float], float]] = {("log", 0.0): -inf, ("log1p", -1.0): -inf}
"""Where a monotone function goes to infinity at a finite place."""


def values(e: sp.Expr, g: Interval) -> Interval:
    """An interval that contains e(g) for every g of the interval `g`."""
    if e == G:
        return g
    if not varies(e):
        value = float(e)
        return value, value
    if isinstance(e, p.choose) and e.args[0] == G and e.args[1].is_number:
        border = float(e.args[1])
        left = values(e.args[2], (g[0], min(border, g[1]))) if g[0] < border else None
        right = values(e.args[3], (max(border, g[0]), g[1])) if g[1] >= border else None
        branches = [branch for branch in (left, right) if branch is not None]
        return min(low for low, _ in branches), max(high for _, high in branches)
    inner = [values(arg, g) for arg in e.args]
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
        case p.maximum():
            (a, b), (c, d) = inner
            return max(a, c), max(b, d)
        case p.choose():
            (a, b), (c, d) = inner[2:]
            return min(a, c), max(b, d)
        case sp.sin() | sp.cos():
            return -1.0, 1.0
        case p.logsumexp():
            return 0.0, inf
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
    return sum(low for low, _ in parts), sum(high for _, high in parts)


def _product(a: Interval, b: Interval) -> Interval:
    ends = [0.0 if 0 in (x, y) else x * y for x in a for y in b]
    return min(ends), max(ends)


def _power(base: Interval, exponent: sp.Rational) -> Interval:
    low, high = base
    if exponent.is_Integer and exponent % 2 == 0:
        low, high = _absolute(base)
    elif low < 0 and not (exponent.is_Integer and exponent > 0):
        return REALS
    n = float(exponent)
    ends = [_raised(low, n), _raised(high, n)]
    return (min(ends), max(ends)) if not any(map(isnan, ends)) else REALS


def _raised(base: float, exponent: float) -> float:
    if base == 0:
        return 0.0 if exponent > 0 else inf
    try:
        return float(base**exponent)
    except OverflowError:
        return inf if base > 0 else -inf
