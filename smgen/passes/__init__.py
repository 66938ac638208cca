"""Passes: Schedule → Schedule, one a file. `run` verifies after each pass, and names one that breaks an invariant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from smgen.errors import InternalError
from smgen.ir import Schedule
from smgen.ir.verify import verify

Pass: TypeAlias = Callable[[Schedule], Schedule]


def run(schedule: Schedule, passes: Sequence[Pass]) -> Schedule:
    """Apply the passes in order. Raises `InternalError` naming the pass after which the schedule is not well formed."""
    known = verify(schedule)
    for apply in passes:
        schedule = apply(schedule)
        try:
            known = verify(schedule, known)
        except InternalError as error:
            raise InternalError(f"after pass {apply.__module__}: {error}") from error
    return schedule
