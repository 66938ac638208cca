"""Linear layers on arrays as sums: what is arranged by NumPy, what acts along axes, and matrices on the last axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .sums import Source, Sum, Term
from .windows import Numbers, each, read

Rows: TypeAlias = list[list[tuple[int, float]]]
"""For each place of the result on an axis, the places that it reads, with factors."""


def arranged(name: str, table: npt.NDArray[Any]) -> Sum:
    """Each unit is a copy of another one: an array of terms, arranged by NumPy."""
    return Sum(name, table.shape, tuple((term,) for term in table.ravel()))


def totals(
    name: str, source: Source, *, axis: Numbers | None = None, keepdims: bool = False, mean: bool = False
) -> Sum:
    """np.sum or np.mean over axes; where no axis is left, there is one of one unit."""
    axes = tuple(range(len(source.shape))) if axis is None else each(axis, 1)
    gone = {a % len(source.shape) for a in axes}
    kept = tuple(1 if a in gone else n for a, n in enumerate(source.shape))
    terms: dict[tuple[int, ...], list[Term]] = {place: [] for place in np.ndindex(*kept)}
    factor = 1 / math.prod(source.shape[a] for a in gone) if mean else 1.0
    for place in np.ndindex(*source.shape):
        target = tuple(0 if a in gone else p for a, p in enumerate(place))
        terms[target].append(Term(source.name, source.unit(*place), factor))
    shape = kept if keepdims else tuple(n for a, n in enumerate(kept) if a not in gone) or (1,)
    return Sum(name, shape, tuple(tuple(unit) for unit in terms.values()))


def pooled(
    name: str,
    source: Source,
    *,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    mean: bool = True,
) -> Sum:
    """Means of windows, as torch.nn.AvgPool2d where zeros of the padding count, or sums."""
    sizes = source.shape[1:]
    kernel, strides, around = (
        each(value, len(sizes)) for value in (kernel_size, kernel_size if stride is None else stride, padding)
    )
    axes = list[Rows]()
    for n, k, s, p in zip(sizes, kernel, strides, around, strict=True):
        count = (n + 2 * p - k) // s + 1
        factor = 1 / k if mean else 1.0
        axes.append([[(at, factor) for at in range(q * s - p, q * s - p + k) if 0 <= at < n] for q in range(count)])
    return _along(name, source, [_same(source.shape[0]), *axes])


def upsampled(name: str, source: Source, *, scale_factor: Numbers, mode: str = "nearest") -> Sum:
    """torch.nn.Upsample; "linear" has the source index max((q + ½) / factor − ½, 0) of align_corners=False."""
    sizes, axes = source.shape[1:], list[Rows]()
    for n, factor in zip(sizes, each(scale_factor, len(source.shape) - 1), strict=True):
        rows: Rows = []
        for q in range(n * factor):
            at = max((q + 0.5) / factor - 0.5, 0.0) if mode == "linear" else q // factor
            low = math.floor(at)
            rows.append([(low, 1 - (at - low)), (min(low + 1, n - 1), at - low)])
        axes.append(rows)
    return _along(name, source, [_same(source.shape[0]), *axes])


def padded(name: str, source: Source, *, pad: Sequence[int], mode: str = "zeros") -> Sum:
    """torch.nn.functional.pad: (before, after) of the last axis, then of others; negative numbers cut off.

    As in torch, circular padding goes round what is left after cutting; reflection is at the ends before it.
    """
    axes: list[Rows] = [_same(n) for n in source.shape]
    for position in range(len(pad) // 2):
        before, after = pad[2 * position : 2 * position + 2]
        n = source.shape[-1 - position]
        first, last = (max(-before, 0), n - max(-after, 0)) if mode == "circular" else (0, n)
        places = [read(at - first, last - first, mode) for at in range(-before, n + after)]
        axes[-1 - position] = [[] if at is None else [(at + first, 1.0)] for at in places]
    return _along(name, source, axes)


def linear(name: str, source: Source, units: int, weight: str, bias: str | None) -> Sum:
    """g_pk = Σ_j w_kj f_pj + b_k in every place p of the other axes."""
    *places, width = source.shape
    terms = [
        tuple(Term(source.name, source.unit(*p, j), key=weight, entry=k * width + j) for j in range(width))
        for *p, k in np.ndindex(*places, units)
    ]
    entries = tuple(k for *_, k in np.ndindex(*places, units)) if bias is not None else ()
    return Sum(name, (*places, units), tuple(terms), bias, entries)


def _same(size: int) -> Rows:
    return [[(place, 1.0)] for place in range(size)]


def _along(name: str, source: Source, axes: Sequence[Rows]) -> Sum:
    """A matrix on each axis: the factors of a unit's places are multiplied."""
    terms = list[tuple[Term, ...]]()
    for rows in product(*axes):
        entries = product(*rows)
        terms.append(tuple(
            Term(source.name, source.unit(*(place for place, _ in entry)), math.prod(factor for _, factor in entry))
            for entry in entries
        ))  # fmt: skip
    return Sum(name, tuple(len(rows) for rows in axes), tuple(terms))
