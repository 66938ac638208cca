"""The headings of sections of generated code: the quantities that a sweep reads and writes, by their letters."""

from __future__ import annotations

from collections.abc import Iterable

from smgen.ir import Buffer, Schedule, Sweep


def headings(schedule: Schedule) -> tuple[str, ...]:
    """`backward: reads W, f′; writes δ` for each sweep. Letters are without layers, in order of appearance."""
    return tuple(map(_heading, schedule.sweeps))


def _heading(sweep: Sweep) -> str:
    made = {out.name for op in sweep.ops for out in op.outs}
    read = _families(b for op in sweep.ops for b in op.reads if b.name not in made)
    written = _families(out for op in sweep.ops for out in op.outs)
    parts = [f"{verb} {', '.join(names)}" for verb, names in (("reads", read), ("writes", written)) if names]
    return f"{sweep.name}: {'; '.join(parts)}" if parts else sweep.name


def _families(buffers: Iterable[Buffer]) -> list[str]:
    return list(dict.fromkeys(b.letter.family for b in buffers if b.letter is not None and b.letter.family))
