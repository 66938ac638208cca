"""Judges whether a function of several operands is real, and accurate in the module's dtype, at a fixed set of points.

The checks of `accuracy` for one operand are made here at the points of `samples`: mixtures of sizes from 1e−6 to 1e4 of
both signs, and operands near each other. For a node of many operands, fewer points and fewer derivatives are checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil
from typing import Any, Final

import mpmath
import numpy as np
import sympy as sp

from smgen.calculus.accuracy import CANCELLING, DIGITS, FEW_ULP, MIDDLE, WRONG, nested, terms_of, work
from smgen.calculus.intervals import Interval
from smgen.calculus.partials import Orders, Partials
from smgen.calculus.precise import Place
from smgen.calculus.primitives import absolute, choose, kept, maximum, stable
from smgen.calculus.samples import Array, design, within
from smgen.calculus.scalar import evaluate

PLACES: Final = 96
FEWEST: Final = 16
MOST_FORMULAS: Final = 40
MOST_WORK: Final = 60_000
"""The most operations in arbitrary precision for one node."""
PLAIN: Final = 4
"""The most symbols, counting powers, of a product that is not judged."""

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """A fault of the derivative by `orders`, at the point nearest to 0 where it occurs."""

    orders: Orders
    what: str
    place: Numbers


def needed(f: Partials, varying: Sequence[bool]) -> tuple[Orders, ...]:
    """f and the derivatives that modules compute, f first: at most `MOST_FORMULAS`.

    By operands that depend on parameters alone, only first derivatives are computed.
    """

    def used(orders: Orders) -> bool:
        constants = sum(not varying[n] for n in orders)
        return constants <= 1 and (any(varying) or len(orders) == 1)

    orders = sorted([(), *(orders for orders in f.orders() if used(orders))], key=len)
    formulas: dict[sp.Expr, Orders] = {}
    for o in orders:
        if not is_plain(form := f.form(o)):
            formulas.setdefault(_renamed(form), o)
    return tuple(formulas.values())[:: ceil(len(formulas) / MOST_FORMULAS) or 1]


def _renamed(form: sp.Expr) -> sp.Expr:
    """The formula with its symbols numbered, so that formulas that differ only in their operands are judged once."""
    symbols = sorted(form.free_symbols, key=lambda s: (len(s.name), s.name))
    return form.xreplace({s: sp.Symbol(f"h_{n}", real=True) for n, s in enumerate(symbols)})


def is_plain(form: sp.Expr) -> bool:
    """Whether a formula needs no judge: a sum of single operands, or a product of a few."""
    if form.is_Add:
        return all(is_plain(term) and len(term.free_symbols) <= 1 and _degree(term) <= 1 for term in form.args)
    return 0 <= _degree(form) <= PLAIN


def _degree(product_: sp.Expr) -> int:
    """The number of symbols that are multiplied; −1 if this is no product of symbols."""
    total = 0
    for factor in sp.Mul.make_args(product_):
        base, exponent = factor.as_base_exp()
        if factor.is_number:
            continue
        if not base.is_Symbol or not exponent.is_Integer or exponent < 0:
            return -1
        total += int(exponent)
    return total


@lru_cache(maxsize=256)
def unreal(f: Partials, domains: tuple[Interval, ...]) -> tuple[tuple[Numbers, bool], ...]:
    """Points where f is not real, the nearest to 0 first, and whether f is not real at any point around each either."""
    exact = f.derivative()
    if is_plain(exact):
        return ()
    places = _nearest(design(domains, _count(exact)))
    bad = [place for place in places if not mpmath.isfinite(_place(f, place).value(exact))]
    around = np.array(list(product((-1, 1), repeat=2)))
    pattern = around[:, np.arange(len(f.symbols)) % 2] * (1 + 0.1 * np.arange(len(f.symbols)) % 1)
    places_without_value = []
    for place in bad[:8]:
        neighbours = within(place + 1e-3 * np.maximum(np.abs(place), 1) * pattern, domains)
        real = any(mpmath.isfinite(_place(f, other).value(exact)) for other in neighbours)
        places_without_value.append((tuple(map(float, place)), not real))
    return tuple(places_without_value)


def _nearest(places: Array) -> Array:
    return places[np.argsort(np.abs(places).max(axis=1), kind="stable")]


def _count(*formulas: sp.Expr) -> int:
    """The number of points for which the work stays within bounds."""
    return max(FEWEST, min(PLACES, MOST_WORK // (3 * sum(map(work, formulas)) + 1)))


@lru_cache(maxsize=256)
def judge_several(
    f: Partials, orders: tuple[Orders, ...], domains: tuple[Interval, ...], dtype: str
) -> tuple[Complaint, ...]:
    """The faults in the dtype, for each order from f to f‴: the first number that is NaN or infinite, and the first
    that is inaccurate.

    An error is measured as `accuracy.judge` does; terms of different operands may cancel.
    """
    if not orders:
        return ()
    exact = {o: f.derivative(o) for o in orders}
    points = _nearest(design(domains, _count(*exact.values())).astype(dtype))
    values, changes = _reference(f, exact, points, dtype)
    complaints: dict[tuple[int, bool], Complaint] = {}
    for o in orders:
        for complaint in _judged(f, o, points, values[o], changes[o], dtype):
            complaints.setdefault((len(o), complaint.what == "loses accuracy"), complaint)
    return tuple(complaints.values())


def _reference(
    f: Partials, exact: Mapping[Orders, sp.Expr], points: Array, dtype: str
) -> tuple[dict[Orders, Array], dict[Orders, Array]]:
    """The exact values of all derivatives, and their changes for an ulp of each operand."""
    values: dict[Orders, list[float]] = {o: [] for o in exact}
    changes: dict[Orders, list[float]] = {o: [] for o in exact}
    eps, operands = float(np.finfo(dtype).eps), len(f.symbols)
    alternate = (-1.0) ** np.arange(operands)
    # A sum of many operands is rounded many times.
    often = max(1.0, operands / 2)
    with mpmath.workdps(DIGITS):
        for point in points.astype(np.float64):
            here = _place(f, point)
            steps = [alternate**2, alternate]
            if operands > 2:
                steps.append(np.array([float(mpmath.sign(here.value(f.derivative((n,))))) for n in range(operands)]))
                steps[-1] = np.where(np.isnan(steps[-1]), 1, steps[-1]) * np.sign(point)
            stepped = [_place(f, point, step * eps) for step in steps]
            for o, formula in exact.items():
                value = here.value(formula)
                values[o].append(float(value))
                changes[o].append(often * max(_change(other.value(formula), value) for other in stepped))
    return {o: np.array(v) for o, v in values.items()}, {o: np.array(c) for o, c in changes.items()}


def _place(f: Partials, point: Array, relative: Array | float = 0.0) -> Place:
    """The operands at a point, each multiplied by 1 + `relative`."""
    steps = np.broadcast_to(relative, point.shape)
    numbers = (mpmath.mpf(float(p)) * (1 + mpmath.mpf(float(r))) for p, r in zip(point, steps, strict=True))
    return Place(dict(zip(f.symbols, numbers, strict=True)))


def _change(a: Any, b: Any) -> float:
    difference = float(abs(a - b))
    return difference if np.isfinite(difference) else np.inf


def _judged(f: Partials, orders: Orders, points: Array, exact: Array, change: Array, dtype: str) -> Iterator[Complaint]:
    machine = stable(f.form(orders))

    def evaluated(expr: sp.Expr, kind: str) -> Array:
        numbers = dict(zip(f.symbols, points.astype(kind).T, strict=True))
        return np.broadcast_to(evaluate(expr, numbers, kind), len(points)).astype(np.float64)

    limits = np.finfo(dtype)
    eps, tiny = float(limits.eps), float(limits.tiny)
    with np.errstate(all="ignore"):
        computed, terms, crossing = (
            evaluated(machine, dtype),
            np.abs(evaluated(terms_of(machine), "float64")),
            evaluated(_crossing(machine), "float64"),
        )
        size = np.abs(exact)
        least = np.maximum(change, tiny * np.maximum(np.abs(points).max(axis=1), 1) ** len(orders)) / eps
        mixed = np.nan_to_num(np.fmin(crossing, float(limits.max)), nan=0.0)
        error = np.abs(computed - exact)
        scale = np.maximum(np.maximum(size, least), mixed)
        excused = np.fmin(terms, CANCELLING * _in_orthant(points, size))
        ulp = error / np.maximum(scale, excused) / eps
        wrong = (error > WRONG * scale) & (np.abs(points).max(axis=1) > MIDDLE)
    real = ~np.isnan(exact)
    infinite = real & ~np.isfinite(computed)
    inaccurate = real & np.isfinite(computed) & (wrong | (ulp > 2 * FEW_ULP + 2 * nested(machine)))
    for what, bad in (
        ("is NaN", infinite & np.isnan(computed)),
        ("overflows", infinite & ~np.isnan(computed)),
        ("loses accuracy", inaccurate),
    ):
        if bad.any():
            yield Complaint(orders, what, tuple(map(float, points[bad][0])))


def _in_orthant(points: Array, size: Array) -> Array:
    """For each point, the largest value at points whose operands have the same signs or are small."""
    side = np.where(np.abs(points) <= MIDDLE, 0, np.sign(points))
    alike = np.all(side[:, np.newaxis] * side[np.newaxis] >= 0, axis=2)
    return np.array(np.max(np.where(alike, np.nan_to_num(size, nan=0.0), 0.0), axis=1))


def _crossing(e: sp.Expr) -> sp.Expr:
    """The expression with absolute values of terms that belong to different operands, or to a small one.

    A difference of terms of one large operand stays as it is.
    """
    if isinstance(e, kept):
        return _crossing(e.args[0])
    if e.is_Mul:
        return e.func(*map(_crossing, e.args))
    if e.is_Pow and e.exp.is_Integer and e.exp.is_positive:
        return _crossing(e.base) ** e.exp
    if not e.is_Add:
        return absolute(e)
    groups: dict[sp.Symbol | int, list[sp.Expr]] = {}
    for n, term in enumerate(e.args):
        symbols = term.free_symbols
        groups.setdefault(next(iter(symbols)) if len(symbols) == 1 else n * len(symbols), []).append(term)
    parts = [sp.Add(*terms) for terms in groups.values()]
    if sum(bool(part.free_symbols) for part in parts) > 1:
        return sp.Add(*map(_crossing, parts))
    size: sp.Expr = sp.S.Zero
    for symbol in sorted(e.free_symbols, key=str):
        size = maximum(size, absolute(symbol))
    return choose(size, MIDDLE, terms_of(e), absolute(e))
