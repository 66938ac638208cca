"""The places where a divisor of a function of several operands, or the argument of a root or logarithm, is 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import mpmath
import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval, values
from smgen.calculus.precise import Place
from smgen.calculus.primitives import G, log1p, stable
from smgen.calculus.samples import GENERIC, Array, design, inside, within
from smgen.calculus.scalar import evaluate
from smgen.calculus.singular import DIGITS, explained, zeros
from smgen.calculus.symbolic import Calculus, subexpressions

STARTS: Final = 64
STEPS: Final = 60
NEAR: Final = 60.0
"""Only surfaces within this distance of 0 are searched."""
MOST: Final = 3
"""The most places that are returned for one surface."""


@dataclass(frozen=True, slots=True)
class Singular:
    """A singular place, and the symbols that it depends on; the numbers of other symbols are arbitrary."""

    place: tuple[Any, ...]
    symbols: tuple[sp.Symbol, ...]


@lru_cache(maxsize=256)
def singular_places(f: sp.Expr, symbols: tuple[sp.Symbol, ...], domains: tuple[Interval, ...]) -> tuple[Singular, ...]:
    """Places within the domains at which f may have no value or no derivative, on all surfaces that are found."""
    at = dict(zip(symbols, domains, strict=True))
    rest = {symbol: inside(at[symbol], n) for n, symbol in enumerate(symbols)}
    places: list[Singular] = []
    with mpmath.workdps(DIGITS):
        for base in sorted(_bases(f), key=sp.default_sort_key):
            low, high = values(base, at)
            if low <= 0 <= high:
                for factor in _factors(base):
                    own = tuple(s for s in symbols if s in factor.free_symbols)
                    for zero in _zeros(factor, at):
                        places.append(Singular(tuple((rest | zero)[s] for s in symbols), own))
    return tuple(places)


def _bases(f: sp.Expr) -> set[sp.Expr]:
    """All divisors, arguments of roots and logarithms, and bases of powers with a varying exponent."""
    bases = set()
    for e in subexpressions(f):
        match e:
            case sp.Pow() if not (e.exp.is_Integer and e.exp.is_positive):
                bases.add(e.base)
            case sp.log():
                bases.add(e.args[0])
            case log1p():
                bases.add(1 + e.args[0])
    return {base for base in bases if base.free_symbols}


def _factors(base: sp.Expr) -> Iterator[sp.Expr]:
    """The factors of a base, and the bases of powers in it: the base is 0 where one of them is."""
    if base.is_Mul:
        for factor in base.args:
            yield from _factors(factor)
    elif base.is_Pow:
        yield from _factors(base.base) if base.exp.is_positive else ()
    elif base.is_Add and base.is_polynomial() and len(base.args) <= 12 and not (factored := sp.factor(base)).is_Add:
        yield from _factors(factored)
    elif base.free_symbols:
        yield base


def _zeros(e: sp.Expr, at: Mapping[sp.Symbol, Interval]) -> list[dict[sp.Symbol, Any]]:
    """Some places where e is 0, as numbers for its own symbols."""
    low, high = values(e, at)
    if not low <= 0 <= high:
        return []
    symbols = tuple(sorted(e.free_symbols, key=str))
    domains = tuple(at[symbol] for symbol in symbols)
    if len(symbols) == 1:
        ((symbol, (low, high)),) = zip(symbols, domains, strict=True)
        return [{symbol: zero} for zero in sorted(zeros(e.xreplace({symbol: G}))) if low <= zero <= high]
    slopes = [Calculus().derivative(e.xreplace({s: G})).xreplace({G: s}) for s in symbols]
    roots = []
    for start in _descended(e, slopes, symbols, domains):
        place = _polished(e, slopes, symbols, start)
        if place is not None and all(low <= number <= high for number, (low, high) in zip(place, domains, strict=True)):
            roots.append(dict(zip(symbols, place, strict=True)))
        if len(roots) == MOST:
            break
    return roots


def _descended(
    e: sp.Expr, slopes: Sequence[sp.Expr], symbols: tuple[sp.Symbol, ...], domains: tuple[Interval, ...]
) -> Array:
    """Places near zeros, those of moderate size first, by steps x ← x − e ∇e / |∇e|² from many places.

    If e changes its sign on the surface, the steps converge at once; if e only touches 0, each halves the distance.
    """
    x = design(domains, STARTS)
    x = within(np.clip(x, -NEAR / 3, NEAR / 3), domains)
    at = stable(e)
    gradient = [stable(slope) for slope in slopes]

    def of(part: sp.Expr) -> Array:
        return np.broadcast_to(evaluate(part, dict(zip(symbols, x.T, strict=True)), "float64"), len(x))

    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            g = np.stack([of(slope) for slope in gradient], axis=1)
            step = of(at)[:, np.newaxis] * g / np.sum(g**2, axis=1, keepdims=True)
            x = within(x - np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0), domains)
        size = np.abs(of(at))
    x = x[(size < 1e-9) & (np.abs(x).max(axis=1) < NEAR)]
    unusual = np.round(np.abs(np.abs(x).max(axis=1) - 1), 1) + 0.01 * np.sum(x < 0, axis=1)
    return np.array(x[np.argsort(unusual, kind="stable")][: 4 * MOST])


def _polished(e: sp.Expr, slopes: Sequence[sp.Expr], symbols: tuple[sp.Symbol, ...], start: Array) -> Any:
    """The zero near a place in arbitrary precision; None if there is none. Round numbers are preferred."""
    for digits in (0, 2, 6):
        rounded = [mpmath.mpf(str(round(float(number), digits))) for number in start]
        if Place(dict(zip(symbols, rounded, strict=True))).value(e) == 0:
            return rounded
    x = [mpmath.mpf(float(number)) for number in start]
    for _ in range(4 * STEPS):
        place = Place(dict(zip(symbols, x, strict=True)))
        value, gradient = place.value(e), [place.value(slope) for slope in slopes]
        square = sum(slope**2 for slope in gradient)
        if value == 0:
            return x
        if not mpmath.isfinite(value) or not mpmath.isfinite(square) or square == 0:
            return None
        steps = [value * slope / square for slope in gradient]
        x = [number - step for number, step in zip(x, steps, strict=True)]
        if max(map(abs, steps)) < mpmath.mpf(10) ** -50:
            return x
    return None


def explain(derivatives: Sequence[tuple[str, sp.Expr]], at: Mapping[sp.Symbol, Any], words: str) -> str:
    """The fault of a function or a derivative at a place, in words; empty if all are real.

    They are evaluated along a line through the place, from both sides.
    """
    for mark, derivative in derivatives:
        with mpmath.workdps(2 * DIGITS):

            def along(t: Any, derivative: sp.Expr = derivative) -> Any:
                numbers = {s: place + t * GENERIC[n % len(GENERIC)] for n, (s, place) in enumerate(at.items())}
                value = Place(numbers).value(derivative)
                if not mpmath.isfinite(value):
                    raise ValueError(f"{derivative} is not real")
                return value

            text = explained(mark, along, mpmath.mpf(0), words, at_border=False)
        if text is not None:
            return text
    return ""
