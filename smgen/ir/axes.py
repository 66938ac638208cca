"""What operations do along one axis: windows that slide over it, and constant matrices that act on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

Padding: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
"""What is read outside an axis, as torch names it; `reflect` does not repeat the border."""

PADDINGS: Final[tuple[Padding, ...]] = get_args(Padding)

Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliding:
    """Windows that slide along an axis: window q reads place q · stride + t · dilation − before through its tap t."""

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    padding: Padding = "zeros"

    @property
    def span(self) -> int:
        """The places from the first tap of a window to its last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def count(self) -> int:
        """The number of windows; 0 or less if none fits."""
        return (self.size + self.before + self.after - self.span) // self.stride + 1

    @property
    def halo(self) -> Indices:
        """The places of the padded axis, (before + size + after,); −1 for a zero outside."""
        at = np.arange(-self.before, self.size + self.after)
        if self.padding == "circular":
            return at % self.size
        if self.padding == "replicate":
            return at.clip(0, self.size - 1)
        if self.padding == "reflect":
            period = max(2 * (self.size - 1), 1)
            return np.minimum(at % period, period - at % period)
        return np.where((at >= 0) & (at < self.size), at, -1)

    @property
    def table(self) -> Indices:
        """The place that each window reads through each tap, (windows, taps); −1 for none."""
        at = np.arange(self.count)[:, np.newaxis] * self.stride + np.arange(self.kernel) * self.dilation
        table: Indices = self.halo[at]
        return table

    @property
    def padded(self) -> Sliding:
        """The same windows over the padded axis, outside of which none of them reads."""
        size = self.size + self.before + self.after
        return replace(self, size=size, before=0, after=0, padding="zeros")

    @property
    def is_plain(self) -> bool:
        """Whether window q is place q, as in a convolution of 1 × 1."""
        return (self.kernel, self.stride, self.before, self.after) == (1, 1, 0, 0)

    @property
    def support(self) -> npt.NDArray[np.int8]:
        """Whether a window reads a place, (windows, places)."""
        return self.matrix().support

    def matrix(self, taps: Sequence[Fraction | int] | None = None) -> Along:
        """The map that sums what a window reads, with a factor for each tap."""
        factors = [Fraction(1)] * self.kernel if taps is None else [Fraction(tap) for tap in taps]
        entries = [[(int(p), f) for p, f in zip(row, factors, strict=True) if p >= 0] for row in self.table]
        return Along.of(self.size, entries)


def padding_of(axes: Sequence[Sliding]) -> Padding:
    """What windows over an image read outside: the same on all axes where there is an outside."""
    return next((axis.padding for axis in axes if axis.padding != "zeros"), "zeros")


Entry: TypeAlias = tuple[int, Fraction]
"""A column of a matrix, and the factor there."""


@dataclass(frozen=True)
class Along:
    """A constant matrix that acts on one axis: for each row its columns, in order, each with a factor that is not 0."""

    columns: int
    rows: tuple[tuple[Entry, ...], ...]

    @classmethod
    def of(cls, columns: int, rows: Sequence[Sequence[tuple[int, Fraction | int]]]) -> Along:
        """The matrix with these entries. Those at one place are added."""
        return cls(columns, tuple(tuple(sorted(_added(row).items())) for row in rows))

    @classmethod
    def picked(cls, columns: int, places: Sequence[int]) -> Along:
        """The matrix that picks these places; −1 is a zero."""
        return cls.of(columns, [[(int(p), 1)] if p >= 0 else [] for p in places])

    @classmethod
    def total(cls, columns: int) -> Along:
        """The sum over the axis."""
        return cls.of(columns, [[(p, 1) for p in range(columns)]])

    @cached_property
    def _hash(self) -> int:
        return hash((self.columns, self.rows))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def transposed(self) -> Along:
        """The matrix with rows and columns exchanged."""
        rows: list[list[Entry]] = [[] for _ in range(self.columns)]
        for q, row in enumerate(self.rows):
            for p, factor in row:
                rows[p].append((q, factor))
        return Along.of(len(self.rows), rows)

    @cached_property
    def squared(self) -> Along:
        """The matrix of squares, entry by entry."""
        return Along(self.columns, tuple(tuple((p, factor**2) for p, factor in row) for row in self.rows))

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.columns == len(self.rows) and self.picks == tuple(range(self.columns))

    @property
    def picks(self) -> tuple[int, ...] | None:
        """The place that each row picks; None if a row is anything else."""
        if all(len(row) == 1 and row[0][1] == 1 for row in self.rows):
            return tuple(row[0][0] for row in self.rows)
        return None

    @property
    def is_total(self) -> bool:
        """Whether it sums over the axis."""
        return len(self.rows) == 1 and self.rows[0] == tuple((p, Fraction(1)) for p in range(self.columns))

    @property
    def entries(self) -> int:
        """How many numbers are not 0."""
        return sum(map(len, self.rows))

    @property
    def support(self) -> npt.NDArray[np.int8]:
        """Whether an entry is not 0, (rows, columns)."""
        support: npt.NDArray[np.int8] = (self.array != 0).astype(np.int8)
        return support

    @property
    def array(self) -> npt.NDArray[np.float64]:
        """All entries, (rows, columns)."""
        array = np.zeros((len(self.rows), self.columns))
        for q, row in enumerate(self.rows):
            for p, factor in row:
                array[q, p] = float(factor)
        return array


def _added(row: Sequence[tuple[int, Fraction | int]]) -> Mapping[int, Fraction]:
    sums: dict[int, Fraction] = {}
    for place, factor in row:
        sums[place] = sums.get(place, Fraction(0)) + factor
    return {place: factor for place, factor in sums.items() if factor}
