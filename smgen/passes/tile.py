"""Divides a schedule into operations that run once a call, for every tile of samples, and at the end."""

from __future__ import annotations

from dataclasses import replace

from smgen.errors import InternalError
from smgen.ir import LAMBDA, SAMPLES, Op, Phase, Schedule, Sweep

ONCE, END = "once a call, from the weights alone", "at the end, from the sums over all samples"


def tile(schedule: Schedule) -> Schedule:
    """Move operations on weights alone to the front, and operations on sums over the batch to the end.

    No sample depends on another before gradients are summed, so a tile of rows can go through all sweeps while it is in
    cache. Before: any verified schedule. After: sweeps have their phases, and no operation of a tile reads a sum over
    the samples.
    """
    phase_of: dict[str, Phase] = {b.name: "tile" if b.batched else "once" for b in schedule.inputs}
    once: list[Op] = []
    end: list[Op] = []
    tiles: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        inside: list[Op] = []
        for op in sweep.ops:
            phase = _phase(schedule, op, phase_of)
            {"once": once, "tile": inside, "end": end}[phase].append(op)
            phase_of |= {out.name: "end" if phase == "tile" and not out.batched else phase for out in op.outs}
        tiles.append(tuple(inside))
    middle = schedule.with_sweeps(tuple(tiles)).sweeps
    first = (Sweep(ONCE, tuple(once), "once"),) if once else ()
    last = (Sweep(END, tuple(end), "end"),) if end else ()
    return replace(schedule, sweeps=(*first, *middle, *last))


def _phase(schedule: Schedule, op: Op, phase_of: dict[str, Phase]) -> Phase:
    batched = any(b.batched for b in (*op.reads, *op.outs))
    sums = [b.name for b in op.reads if phase_of[b.name] == "end" and b not in (LAMBDA, SAMPLES)]
    if batched and sums:
        raise InternalError(
            f"schedule {schedule.name}: {op.outs[0].name} needs {sums} of the whole batch for each sample"
        )
    if batched:
        return "tile"
    results = {b.name for b in schedule.outputs}
    return "end" if sums or results & {out.name for out in op.outs} else "once"
