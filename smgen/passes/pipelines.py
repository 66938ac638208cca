"""Which passes each target takes, in order: what backends run, what costs are counted on, what tests check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from smgen.ir import Schedule
from smgen.passes import Pass, run
from smgen.passes.accumulate import accumulate
from smgen.passes.aliases import aliases
from smgen.passes.collapse import collapse
from smgen.passes.common import common
from smgen.passes.contiguous import contiguous
from smgen.passes.elementary import elementary
from smgen.passes.fuse import fuse, fuse_with_tangent_sums
from smgen.passes.prune import prune
from smgen.passes.recompute import recompute
from smgen.passes.share import share
from smgen.passes.stabilise import stabilise
from smgen.passes.thin import thin
from smgen.passes.tile import tile

Pipeline: TypeAlias = Callable[[int], tuple[Pass, ...]]
"""The passes for batches of about so many samples."""


def numpy(batch_size: int) -> tuple[Pass, ...]:
    """Algebra, then single machine operations on tiles of rows."""
    return (prune, collapse(batch_size), common, prune, thin, stabilise, tile, elementary)


def c(batch_size: int) -> tuple[Pass, ...]:
    """Algebra, then loops over tiles of rows, and products that add to what is there."""
    algebra = (prune, collapse(batch_size), aliases, common, prune, thin, accumulate)
    return (*algebra, recompute, prune, tile, fuse_with_tangent_sums, share)


def cuda(batch_size: int) -> tuple[Pass, ...]:
    """Loops that become kernels, over the whole batch; nothing depends on its size."""
    return (prune, aliases, fuse, share, contiguous)


PIPELINES: Final[Mapping[str, Pipeline]] = {"numpy": numpy, "c": c, "cuda": cuda}
"""By backend."""


class _Itself:
    """A schedule that equals itself alone, which is found out at once."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def __hash__(self) -> int:
        return id(self.schedule)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.schedule is self.schedule


def lowered(schedule: Schedule, backend: str, batch_size: int) -> Schedule:
    """What a backend's passes make of a schedule, known after the first time: dtypes and costs ask for the same."""
    return _lowered(_Itself(schedule), backend, batch_size)


@lru_cache(maxsize=256)
def _lowered(schedule: _Itself, backend: str, batch_size: int) -> Schedule:
    return run(schedule.schedule, PIPELINES[backend](batch_size))
