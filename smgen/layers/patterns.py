"""How many paths lead from the inputs to the units of a layer, without the matrix of all pairs.

The table of a layer has a row for each unit and a column for each input x_d; its entries are 0, 1, or 2 for several
paths. The table is stored as a stack of blocks. A block is one row that all its units share, plus shifted diagonals.
Sums and concatenations of such tables are such tables too, and each takes time and memory of the order of D.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int8]

SEVERAL: Final = np.int8(2)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Units with a common row, (D,), and diagonals: shift → counts, (units,), of paths from x_(j + shift) to unit j."""

    units: int
    row: Counts
    diagonals: dict[int, Counts] = field(default_factory=dict)

    def part(self, start: int, stop: int) -> Block:
        """The units from start to stop."""
        cut = {shift + start: counts[start:stop] for shift, counts in self.diagonals.items()}
        return Block(stop - start, self.row, cut)

    def plus(self, other: Block) -> Block:
        """The sum of two blocks with the same number of units."""
        diagonals = dict(self.diagonals)
        for shift, counts in other.diagonals.items():
            diagonals[shift] = _sum(diagonals[shift], counts) if shift in diagonals else counts
        return Block(self.units, _sum(self.row, other.row), diagonals)

    def seen(self) -> Block:
        """The block with every entry 2 replaced by 1."""
        row = np.minimum(self.row, np.int8(1))
        apart = {
            shift: np.where(row[shift : shift + self.units] > 0, np.int8(0), np.minimum(counts, np.int8(1)))
            for shift, counts in self.diagonals.items()
        }
        return Block(self.units, row, apart)

    def on_diagonals(self) -> Iterator[Counts]:
        """The entries on each of the diagonals."""
        for shift, counts in self.diagonals.items():
            yield _sum(counts, self.row[shift : shift + self.units])

    def has_several(self) -> bool:
        """Whether an entry is 2."""
        return bool((self.row == 2).any()) or any((counts == 2).any() for counts in self.on_diagonals())

    def has_single(self) -> bool:
        """Whether an entry is 1."""
        if any((counts == 1).any() for counts in self.on_diagonals()):
            return True
        ones = self.row == 1
        if self.units > len(self.diagonals) or not ones.any():
            return bool(ones.any())  # with more units than diagonals, every column has an entry that is on no diagonal
        covered = np.zeros(len(self.row), np.int64)
        for shift, counts in self.diagonals.items():
            covered[shift : shift + self.units] += counts > 0
        return bool((ones & (covered < self.units)).any())

    def column_sums(self) -> npt.NDArray[np.int64]:
        """The sum over the units, (D,)."""
        total = self.row.astype(np.int64) * self.units
        for shift, counts in self.diagonals.items():
            total[shift : shift + self.units] += counts
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The table of a layer, as blocks of units."""

    blocks: tuple[Block, ...]

    @classmethod
    def identity(cls, dim: int) -> Paths:
        """The table of the input: one path from each x_d to itself."""
        return cls((Block(dim, _constant(0, dim), {0: _constant(1, dim)}),))

    @classmethod
    def sum(cls, tables: Sequence[Paths]) -> Paths:
        """The sum of the tables, entry by entry."""
        first, *others = tables
        for other in others:
            first = cls(tuple(a.plus(b) for a, b in zip(*_aligned(first, other), strict=True)))
        return first

    @classmethod
    def stack(cls, tables: Sequence[Paths]) -> Paths:
        """The tables one below the other."""
        return cls(tuple(block for table in tables for block in table.blocks))

    def mixed(self, units: int) -> Paths:
        """The table of a layer whose every unit depends on all units of this one."""
        total = np.minimum(sum(block.column_sums() for block in self.blocks), 2).astype(np.int8)
        constant = total.min() == total.max()
        return Paths((Block(units, _constant(int(total[0]), len(total)) if constant else total),))

    def seen(self) -> Paths:
        """Whether a path leads from each input to each unit: 0 or 1."""
        return Paths(tuple(block.seen() for block in self.blocks))

    def has_several(self) -> bool:
        """Whether two paths lead from one input to one unit."""
        return any(block.has_several() for block in self.blocks)

    def has_single(self) -> bool:
        """Whether exactly one path leads from some input to some unit."""
        return any(block.has_single() for block in self.blocks)


def _constant(value: int, size: int) -> Counts:
    """A constant array that takes no memory, whatever its size."""
    return np.broadcast_to(np.int8(value), (size,))


def _sum(a: Counts, b: Counts) -> Counts:
    counts: Counts = np.minimum(a + b, SEVERAL)
    return counts


def _aligned(a: Paths, b: Paths) -> tuple[list[Block], list[Block]]:
    """Both tables, cut into blocks of the same units."""
    ends = sorted({*_ends(a), *_ends(b)})
    return list(_cut(a, ends)), list(_cut(b, ends))


def _ends(table: Paths) -> list[int]:
    return [int(end) for end in np.cumsum([block.units for block in table.blocks])]


def _cut(table: Paths, ends: list[int]) -> Iterator[Block]:
    start = 0
    for block, last in zip(table.blocks, _ends(table), strict=True):
        begin = last - block.units
        for end in ends:
            if begin < end <= last:
                yield block.part(start - begin, end - begin)
                start = end
