"""Splits loops into parts that share no array. Equal parts of several layers are then one function in C."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from smgen.ir import LAMBDA, SAMPLES, Fused, Op, Schedule, names_in


def split_loops(schedule: Schedule) -> Schedule:
    """Split each `Fused` into the groups of steps and totals that arrays connect, in the order of their first steps.

    Before: fused. After: any two steps of a loop are connected through arrays that steps read or compute.
    """
    return schedule.with_sweeps(tuple(tuple(new for op in s.ops for new in _parts(op)) for s in schedule.sweeps))


def _parts(op: Op) -> Iterator[Op]:
    if not isinstance(op, Fused) or not op.shape:
        yield op
        return
    members = [({out.name} | names_in(expr)) - {LAMBDA.name, SAMPLES.name} for out, expr in op.steps]
    members += [{total.out.name, total.src.name} for total in op.totals]
    groups: list[set[str]] = []
    for names in members:
        connected = [group for group in groups if group & names]
        place = groups.index(connected[0]) if connected else len(groups)
        groups = [group for group in groups if group not in connected]
        groups.insert(place, names.union(*connected))
    for group in groups:
        steps = tuple((out, expr) for out, expr in op.steps if out.name in group)
        used = frozenset[str]().union(*(names_in(expr) for _, expr in steps)) | group
        yield replace(
            op,
            steps=steps,
            stored=tuple(b for b in op.stored if b.name in group),
            totals=tuple(total for total in op.totals if total.out.name in group),
            reads=tuple(b for b in op.reads if b.name in used),
        )
