"""Minibatches in a random order, from memory or straight from disk.

Data that fit in `RESIDENT` bytes are read once and their rows shuffled. Others stay where they are: the rows are cut
into blocks, each epoch takes the blocks in a random order, some `POOL` bytes of them at a time, and shuffles the rows
of those; the next pool is read while the present one is used. The order depends on the seed and the epoch alone, so
that a run can go on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from smgen.data.sources import Source
from smgen.data.transform import Transform
from smgen.errors import BuildError

Array = npt.NDArray[Any]

RESIDENT: Final = 48 << 20
POOL: Final = 24 << 20
SHUFFLED: Final = 8
BLOCK: Final = 1 << 20
"""Bytes of a block: enough for a disk to read at full speed, and few enough for a pool of many."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples in the network's coordinates, (N, D), and their conditions by name, each (N, …)."""

    x: Array
    conditions: dict[str, Array]


class Batches(Protocol):
    """The training samples: `rows` of them; the last incomplete batch of an epoch is left out."""

    @property
    def rows(self) -> int:
        """The number of samples."""
        ...

    def in_epoch(self, number: int) -> int:
        """The number of batches in an epoch."""
        ...

    def epoch(self, number: int, skipped: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, without the first `skipped`. A batch is valid until the next is asked for."""
        ...

    def whole(self) -> Iterator[Batch]:
        """All samples once, in the order of the file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads samples, "x" of the sources, and their conditions, the others, in the network's coordinates."""

    sources: Mapping[str, Source]
    transform: Transform
    dtype: Any

    @property
    def rows(self) -> int:
        """The number of samples."""
        return self.sources["x"].rows

    @property
    def row_bytes(self) -> int:
        """The bytes of a sample, in the file or as the network takes it, whichever is more, and of its conditions."""
        size = np.dtype(self.dtype).itemsize
        stored = sum(prod(s.shape) * max(s.dtype.itemsize, size) for s in self.sources.values())
        return int(max(stored, self.transform.outputs * size))

    def raw(self, start: int, stop: int) -> Batch:
        """The samples as they are, (N, M). Raises `BuildError` for a value that is not finite."""
        parts = {}
        for name, source in self.sources.items():
            parts[name] = read_finite(source, start, stop)
        x = parts.pop("x")
        return Batch(x.reshape(len(x), -1), {n: _as_given(part, self.dtype) for n, part in parts.items()})

    def rows_of(self, batch: Batch, rng: np.random.Generator | None) -> Batch:
        """The samples in the network's coordinates, with noise over the steps of their grid if there is a `rng`."""
        x, levels = batch.x, self.transform.levels
        if levels and rng is not None:
            noise = rng.random(x.shape, np.float32)
            noise -= np.float32(0.5)
            noise *= np.float32(levels)
            x = x + noise if x.dtype == np.float32 else x.astype(np.float64) + noise
        with np.errstate(over="ignore"):
            z = self.transform.forward(x, self.dtype)
        if not np.isfinite(z).all():
            raise BuildError(what=f"samples that {np.dtype(self.dtype)} cannot hold", hint="rescale the data")
        return Batch(np.ascontiguousarray(z), batch.conditions)


def read_finite(source: Source, start: int, stop: int) -> Array:
    """The rows of a source. Raises `BuildError` for a value that is not finite, with its place."""
    block = source.read(start, stop)
    if block.dtype.kind == "f" and not np.isfinite(block).all():
        row, *place = (int(axis[0]) for axis in np.nonzero(~np.isfinite(block)))
        column = f", column {', '.join(map(str, place))}" if place else ""
        what = f"row {start + row}{column} is {block[(row, *place)]}, no finite number"
        raise BuildError(origin=source.origin, what=what, hint="clean the data, or leave out such rows")
    return block


def _as_given(part: Array, dtype: Any) -> Array:
    return part if part.dtype.kind in "iu" else np.ascontiguousarray(part, dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """Batches of data in memory. `chosen` are the rows in use. With `is_noisy`, noise is new in every epoch.

    To gather random rows takes a tenth of the time of a step of a small network, so that is done once in `SHUFFLED`
    epochs. Between, an epoch takes neighbouring rows as batches, in a new order and from a new offset.
    """

    reader: Reader
    samples: Batch
    chosen: Array
    batch_size: int
    seed: int
    is_noisy: bool = False
    _shuffled: dict[int, Batch] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.chosen)

    def in_epoch(self, number: int) -> int:
        """The number of whole batches in an epoch."""
        return self.rows // self.batch_size

    def epoch(self, number: int, skipped: int = 0) -> Iterator[Batch]:
        """The batches of an epoch."""
        rng = np.random.default_rng([self.seed, number])
        samples = self._in_order(number // SHUFFLED)
        offset = int(rng.integers(self.rows % self.batch_size + 1))
        for n in rng.permutation(self.in_epoch(number))[skipped:]:
            first = offset + int(n) * self.batch_size
            batch = some_rows(samples, slice(first, first + self.batch_size))
            yield self._noisy(batch, [self.seed, number, int(n)])

    def _in_order(self, generation: int) -> Batch:
        """All samples, shuffled as for these epochs."""
        if generation not in self._shuffled:
            self._shuffled.clear()
            rng = np.random.default_rng([self.seed, generation, 0x5F])
            self._shuffled[generation] = some_rows(self.samples, self.chosen[rng.permutation(self.rows)])
        return self._shuffled[generation]

    def _noisy(self, batch: Batch, seed: list[int]) -> Batch:
        return self.reader.rows_of(batch, np.random.default_rng(seed)) if self.is_noisy else batch

    def whole(self) -> Iterator[Batch]:
        """All samples at once."""
        yield self._noisy(some_rows(self.samples, np.sort(self.chosen)), [self.seed])


def some_rows(batch: Batch, rows: Array | slice) -> Batch:
    """Some rows of a batch, by their numbers or as a slice, which is a view."""
    return Batch(batch.x[rows], {name: values[rows] for name, values in batch.conditions.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """Batches of data that stay on disk. `blocks` are the numbers of the blocks in use, of `block_rows` rows each."""

    reader: Reader
    blocks: Array
    block_rows: int
    batch_size: int
    seed: int

    @property
    def rows(self) -> int:
        """The number of samples."""
        return int(sum(stop - start for start, stop in map(self._bounds, self.blocks)))

    def in_epoch(self, number: int) -> int:
        """The number of whole batches in an epoch: those of each pool, since no batch spans two."""
        return sum(self._rows_of(pool) // self.batch_size for pool in self._pools(self._order(number)))

    def _order(self, number: int) -> Array:
        """The blocks in the order of an epoch."""
        return self.blocks[np.random.default_rng([self.seed, number]).permutation(len(self.blocks))]

    def _bounds(self, block: int) -> tuple[int, int]:
        start = int(block) * self.block_rows
        return start, min(start + self.block_rows, self.reader.rows)

    def _rows_of(self, pool: Array) -> int:
        return sum(stop - start for start, stop in map(self._bounds, pool))

    def _pools(self, order: Array) -> list[Array]:
        """Groups of blocks that are shuffled together, each of several batches."""
        rows = max(POOL // self.reader.row_bytes, 4 * self.batch_size)
        count = max(1, len(order) * self.block_rows // rows)
        return np.array_split(order, count)

    def epoch(self, number: int, skipped: int = 0) -> Iterator[Batch]:
        """The batches of an epoch. A thread reads ahead by one pool."""
        wanted = []
        for n, pool in enumerate(self._pools(self._order(number))):
            here = self._rows_of(pool) // self.batch_size
            if skipped < here:
                wanted.append((n, pool, skipped))
            skipped = max(0, skipped - here)
        with ThreadPoolExecutor(1, "smgen-data") as executor:
            ahead: Future[Batch] | None = None
            for k in range(len(wanted)):
                present = ahead or executor.submit(self._shuffled, number, *wanted[k][:2])
                samples = present.result()
                ahead = executor.submit(self._shuffled, number, *wanted[k + 1][:2]) if k + 1 < len(wanted) else None
                for first in range(
                    wanted[k][2] * self.batch_size, len(samples.x) - self.batch_size + 1, self.batch_size
                ):
                    yield some_rows(samples, slice(first, first + self.batch_size))

    def _shuffled(self, epoch: int, number: int, pool: Array) -> Batch:
        """The samples of a pool in random order, in the network's coordinates."""
        rng = np.random.default_rng([self.seed, epoch, number])
        order = rng.permutation(self._rows_of(pool))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        x = np.empty((len(order), self.reader.transform.outputs), self.reader.dtype)
        conditions: dict[str, Array] = {}
        first = 0
        for block in pool:
            part = self.reader.rows_of(self.reader.raw(*self._bounds(block)), rng)
            to = place[first : first + len(part.x)]
            x[to] = part.x
            for name, values in part.conditions.items():
                conditions.setdefault(name, np.empty((len(order), *values.shape[1:]), values.dtype))[to] = values
            first += len(part.x)
        return Batch(x, conditions)

    def whole(self) -> Iterator[Batch]:
        """All samples, block by block."""
        for block in np.sort(self.blocks):
            yield self.reader.rows_of(
                self.reader.raw(*self._bounds(block)), np.random.default_rng([self.seed, int(block)])
            )
