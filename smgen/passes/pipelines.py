"""Which passes each target takes, in order: what backends run, what costs are counted on, what tests check.

Algebra changes what is computed; equations are printed when it is done (`printers.equations`). What follows changes how
it is computed: in which functions, loops and tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from smgen.ir import Schedule
from smgen.passes import Pass, run
from smgen.passes.accumulate import accumulate
from smgen.passes.aliases import aliases
from smgen.passes.copy_slices import copy_slices
from smgen.passes.elementary import elementary
from smgen.passes.fuse import fuse, fuse_with_tangent_sums
from smgen.passes.prune import prune
from smgen.passes.recompute import recompute
from smgen.passes.reuse_operations import reuse_operations
from smgen.passes.reuse_subexpressions import reuse_subexpressions
from smgen.passes.scale_by_single_unit import scale_by_single_unit
from smgen.passes.skip_input_products import skip_input_products
from smgen.passes.stabilise import stabilise
from smgen.passes.tile import tile

Pipeline: TypeAlias = Callable[[int], tuple[Pass, ...]]
"""The passes for batches of about so many samples."""


def numpy(batch_size: int) -> tuple[Pass, ...]:
    """Algebra, then single machine operations on tiles of rows."""
    return (*ALGEBRA["numpy"](batch_size), *FORMS["numpy"])


def c(batch_size: int) -> tuple[Pass, ...]:
    """Algebra, then loops over tiles of rows, and products that add to what is there."""
    return (*ALGEBRA["c"](batch_size), *FORMS["c"])


def cuda(batch_size: int) -> tuple[Pass, ...]:
    """Loops that become kernels, over the whole batch; nothing depends on its size."""
    return (*ALGEBRA["cuda"](batch_size), *FORMS["cuda"])


ALGEBRA: Final[Mapping[str, Pipeline]] = {
    "numpy": lambda size: (prune, skip_input_products(size), reuse_operations, prune, scale_by_single_unit),
    "c": lambda size: (
        prune,
        skip_input_products(size),
        aliases,
        reuse_operations,
        prune,
        scale_by_single_unit,
        accumulate,
    ),
    "cuda": lambda size: (prune, aliases),
}
FORMS: Final[Mapping[str, tuple[Pass, ...]]] = {
    "numpy": (stabilise, tile, elementary),
    "c": (recompute, prune, tile, fuse_with_tangent_sums, reuse_subexpressions),
    "cuda": (fuse, reuse_subexpressions, copy_slices),
}
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


def algebra(schedule: Schedule, backend: str, batch_size: int) -> Schedule:
    """What a backend's algebra makes of a schedule, known after the first time: dtypes and costs ask for the same."""
    return _algebra(_Itself(schedule), backend, batch_size)


@lru_cache(maxsize=256)
def _algebra(schedule: _Itself, backend: str, batch_size: int) -> Schedule:
    return run(schedule.schedule, ALGEBRA[backend](batch_size))


def lowered(schedule: Schedule, backend: str, batch_size: int) -> Schedule:
    """What all passes of a backend make of a schedule, known after the first time."""
    return _lowered(_Itself(algebra(schedule, backend, batch_size)), backend)


@lru_cache(maxsize=256)
def _lowered(schedule: _Itself, backend: str) -> Schedule:
    return run(schedule.schedule, FORMS[backend])
