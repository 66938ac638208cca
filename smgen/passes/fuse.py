"""Puts pointwise operations over the same shape into one loop, together with totals of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import sympy as sp

from smgen.ir import Buffer, Fused, Layout, Op, Pointwise, Reduce, Schedule

Member: TypeAlias = Pointwise | Reduce
LoopLayout: TypeAlias = Callable[[Op], Layout | None]


@dataclass
class _Slot:
    """A place in the new order: a loop that may still grow, or an operation that is not fused."""

    sweep: int
    layout: Layout | None
    members: list[Member] = field(default_factory=list)
    op: Op | None = None


def fuse_with_tangent_sums(schedule: Schedule) -> Schedule:
    """`fuse`, which also takes sums over the tangents of a sample into loops."""
    return _fused(schedule, _loop_layout_with_tangent_sums)


def fuse(schedule: Schedule) -> Schedule:
    """Put each pointwise operation and total into the last loop of its shape that comes after all that it reads.

    A value that only one loop reads is computed in that loop and never stored. Before: without aliases. After: every
    pointwise operation and total is part of a `Fused`.
    """
    return _fused(schedule, _loop_layout)


def _fused(schedule: Schedule, loop_layout: LoopLayout) -> Schedule:
    slots: list[_Slot] = []
    place: dict[str, int] = {b.name: -1 for b in schedule.inputs}
    carried = _private(schedule, loop_layout)
    waiting: dict[str, list[Pointwise]] = {}
    for index, sweep in enumerate(schedule.sweeps):
        for op in sweep.ops:
            if isinstance(op, Pointwise) and op.outs[0].name in carried:
                waiting[op.outs[0].name] = [*(w for b in op.reads for w in waiting.pop(b.name, [])), op]
                continue
            before = [w for b in op.reads for w in waiting.pop(b.name, [])]
            _put(op, loop_layout(op), before, index, slots, place)
    return _assembled(schedule, slots)


def _loop_layout(op: Op) -> Layout | None:
    """The layout an operation loops over; None if it cannot be part of a loop."""
    match op:
        case Pointwise():
            return op.outs[0].layout
        case Reduce(src=src, axis=None):
            return src.layout
        case _:
            return None


def _loop_layout_with_tangent_sums(op: Op) -> Layout | None:
    match op:
        case Reduce(src=src, axis=1) if src.is_stack:
            return src.layout
        case _:
            return _loop_layout(op)


def _private(schedule: Schedule, loop_layout: LoopLayout) -> set[str]:
    """Values with one reader that loops over the same layout: they are computed in the loop of the reader."""
    readers: dict[str, list[Op]] = {}
    for op in schedule.ops:
        for b in op.reads:
            readers.setdefault(b.name, []).append(op)
    results = {b.name for b in schedule.outputs}
    return {
        op.outs[0].name
        for op in schedule.ops
        if isinstance(op, Pointwise)
        and len(op.outs) == 1
        and op.outs[0].name not in results
        and len(readers.get(op.outs[0].name, [])) == 1
        and loop_layout(readers[op.outs[0].name][0]) == op.outs[0].layout
    }


def _put(
    op: Op, layout: Layout | None, before: list[Pointwise], sweep: int, slots: list[_Slot], place: dict[str, int]
) -> None:
    if layout is None or not isinstance(op, Pointwise | Reduce):
        slots.append(_Slot(sweep, None, op=op))
        place.update({out.name: len(slots) - 1 for out in op.outs})
        return
    members: list[Member] = [*before, op]
    inside = {out.name for member in members for out in member.outs}
    needed = [b for member in members for b in member.reads if b.name not in inside]
    after = max((place[b.name] + (b.layout != layout) for b in needed), default=-1)
    position = next((p for p in range(len(slots) - 1, max(after, 0) - 1, -1) if slots[p].layout == layout), None)
    if position is None:
        slots.append(_Slot(sweep, layout))
        position = len(slots) - 1
    slots[position].members += members
    place.update({out.name: position for member in members for out in member.outs})


def _assembled(schedule: Schedule, slots: list[_Slot]) -> Schedule:
    results = {b.name for b in schedule.outputs}
    readers: dict[str, set[int]] = {}
    for position, slot in enumerate(slots):
        for op in (*slot.members, *([slot.op] if slot.op is not None else [])):
            for b in op.reads:
                readers.setdefault(b.name, set()).add(position)
    sweeps: list[list[Op]] = [[] for _ in schedule.sweeps]
    for position, slot in enumerate(slots):
        stored = {name for name, positions in readers.items() if positions - {position}} | results
        sweeps[slot.sweep].append(slot.op if slot.op is not None else _loop(slot, stored))
    origins = {out.name: sweep.name for sweep in schedule.sweeps for op in sweep.ops for out in op.outs}
    renamed = (
        replace(old, name=_name(ops, origins), ops=tuple(ops))
        for old, ops in zip(schedule.sweeps, sweeps, strict=True)
        if ops
    )
    return replace(schedule, sweeps=tuple(renamed))


def _name(ops: Iterable[Op], origins: Mapping[str, str]) -> str:
    """The names of the sweeps that these operations come from. A loop may have steps of several sweeps."""
    steps = (out for op in ops for out in ([step for step, _ in op.steps] if isinstance(op, Fused) else []))
    results = [*steps, *(out for op in ops for out in op.outs)]
    order = list(dict.fromkeys(origins.values()))
    return ", ".join(sorted({origins[out.name] for out in results}, key=order.index))


def _loop(slot: _Slot, stored: set[str]) -> Fused:
    """One loop with the members as steps. A value that no other operation reads is not stored."""
    assert slot.layout is not None
    steps: list[tuple[Buffer, sp.Expr]] = []
    reads: dict[str, Buffer] = {}
    for member in slot.members:
        inside = {out.name for out, _ in steps}
        reads.update({b.name: b for b in member.reads if b.name not in inside})
        if isinstance(member, Pointwise):
            steps += zip(member.outs, member.exprs, strict=True)
    return Fused(
        layout=slot.layout,
        steps=tuple(steps),
        stored=tuple(out for out, _ in steps if out.name in stored),
        totals=tuple(member for member in slot.members if isinstance(member, Reduce)),
        reads=tuple(reads.values()),
    )
