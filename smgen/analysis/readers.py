"""Which operations of a schedule read a buffer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from smgen.ir import Op, Schedule


def readers_of(schedule: Schedule) -> Mapping[str, Sequence[Op]]:
    """The operations that read each buffer, in order, by the buffer's name; none for a name that nothing reads."""
    readers: dict[str, list[Op]] = defaultdict(list)
    for op in schedule.ops:
        for b in op.reads:
            readers[b.name].append(op)
    return readers
