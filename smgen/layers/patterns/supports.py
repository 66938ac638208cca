"""Which entries of a matrix that acts on one axis are not 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smgen.ir.axes import Along, Indices, Sliding


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """The entries that are not 0, as flat indices into (rows, columns), in ascending order, each once."""

    rows: int
    columns: int
    places: Indices

    @classmethod
    def of(cls, rows: int, columns: int, at: Indices | Sequence[int], to: Indices | Sequence[int]) -> Support:
        """The entries (at, to), each once or more often."""
        return cls(rows, columns, np.unique(np.asarray(at, np.int64) * columns + np.asarray(to, np.int64)))

    @classmethod
    def of_windows(cls, axis: Sliding) -> Support:
        """The places that windows read. Where two taps read one place, this is one entry."""
        table = axis.table
        window, _ = (reads := np.nonzero(table >= 0))
        return cls.of(axis.count, axis.size, window, table[reads])

    @classmethod
    def of_matrix(cls, matrix: Along) -> Support:
        """The entries of a constant matrix."""
        at = [q for q, row in enumerate(matrix.rows) for _ in row]
        to = [p for row in matrix.rows for p, _ in row]
        return cls.of(len(matrix.rows), matrix.columns, at, to)

    @classmethod
    def identity(cls, size: int) -> Support:
        """Each row reads its own place."""
        return cls(size, size, np.arange(size) * (size + 1))

    @classmethod
    def blocks(cls, rows: int, columns: int, groups: int) -> Support:
        """The rows of each group read all columns of the group."""
        own, read = np.arange(rows) // (rows // groups), np.arange(columns) // (columns // groups)
        return cls.of(rows, columns, *np.nonzero(own[:, np.newaxis] == read))

    @classmethod
    def part(cls, start: int, stop: int, rows: int) -> Support:
        """The rows from start to stop read the places of a shorter axis, in order."""
        places = np.arange(stop - start)
        return cls.of(rows, stop - start, places + start, places)

    @property
    def transposed(self) -> Support:
        """Rows and columns exchanged."""
        at, to = np.divmod(self.places, self.columns)
        return Support.of(self.columns, self.rows, to, at)

    @property
    def is_full(self) -> bool:
        """Whether every row reads every place."""
        return len(self.places) == self.rows * self.columns

    @property
    def is_identity(self) -> bool:
        """Whether each row reads its own place alone."""
        return self.rows == self.columns and np.array_equal(self.places, Support.identity(self.rows).places)

    @property
    def adds(self) -> bool:
        """Whether a row reads more than one place."""
        at = self.places // self.columns
        return bool((at[1:] == at[:-1]).any())
