"""Lines of equal value on a grid, by marching squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_SIDES = ((0, 0, 0, 1), (0, 1, 1, 1), (1, 0, 1, 1), (0, 0, 1, 0))
"""The sides of a cell, lower, right, upper and left, each from a corner to another: row, column, row, column."""


def contour(x: Array, y: Array, values: Array, level: float) -> Array:
    """Pieces of the line where `values`, (rows of y, columns of x), pass the level: (K, 2, 2), ends of x and y each.

    Values are linear along the sides of a cell. A cell that the line crosses four times gets two pieces.
    """
    above = np.asarray(values > level)
    corners = [above[r : len(y) - 1 + r, c : len(x) - 1 + c] for r, c in ((0, 0), (0, 1), (1, 0), (1, 1))]
    mixed = np.logical_or.reduce(corners) & ~np.logical_and.reduce(corners)
    pieces = []
    for row, column in np.argwhere(mixed).tolist():
        ends = []
        for a, b, c, d in _SIDES:
            one, other = values[row + a, column + b], values[row + c, column + d]
            if (one > level) != (other > level):
                t = (level - one) / (other - one) if np.isfinite(other - one) else 0.5
                across = x[column + b] + t * (x[column + d] - x[column + b])
                ends.append((across, y[row + a] + t * (y[row + c] - y[row + a])))
        pieces += [ends[:2], ends[2:]] if len(ends) == 4 else [ends]
    return np.asarray(pieces, np.float64).reshape(-1, 2, 2)


def level_of_mass(density: Array, mass: float) -> float:
    """The level above which cells of equal size hold this part of the mass."""
    ordered = np.sort(density.ravel())[::-1]
    total = np.cumsum(ordered)
    return float(ordered[min(int(np.searchsorted(total, mass * total[-1])), len(ordered) - 1)])
