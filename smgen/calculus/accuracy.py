"""Judges whether a formula is accurate in the module's dtype, by mpmath, from one end of the range to the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import log10
from typing import Any, Final, TypeAlias

import mpmath
import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.calculus.intervals import LEAST
from smgen.calculus.primitives import G, absolute, choose, guarded, kept, references, stable
from smgen.calculus.scalar import evaluate
from smgen.calculus.symbolic import subexpressions

DIGITS: Final = 60
FEW_ULP: Final = 8
"""Errors up to this many units in the last place pass: NumPy's own functions err by up to 4, formulas add a few."""
CANCELLING: Final = 16
"""Terms that cancel excuse an error up to this many times the largest value of the formula on the same side of 0."""
MIDDLE: Final = 10
"""Points that are not farther than this from 0 belong to both sides."""
WRONG: Final = 1e-3
"""A relative error that no cancelling terms excuse in a tail: more than the last bits are wrong."""
EDGE: Final = 64
"""In a tail, a value within this factor of the largest number may overflow."""
MOST_WORK: Final = 200_000
"""The most operations in arbitrary precision for one formula: a long one is evaluated at fewer points."""

Array = npt.NDArray[Any]
Domain: TypeAlias = tuple[float, float]
EVERYWHERE: Final[Domain] = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The outcome for one formula: where it is NaN, infinite or inaccurate, and the worst error in ulp elsewhere.

    `undefined` are the sample points where the exact value is not real.
    """

    worst_ulp: float
    complaint: str = ""
    undefined: tuple[float, ...] = ()


@lru_cache(maxsize=4)
def near(dtype: str) -> Array:
    """0, ±10^k for k = −8…4 with six points a decade, and every half from −20 to 20, rounded to `dtype`."""
    decades = np.logspace(-8, 4, 73)
    points = np.concatenate([-decades[::-1], [0.0], decades, np.arange(-20, 20.25, 0.5)])
    return np.unique(points.astype(dtype))


@lru_cache(maxsize=4)
def far(dtype: str) -> Array:
    """Beyond ±1e4 to the ends of the dtype, and from ±1e−9 down to its smallest normal numbers."""
    limits = np.finfo(dtype)
    end, start = log10(float(limits.max)), log10(float(limits.tiny))
    decades = np.concatenate([np.logspace(start + 0.1, -9, 8), np.logspace(5, 20, 16), np.linspace(21, end - 0.01, 20)])
    decades[-20:] = 10.0 ** decades[-20:]
    return np.unique(np.concatenate([-decades, decades]).astype(dtype))


@lru_cache(maxsize=1024)
def judge(form: sp.Expr, dtype: str, exact: sp.Expr | None = None, domain: Domain = EVERYWHERE) -> Accuracy:
    """Compare `form`, evaluated as generated code would, with the value of `exact`, or of itself.

    An error is measured in ulp of the exact value, or of the terms that cancel in it as far as `CANCELLING` excuses
    them. An error that a rounding of g would cause too is not a fault of the formula. Below tiny/eps, where factors may
    be subnormal, the absolute error counts. All sample points are in the domain. Raises `constants.OutOfRange`.
    """
    exact = form if exact is None else exact
    first = _judge(form, exact, dtype, _inside(near(dtype), domain, dtype), far_out=False)
    if first.complaint:
        return first
    second = _judge(form, exact, dtype, _inside(far(dtype), domain, dtype), far_out=True)
    return Accuracy(max(first.worst_ulp, second.worst_ulp), second.complaint, second.undefined)


def _inside(points: Array, domain: Domain, dtype: str) -> Array:
    low, high = domain
    ends = [end for end in domain if np.isfinite(end) and abs(end) != LEAST]
    wide = points.astype(np.float64)  # where `LEAST` is not 0
    inside = points[(wide >= low) & (wide <= high)]
    return np.unique(np.concatenate([inside, np.array(ends, dtype)]))


def _judge(form: sp.Expr, exact_form: sp.Expr, dtype: str, points: Array, *, far_out: bool) -> Accuracy:
    points = _fewer(points, 2 * work(exact_form))
    if not points.size:
        return Accuracy(0.0)
    machine = stable(form)
    with np.errstate(all="ignore"):
        computed = np.broadcast_to(evaluate(machine, {G: points}, dtype), points.shape).astype(np.float64)
        terms = np.abs(
            np.broadcast_to(evaluate(terms_of(machine), {G: points.astype(np.float64)}, "float64"), points.shape)
        )
    exact, sensitivity = _reference(exact_form, dtype, points.tobytes())
    limits = np.finfo(dtype)
    eps, tiny, largest = float(limits.eps), float(limits.tiny), float(limits.max)
    with np.errstate(all="ignore"):
        least = np.maximum(sensitivity, tiny) / eps
        size = np.abs(exact)
        cap = _beyond(points, size) if far_out else _on_side(points, size)
        excused = np.fmin(terms, CANCELLING * cap)
        error = np.abs(computed - exact)
        ulp = error / np.maximum(np.maximum(size, 0 if far_out else excused), least) / eps
        wrong = (error > WRONG * np.maximum(size, _around(least))) & (np.abs(points) > MIDDLE)
    undefined = np.isnan(exact)
    infinite = ~undefined & ~np.isfinite(computed)
    if far_out:
        infinite &= size < largest / EDGE
        wrong &= size < largest / EDGE
    finite = ~undefined & np.isfinite(computed)
    worst = float(np.max(ulp[finite], initial=0.0))
    inaccurate = finite & (wrong if far_out else wrong | (ulp > FEW_ULP + 2 * nested(exact_form)))
    if undefined.any():
        return Accuracy(worst, f"is not real {_ranges(points, undefined)}", tuple(map(float, points[undefined])))
    faults = (
        ("is NaN", infinite & np.isnan(computed)),
        ("overflows", infinite & ~np.isnan(computed)),
        ("loses accuracy", inaccurate),
    )
    return Accuracy(worst, ", and ".join(f"{what} {_ranges(points, bad)}" for what, bad in faults if bad.any()))


def _on_side(points: Array, size: Array) -> Array:
    """The largest value on the same side of 0."""
    sides = (points <= MIDDLE, points >= -MIDDLE)
    left, right = (float(np.max(size[side], initial=0.0, where=~np.isnan(size[side]))) for side in sides)
    return np.where(points < 0, left, right)


def _beyond(points: Array, size: Array) -> Array:
    """For each point, the largest value at points of the same sign that are not nearer to 0."""
    finite = np.nan_to_num(size, nan=0.0, posinf=np.inf)
    left = np.maximum.accumulate(finite)
    right = np.maximum.accumulate(finite[::-1])[::-1]
    return np.where(points < 0, left, right)


def _around(values: Array) -> Array:
    """The largest of each value and its neighbours: a wave may be insensitive to g at a single point by chance."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.array(np.maximum(np.maximum(padded[:-2], padded[2:]), values))


def nested(expr: sp.Expr) -> int:
    """How deeply functions are nested: each adds its own error."""
    known: dict[sp.Basic, int] = {}

    def depth(e: sp.Basic) -> int:
        if e not in known:
            known[e] = max(map(depth, e.args), default=0) + isinstance(e, sp.Function)
        return known[e]

    return max(0, depth(expr) - 2)


def work(expr: sp.Expr) -> int:
    """The operations for one point: distinct subexpressions; a function counts as twenty for each argument."""
    parts = subexpressions(expr)
    return len(parts) + 20 * sum(len(e.args) for e in parts if isinstance(e, sp.Function))


def _fewer(points: Array, work: int) -> Array:
    """A selection of the points, so that `work` at each stays within bounds. 0 is kept if it is one of the points."""
    stride = max(1, -(-work * len(points) // MOST_WORK))
    return np.unique(np.concatenate([points[:: min(stride, max(len(points) // 12, 1))], points[points == 0]]))


@lru_cache(maxsize=1024)
def _reference(expr: sp.Expr, dtype: str, packed_points: bytes) -> tuple[Array, Array]:
    """The exact values at the points, NaN where they are not real, and their changes for one ulp of g."""
    points = np.frombuffer(packed_points, dtype)
    step = 1 + float(np.finfo(dtype).eps)
    f = compiled(expr)
    values, changes = [], []
    for point in map(float, points):
        with mpmath.workdps(DIGITS + (int(2.5 * abs(log10(abs(point)))) if point else 0)):
            value = real(f, mpmath.mpf(point))
            values.append(float(value))
            changes.append(float(abs(real(f, mpmath.mpf(point) * step) - value)))
    return np.array(values), np.nan_to_num(np.array(changes), nan=0.0, posinf=np.inf)


def compiled(expr: sp.Expr) -> Callable[[Any], Any]:
    """`expr` as a function of an mpmath number, common subexpressions once."""
    function: Callable[[Any], Any] = sp.lambdify(G, guarded(expr), [references(), "mpmath"], cse=_cse)
    return function


def _cse(expr: sp.Expr, **_: object) -> tuple[list[tuple[sp.Symbol, sp.Expr]], sp.Expr]:
    """A name for every whole subexpression, in one walk; sympy's own search would take far longer."""
    names: list[tuple[sp.Symbol, sp.Expr]] = []
    known: dict[sp.Expr, sp.Expr] = {}

    def named(e: sp.Expr) -> sp.Expr:
        if not e.args or e.is_number:
            return e
        if e not in known:
            args = [named(arg) for arg in e.args]
            name = sp.Symbol(f"t{len(names)}", real=True)
            names.append((name, e.func(*args, evaluate=False) if e.is_Add or e.is_Mul else e.func(*args)))
            known[e] = name
        return known[e]

    return names, named(expr)


def real(f: Callable[[Any], Any], point: Any) -> Any:
    """The value at a point; NaN where it is not real."""
    try:
        value = +f(point)  # which makes a number of mpmath's π
    except (ZeroDivisionError, ValueError, TypeError):
        return mpmath.nan
    return mpmath.mpf(value) if isinstance(value, mpmath.mpf | int | float) else mpmath.nan


def terms_of(expr: sp.Expr) -> sp.Expr:
    """The sum of absolute terms, through sums, products and whole powers: the size of terms that may cancel."""
    if isinstance(expr, kept):
        return terms_of(expr.args[0])
    if isinstance(expr, choose):
        a, b, x, y = expr.args
        return choose(a, b, terms_of(x), terms_of(y))
    if expr.is_number:
        return abs(expr)
    if expr.is_Add or expr.is_Mul:
        return expr.func(*map(terms_of, expr.args))
    if expr.is_Pow and expr.exp.is_Integer and expr.exp.is_positive:
        return terms_of(expr.base) ** expr.exp
    return absolute(expr)


def _ranges(points: Array, bad: npt.NDArray[np.bool_]) -> str:
    """`for g from 88.3 to 1e+04, g from …`: the first three runs of bad points."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(int)))
    runs = [f"g from {points[a]:.3g} to {points[b - 1]:.3g}" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return "for " + ", ".join(runs[:3]) + (" and more" if len(runs) > 3 else "")
