"""Looks for flaws of the user's samples that leave the loss at λ = 0 without a minimum.

At λ = 0 the loss rewards curvature without bound where the data have no density: at a value that a column takes again
and again, in a direction in which the samples do not differ, and at single samples. λ > 0 is a penalty on curvature,
and noise gives the data a density.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LOOKED_AT: Final = 20_000
"""The most samples that are used; of more, a random choice."""

SORTED: Final = 2_000
"""The most samples whose values are compared column by column."""

WIDEST: Final = 1_000
"""The most columns for which linear dependence is computed."""

SAME: Final = {"float32": 1e-6, "float64": 1e-9}
"""A column whose values differ by less than this part of their size is constant."""

DEPENDENT: Final = 1e-6
"""The most of the spread of a dependent column that others do not explain: values may be rounded to float32."""

NAMED: Final = 3
"""The most columns that are named one by one."""

FEWEST: Final = 8
"""The fewest samples from which anything is concluded."""

ATOM: Final = 5
"""A value is an atom of the data if more samples than this, of those compared, have it."""

_GRIDS: Final = (1, 10, 100, 1000, 127.5, 255, 256)


def flaws(data: Array) -> list[str]:
    """Why the loss has no minimum at λ = 0 on these samples, (N, D): a sentence for each flaw."""
    if len(data) > LOOKED_AT:
        data = data[np.random.default_rng(0).choice(len(data), LOOKED_AT, replace=False)]
    x = data.astype(np.float64) + 0.0  # turns −0 into 0
    if len(x) == 1:
        return ["there is only one sample"]
    return list(_flaws(x, data.dtype))


def _flaws(x: Array, dtype: np.dtype[Any]) -> Iterator[str]:
    if not x.any():
        yield "all values are 0"
        return
    latest = {row.tobytes(): position for position, row in enumerate(x)}
    rows = sorted(latest.values())
    distinct = x[rows]
    if len(distinct) == 1:
        yield "all samples are equal"
        return
    # In a single float32 column, some values may agree by chance.
    if len(distinct) < (0.98 if x.shape[1] == 1 else 1) * len(x):
        yield f"{len(x) - len(distinct)} of {len(x)} samples repeat others"
    size = np.abs(x).max(axis=0)
    scaled = np.ldexp(x, -np.frexp(size)[1])  # from −1 to 1, whatever the unit is
    still = np.ptp(scaled, axis=0) <= SAME.get(dtype.name, 0.0)
    if still.any():
        yield f"{columns_text(np.flatnonzero(still))} constant"
    moving = np.flatnonzero(~still)
    yield from _dependent(scaled[rows], moving)
    yield from _repeated(distinct[:SORTED], moving, 0.5 / np.finfo(dtype).eps if dtype.kind == "f" else np.inf)
    if len(moving) < len(distinct) < max(2 * len(moving), FEWEST):
        yield f"{len(distinct)} different samples of {x.shape[1]} values are too few to tell a density from its samples"


def columns_text(positions: Sequence[int] | Array, verb: str = "is", verbs: str = "are") -> str:
    """`column 2 is`, `columns 0, 1 and 4 are`, `columns 0, 1, 2 and 7 more are`; counted from 0."""
    names = [str(int(position)) for position in positions]
    if len(names) == 1:
        return f"column {names[0]} {verb}".rstrip()
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return f"columns {', '.join(shown[:-1])} and {shown[-1]} {verbs}".rstrip()


def _dependent(x: Array, columns: Array) -> Iterator[str]:
    """Columns that are linear combinations of earlier ones. With no more samples than columns, all must be."""
    count = len(columns)
    if len(x) <= count:
        yield f"{len(x)} different samples span at most {len(x) - 1} of {count} dimensions"
        return
    if count > WIDEST:
        return
    part = x[: max(2 * count, SORTED), columns]
    part = part - part.mean(axis=0)
    part /= np.linalg.norm(part, axis=0)
    missing = int((np.linalg.eigvalsh(part.T @ part) < DEPENDENT**2).sum())
    if not missing:
        return
    directions = np.empty((count, len(part)))
    kept: list[int] = []
    reported = 0
    for k in range(count):
        basis = directions[: len(kept)].T
        rest = part[:, k] - basis @ (basis.T @ part[:, k])
        rest -= basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        if length > DEPENDENT * np.sqrt(count):
            directions[len(kept)] = rest / length
            kept.append(k)
            continue
        weights = np.linalg.lstsq(part[:, kept], part[:, k], rcond=None)[0]
        terms = [columns[kept[n]] for n in np.flatnonzero(np.abs(weights) > 1e-3)]
        reported += 1
        yield f"column {columns[k]} is a linear function of {columns_text(terms, '', '')}"
        if reported == NAMED and missing > reported:
            yield f"and so are {missing - reported} more columns of others"
            return


def _repeated(x: Array, columns: Array, whole_from: float) -> Iterator[str]:
    """Columns with repeated values, or with values on a grid. Numbers from `whole_from` on have no fractional part."""
    few, whole, grids = [], [], dict[float, list[int]]()
    atoms = list[str]()
    for column in columns:
        values, counts = np.unique(x[:, column], return_counts=True)
        if np.array_equal(values, np.rint(values)) and len(x) >= 4 and np.abs(values).max() < whole_from:
            whole.append(column)
        elif len(values) < 0.9 * len(x):
            few.append((column, len(values)))
        elif counts.max() > ATOM:
            atoms.append(f"{counts.max()} of {len(x)} samples have {values[counts.argmax()]:.6g} in column {column}")
        elif len(values) >= FEWEST and (spacing := _spacing(values)):
            grids.setdefault(spacing, []).append(column)
    if whole:
        yield f"{columns_text(whole, 'holds', 'hold')} whole numbers only"
    if len(few) == 1:
        yield f"column {few[0][0]} takes only {few[0][1]} values in {len(x)} samples"
    elif few:
        yield f"{columns_text([column for column, _ in few], '', '')} take some values again and again"
    yield from atoms[:NAMED]
    if len(atoms) > NAMED:
        yield f"{len(atoms) - NAMED} more columns have such a value"
    for spacing, on_grid_columns in grids.items():
        yield f"the values of {columns_text(on_grid_columns, '', '')} lie on a grid of spacing {spacing:.3g}"


def _spacing(values: Array) -> float:
    """The spacing of the grid on which the sorted values lie; 0 if there is none."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    for grid in _GRIDS if exponent < 50 else ():
        if values[-1] - values[0] >= 2 / grid and _are_whole(values * grid, np.abs(values * grid)):
            return float(1 / grid)
    values = np.ldexp(values, -exponent)
    smallest = float(np.diff(values).min())
    ratios = (values - values[0]) / smallest
    on_grid = ratios[-1] < 1e5 and _are_whole(ratios, (np.abs(values).max() + np.abs(values)) / smallest)
    return float(np.ldexp(smallest, exponent)) if on_grid else 0.0


def _are_whole(values: Array, size: Array) -> bool:
    """Whether all values are whole, up to float32's rounding of numbers of this size, if that rounding is small."""
    allowed = 8 * np.finfo(np.float32).eps * size + 1e-9
    return bool(allowed.max() < 0.05 and (np.abs(values - np.rint(values)) <= allowed).all())


def unbounded(loss: float, data: Array) -> bool:
    """Whether a loss at λ = 0 is lower by orders of magnitude than that of a Gaussian with the data's covariance.

    The Gaussian's loss is −½ tr Σ⁻¹. Narrow modes reach a lower loss, but not one a thousand times as low.
    """
    covariance = np.atleast_2d(np.cov(data.astype(np.float64), rowvar=False))
    try:
        reached = 0.5 * float(np.trace(np.linalg.inv(covariance)))
    except np.linalg.LinAlgError:
        return False
    return loss < -1e3 * max(reached, 1e-300)
