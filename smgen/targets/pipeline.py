"""The passes of a target: `algebra` changes what is computed, `form` changes how.

Equations are printed between the two, when operations are final and still whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from smgen.equations.printer import equations
from smgen.ir import Schedule
from smgen.passes import Pass, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """`algebra` makes passes for a batch size; the passes `form` follow: machine functions, loops and tiles."""

    algebra: Callable[[int], tuple[Pass, ...]]
    form: tuple[Pass, ...]

    def passes(self, batch_size: int) -> tuple[Pass, ...]:
        """All passes, in order."""
        return (*self.algebra(batch_size), *self.form)

    def rewritten(self, schedule: Schedule, batch_size: int) -> Schedule:
        """The schedule after the algebraic passes. The result is cached: several dtypes and the cost model need it."""
        return _rewritten(_Itself(schedule), self, batch_size)

    def lowered(self, schedule: Schedule, batch_size: int) -> Schedule:
        """The schedule after all passes. The result is cached."""
        return _lowered(_Itself(self.rewritten(schedule, batch_size)), self)

    def forms(self, schedules: Iterable[Schedule], batch_size: int) -> tuple[list[Schedule], list[Mapping[str, str]]]:
        """The schedules after all passes, and the equations of each."""
        known = list(schedules)
        lowered = [self.lowered(schedule, batch_size) for schedule in known]
        return lowered, [equations(self.rewritten(schedule, batch_size)) for schedule in known]


class _Itself:
    """A schedule compared by identity, as a key of caches: comparing two by value would take longer than the passes."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def __hash__(self) -> int:
        return id(self.schedule)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.schedule is self.schedule


@lru_cache(maxsize=256)
def _rewritten(schedule: _Itself, pipeline: Pipeline, batch_size: int) -> Schedule:
    return run(schedule.schedule, pipeline.algebra(batch_size))


@lru_cache(maxsize=256)
def _lowered(schedule: _Itself, pipeline: Pipeline) -> Schedule:
    return run(schedule.schedule, pipeline.form)
