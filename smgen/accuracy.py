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
FEW_ULP: Final = 16
"""Errors up to this many units in the last place of the result, or of its largest term, pass."""

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


@lru_cache(maxsize=1024)
def _reference(expr: sp.Expr, dtype: str) -> tuple[Array, Array]:
    """`expr` and the sum of absolute terms of its formulas (the larger) at the probes, rounded from `DIGITS` digits to
    float64.

    A value that is not real comes out as NaN.
    """
    with mpmath.workdps(DIGITS):
        points = [mpmath.mpf(float(point)) for point in probes(dtype)]

        def values(e: sp.Expr) -> Array:
            f = sp.lambdify(G, e, [REFERENCE, "mpmath"])
            return np.array([_real(f, x) for x in points])

        return values(expr), np.maximum(values(_largest(expr)), values(_largest(stable(expr))))


def _real(f: Any, x: Any) -> float:
    try:
        value = f(x)
    except (ZeroDivisionError, ValueError):
        return float("nan")
    return float(value) if isinstance(value, mpmath.mpf | int | float) else float("nan")


def _largest(expr: sp.Expr) -> sp.Expr:
    """The sum of absolute terms, through sums, products and whole powers: what cancels is judged by it."""
    if expr.is_Add or expr.is_Mul:
        return expr.func(*(_largest(arg) for arg in expr.args))
    if expr.is_Pow and expr.exp.is_Integer and expr.exp.is_positive:
        return _largest(expr.base) ** expr.exp
    return sp.Abs(expr)


def judge(expr: sp.Expr, dtype: str) -> Accuracy:
    """Compare `expr`, evaluated as generated code would, with its exact value."""
    points = probes(dtype)
    with np.errstate(all="ignore"):
        computed = np.broadcast_to(evaluate(stable(expr), {G: points}, dtype), points.shape).astype(np.float64)
    exact, size = _reference(expr, dtype)
    info = np.finfo(dtype)
    tolerance = FEW_ULP * float(info.eps)
    with np.errstate(all="ignore"):
        # What is beyond the dtype's range cannot be represented by any formula: infinite is then the right answer.
        scale = np.maximum(np.maximum(np.abs(exact), size), float(info.tiny) / float(info.eps))
        error = np.abs(computed - exact) / scale
    undefined = np.isnan(exact)
    overflow = ~undefined & ~np.isfinite(computed)
    worst = float(np.max(error[~undefined & ~overflow], initial=0.0)) / float(info.eps)
    for bad, what in (
        (undefined, "is not real"),
        (overflow & np.isnan(computed), "is NaN"),
        (overflow, "overflows"),
        (error > tolerance, "loses accuracy"),
    ):
        if bad.any():
            return Accuracy(worst, f"{what} {_ranges(points, bad)}")
    return Accuracy(worst)


def _ranges(points: Array, bad: npt.NDArray[np.bool_]) -> str:
    """`for g from 88.3 to 1e+04, g from …`: the runs of bad probes, the first three of them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(int)))
    runs = [f"g from {points[a]:.3g} to {points[b - 1]:.3g}" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return "for " + ", ".join(runs[:3]) + (" and more" if len(runs) > 3 else "")
