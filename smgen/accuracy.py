"""Is a generated formula right in the module's dtype? Evaluated from −1e4 to 1e4 and judged against mpmath."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import mpmath
import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.primitives import REFERENCE, G, stable
from smgen.scalar import evaluate

DIGITS: Final = 60
FEW_ULP: Final = 8
"""Errors up to this many units in the last place pass: NumPy's own functions err by up to 4, formulas add a few."""
CANCELLING: Final = 16
"""Terms that cancel are an excuse up to this many times the largest value the formula takes on that side of 0."""
MIDDLE: Final = 10
"""What is not farther than this from 0 belongs to both sides."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The outcome for one formula: NaN, infinite or inaccurate where, and the worst error in ulp elsewhere."""

    worst_ulp: float
    complaint: str = ""


@lru_cache(maxsize=4)
def probes(dtype: str) -> Array:
    """0, ±10^k for k = −8…4 with six points a decade, and every half from −20 to 20, rounded to `dtype`."""
    decades = np.logspace(-8, 4, 73)
    points = np.concatenate([-decades[::-1], [0.0], decades, np.arange(-20, 20.25, 0.5)])
    return np.unique(points.astype(dtype))


@dataclass(frozen=True, slots=True)
class _Reference:
    """A formula at the probes, from `DIGITS` digits rounded to float64.

    Its value, or NaN where that is not real; the sum of its absolute terms; what one ulp of g changes in its value.
    """

    exact: Array
    terms: Array
    sensitivity: Array


@lru_cache(maxsize=1024)
def _reference(expr: sp.Expr, dtype: str) -> _Reference:
    with mpmath.workdps(DIGITS):
        points = [mpmath.mpf(float(point)) for point in probes(dtype)]
        moved = [point * (1 + float(np.finfo(dtype).eps)) for point in points]
        exact = _values(expr, points)
        change = [abs(a - b) for a, b in zip(exact, _values(expr, moved), strict=True)]
        terms = [max(pair) for pair in zip(*(_values(_terms(e), points) for e in (expr, stable(expr))), strict=True)]
        return _Reference(*(np.array([float(v) for v in column]) for column in (exact, terms, change)))


def _values(expr: sp.Expr, points: list[Any]) -> list[Any]:
    f = sp.lambdify(G, expr, [REFERENCE, "mpmath"])
    return [_real(f, point) for point in points]


def _real(f: Any, point: Any) -> Any:
    try:
        value = f(point)
    except (ZeroDivisionError, ValueError):
        return mpmath.nan
    return value if isinstance(value, mpmath.mpf | int | float) else mpmath.nan


def _terms(expr: sp.Expr) -> sp.Expr:
    """The sum of absolute terms, through sums, products and whole powers: what cancels is judged by it."""
    if expr.is_Add or expr.is_Mul:
        return expr.func(*map(_terms, expr.args))
    if expr.is_Pow and expr.exp.is_Integer and expr.exp.is_positive:
        return _terms(expr.base) ** expr.exp
    return sp.Abs(expr)


def judge(expr: sp.Expr, dtype: str) -> Accuracy:
    """Compare `expr`, evaluated as generated code would, with its exact value.

    An error is measured in ulp of the exact value, or of the terms that cancel in it as far as `CANCELLING` excuses
    them. What a rounding of g would do to the exact value is no fault of the formula. Below tiny/eps, where factors may
    be subnormal, what counts is the absolute error.
    """
    points = probes(dtype)
    with np.errstate(all="ignore"):
        computed = np.broadcast_to(evaluate(stable(expr), {G: points}, dtype), points.shape).astype(np.float64)
    reference = _reference(expr, dtype)
    exact = reference.exact
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    with np.errstate(all="ignore"):
        left, right = (float(np.max(np.abs(exact[side]))) for side in (points <= MIDDLE, points >= -MIDDLE))
        excused = np.minimum(reference.terms, CANCELLING * np.where(points < 0, left, right))
        scale = np.maximum(np.maximum(np.abs(exact), excused), np.maximum(reference.sensitivity, tiny) / eps)
        ulp = np.abs(computed - exact) / scale / eps
    undefined = np.isnan(exact)
    infinite = ~undefined & ~np.isfinite(computed)
    worst = float(np.max(ulp[~undefined & ~infinite], initial=0.0))
    for bad, what in (
        (undefined, "is not real"),
        (infinite & np.isnan(computed), "is NaN"),
        (infinite, "overflows"),
        (ulp > FEW_ULP, "loses accuracy"),
    ):
        if bad.any():
            return Accuracy(worst, f"{what} {_ranges(points, bad)}")
    return Accuracy(worst)


def _ranges(points: Array, bad: npt.NDArray[np.bool_]) -> str:
    """`for g from 88.3 to 1e+04, g from …`: the runs of bad probes, the first three of them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(int)))
    runs = [f"g from {points[a]:.3g} to {points[b - 1]:.3g}" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return "for " + ", ".join(runs[:3]) + (" and more" if len(runs) > 3 else "")
