"""Sparse arrays of counts. A table of paths is a sum of products of such arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Indices: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int8]

SEVERAL: Final = 2
LIMIT: Final = 1 << 22
"""The most entries that an array may get."""


class TooLargeError(Exception):
    """An array would get more than `LIMIT` entries."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """An array of 0, 1, and 2 for several. `places` are the flat indices of what is not 0, in ascending order.

    Its axes have numbers, in ascending order; the last one varies fastest.
    """

    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    places: Indices
    counts: Numbers

    @classmethod
    def ones(cls, axes: tuple[int, ...], sizes: tuple[int, ...], places: Indices) -> Counts:
        """The array that is 1 at these places. It holds no memory for the ones."""
        return cls(axes, sizes, places, np.broadcast_to(np.int8(1), places.shape))

    @property
    def lengths(self) -> dict[int, int]:
        """The length of each axis."""
        return dict(zip(self.axes, self.sizes, strict=True))

    @property
    def entries(self) -> int:
        """How many counts are not 0."""
        return len(self.places)

    @property
    def has_several(self) -> bool:
        """Whether a count is 2."""
        return bool((self.counts == SEVERAL).any())

    @property
    def has_single(self) -> bool:
        """Whether a count is 1."""
        return bool((self.counts == 1).any())

    def equals(self, other: Counts) -> bool:
        """Whether both are the same array over the same axes."""
        if self is other:
            return True
        same = self.axes == other.axes and self.sizes == other.sizes
        return same and np.array_equal(self.places, other.places) and np.array_equal(self.counts, other.counts)

    def flags(self) -> Counts:
        """The array with every 2 replaced by 1."""
        return Counts.ones(self.axes, self.sizes, self.places)

    def only(self, count: int) -> Counts:
        """The entries with this count alone."""
        chosen = self.counts == count
        return Counts(self.axes, self.sizes, self.places[chosen], self.counts[chosen])

    def times(self, factor: int) -> Counts:
        """The multiple of the array."""
        return self if factor == 1 else Counts(self.axes, self.sizes, self.places, _capped(self.counts * factor))

    def plus(self, other: Counts) -> Counts:
        """The sum of two arrays over the same axes."""
        places = np.concatenate([self.places, other.places])
        return Counts(self.axes, self.sizes, *_added(places, np.concatenate([self.counts, other.counts])))

    def coordinates(self) -> dict[int, Indices]:
        """The index of each entry along each axis."""
        indices, rest = dict[int, Indices](), self.places
        for axis, size in zip(reversed(self.axes), reversed(self.sizes), strict=True):
            rest, indices[axis] = np.divmod(rest, size)
        return indices

    def summed(self, over: Collection[int]) -> Counts:
        """The sum over some of its axes."""
        if not set(over) & set(self.axes):
            return self
        lengths = {axis: n for axis, n in self.lengths.items() if axis not in over}
        places = _flat(self.coordinates(), lengths, self.entries)
        return Counts(tuple(lengths), tuple(lengths.values()), *_added(places, self.counts))

    def matrix(self, rows: Collection[int], column: int) -> npt.NDArray[np.float32]:
        """Where it is not 0 after the sum over all axes but these: `rows` in one, and `column`."""
        part = self.summed([axis for axis in self.axes if axis not in rows and axis != column])
        at, lengths = part.coordinates(), part.lengths
        size = {axis: n for axis, n in lengths.items() if axis != column}
        matrix = np.zeros((prod(size.values()), lengths[column]), np.float32)
        matrix[_flat(at, size, part.entries), at[column]] = 1
        return matrix

    def product(self, other: Counts) -> Counts:
        """The product, entry by entry, over the axes of both. Raises `TooLargeError` if it has too many entries."""
        shared = {axis: n for axis, n in self.lengths.items() if axis in other.axes}
        mine, theirs = self.coordinates(), other.coordinates()
        keys, their_keys = _flat(mine, shared, self.entries), _flat(theirs, shared, other.entries)
        order = np.argsort(their_keys, kind="stable")
        first, last = (np.searchsorted(their_keys[order], keys, side) for side in ("left", "right"))
        partners = last - first
        total = int(partners.sum())
        if total > LIMIT:
            raise TooLargeError
        left = np.repeat(np.arange(self.entries), partners)
        right = order[np.arange(total) + np.repeat(first - np.cumsum(partners) + partners, partners)]
        lengths = dict(sorted((self.lengths | other.lengths).items()))
        indices = {axis: index[right] for axis, index in theirs.items()}
        indices |= {axis: index[left] for axis, index in mine.items()}
        counts = self.counts[left] * other.counts[right]
        places = _flat(indices, lengths, total)
        return Counts(tuple(lengths), tuple(lengths.values()), *_added(places, counts))

    def renumbered(self, number: Mapping[int, int]) -> Counts:
        """The array with other numbers for some axes. Their order stays the same."""
        return Counts(tuple(number.get(axis, axis) for axis in self.axes), self.sizes, self.places, self.counts)

    def reordered(self, number: Mapping[int, int]) -> Counts:
        """The array with other numbers for some axes, in any order."""
        indices = {number.get(axis, axis): index for axis, index in self.coordinates().items()}
        lengths = dict(sorted((number.get(axis, axis), n) for axis, n in self.lengths.items()))
        places = _flat(indices, lengths, self.entries)
        return Counts(tuple(lengths), tuple(lengths.values()), *_added(places, self.counts))

    def split(self, axis: int, sizes: tuple[int, ...]) -> Counts:
        """The array with several axes, numbered from `axis` on, in place of one."""
        at = self.axes.index(axis)
        numbers = tuple(range(axis, axis + len(sizes)))
        axes = (*self.axes[:at], *numbers, *self.axes[at + 1 :])
        return Counts(axes, (*self.sizes[:at], *sizes, *self.sizes[at + 1 :]), self.places, self.counts)


def spread(number: int, size: int) -> Counts:
    """One axis, 1 everywhere."""
    return Counts.ones((number,), (size,), np.arange(size))


def expanded(factors: Collection[Counts]) -> Counts:
    """The product of arrays, entry by entry. Raises `TooLargeError` if it has too many entries."""
    if prod(factor.entries for factor in factors) > LIMIT:
        raise TooLargeError
    result = Counts.ones((), (), np.zeros(1, np.int64))
    for factor in factors:
        result = result.product(factor)
    return result


def overlap(factors: Collection[Counts]) -> bool:
    """Whether the product of arrays is not 0 somewhere. It says so too where finding out would take too much memory."""
    waiting = list(factors)
    while waiting:
        current = waiting.pop(0)
        try:
            while (mate := _mate(current, waiting)) is not None:
                waiting = [factor for factor in waiting if factor is not mate]
                left = {axis for factor in waiting for axis in factor.axes}
                current = current.product(mate)
                current = current.summed([axis for axis in current.axes if axis not in left])
        except TooLargeError:
            return True
        if not current.entries:
            return False
    return True


def _mate(current: Counts, waiting: Collection[Counts]) -> Counts | None:
    """The array to multiply with next: one that adds no axis, if there is one, and the smallest of those."""
    mates = [factor for factor in waiting if set(factor.axes) & set(current.axes)]
    return min(mates, key=lambda mate: (not set(mate.axes) <= set(current.axes), mate.entries), default=None)


def _flat(indices: Mapping[int, Indices], lengths: Mapping[int, int], entries: int) -> Indices:
    """The flat index of entries over these axes."""
    flat = np.zeros(entries, np.int64)
    for axis, size in lengths.items():
        flat = flat * size + indices[axis]
    return flat


def _added(places: Indices, counts: Numbers) -> tuple[Indices, Numbers]:
    """The places in ascending order, and the counts; those at one place are added."""
    if len(places) < 2 or (places[1:] > places[:-1]).all():
        return places, _capped(counts)
    order = np.argsort(places, kind="stable")
    places, counts = places[order], counts[order]
    first = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]]))
    return places[first], _capped(np.add.reduceat(counts, first, dtype=np.int64))


def _capped(counts: npt.NDArray[np.int8] | Indices) -> Numbers:
    capped: Numbers = np.minimum(counts, SEVERAL).astype(np.int8)
    return capped
