"""Samples to learn from, and samples held out: which rows are which, and a look at some before anything is learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.data.batches import BLOCK, RESIDENT, Batch, Batches, Reader, Resident, Streamed, read_finite, some_rows
from smgen.data.sources import Source
from smgen.errors import BuildError

Array = npt.NDArray[Any]

LOOKED_AT: Final = 100_000
"""The most samples from which the transform is computed: of more, those of random blocks."""

LOOKED_AT_BYTES: Final = 32 << 20
"""The most bytes of them, beyond a thousand samples."""

HELD_OUT: Final = 10_000
"""The most samples that are held out, unless the user gives a share."""


@dataclass(frozen=True, slots=True)
class Split:
    """The batches to learn from, and the samples held out, in the network's coordinates."""

    training: Batches
    held_out: Batch | None


def look(source: Source, most: int = LOOKED_AT, seed: int = 0) -> Array:
    """Up to `most` samples of a source, (N, M): all of them, or random blocks. Raises `BuildError` if not finite."""
    width = max(1, prod(source.shape)) * source.dtype.itemsize
    blocks = list(_some_blocks(source, max(1000, min(most, LOOKED_AT_BYTES // width)), seed))
    sample = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return sample.reshape(len(sample), -1)


def _some_blocks(source: Source, most: int, seed: int) -> Iterator[Array]:
    if source.rows <= most:
        yield read_finite(source, 0, source.rows)
        return
    size = max(1, most // 100)
    starts = np.random.default_rng(seed).choice(source.rows // size, most // size, replace=False)
    for start in np.sort(starts) * size:
        yield read_finite(source, int(start), int(start) + size)


def held_out_of(rows: int, share: float | None) -> int:
    """The number of samples to hold out: a tenth but at most `HELD_OUT`, or the share that the user gives."""
    return min(rows // 10, HELD_OUT) if share is None else round(share * rows)


def split(reader: Reader, batch_size: int, share: float | None, seed: int, part: tuple[int, int] = (0, 1)) -> Split:
    """Split the samples at random; `share` of them are held out, by default a tenth but at most `HELD_OUT`.

    `part` = (rank, ranks) leaves one process its own share of the training samples: every rank-th row or block. All
    hold out the same. Raises `BuildError` if too few samples are left for a batch.
    """
    wanted = held_out_of(reader.rows, share)
    rng = np.random.default_rng([seed, 0xD0])
    rank, ranks = part
    own = seed + (rank << 32)  # of the order and the noise
    if reader.rows * reader.row_bytes <= RESIDENT:
        order = rng.permutation(reader.rows)
        chosen = np.sort(order[wanted:])[rank::ranks]
        _enough(len(chosen), batch_size, reader.rows, wanted)
        raw = reader.raw(0, reader.rows)
        noisy = bool(reader.transform.levels)
        held_out = _picked(reader, raw, np.sort(order[:wanted]), seed) if wanted else None
        samples = raw if noisy else reader.rows_of(raw, None)
        training: Batches = Resident(
            reader=reader, samples=samples, chosen=chosen, batch_size=batch_size, seed=own, is_noisy=noisy
        )
        return Split(training, held_out)
    rows = max(1, BLOCK // reader.row_bytes)
    order = rng.permutation(-(-reader.rows // rows))
    few = -(-wanted // rows)
    left = [min((int(n) + 1) * rows, reader.rows) - int(n) * rows for n in order[few:][rank::ranks]]
    _enough(sum(left), batch_size, reader.rows, min(few * rows, reader.rows))
    held = [reader.raw(int(n) * rows, min((int(n) + 1) * rows, reader.rows)) for n in np.sort(order[:few])]
    held_out = None
    if held:
        names = held[0].conditions
        joined = Batch(
            np.concatenate([b.x for b in held]), {n: np.concatenate([b.conditions[n] for b in held]) for n in names}
        )
        held_out = _picked(reader, joined, np.arange(min(wanted, len(joined.x))), seed)
    blocks = np.sort(order[few:])[rank::ranks]
    return Split(Streamed(reader=reader, blocks=blocks, block_rows=rows, batch_size=batch_size, seed=own), held_out)


def _picked(reader: Reader, raw: Batch, rows: Array, seed: int) -> Batch:
    """Some samples in the network's coordinates."""
    return reader.rows_of(some_rows(raw, rows), np.random.default_rng([seed, 0xD1]))


def _enough(left: int, batch_size: int, rows: int, held_out: int) -> None:
    if left < batch_size:
        raise BuildError(
            what=f"{left} of {rows} samples to learn from, {held_out} held out: fewer than a batch of {batch_size}",
            hint="--batch-size with fewer, or --held-out 0",
        )
