"""Which buffers share an array: liveness analysis, for targets whose arrays are allocated once and reused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smgen.ir import Buffer, Elementary, Op, Schedule, Shape, View


@dataclass(frozen=True, slots=True)
class Storage:
    """slots: array name → shape, in order of first use; slot_of: buffer name → array name, where it owns memory."""

    slots: Mapping[str, Shape]
    slot_of: Mapping[str, str]


def allocate(schedule: Schedule) -> Storage:
    """Give every buffer that is neither an input, a result, a scalar nor a view an array no live buffer is using.

    Buffers share an array only if their shapes are equal, so that no array needs reshaping. An elementary operation may
    overwrite an operand that it is the last to read; a product may not.
    """
    roots = view_roots(schedule)
    last_use = _last_uses(schedule, roots)
    fixed = {b.name for b in schedule.inputs} | {roots.get(b.name, b.name) for b in schedule.outputs}
    free: dict[Shape, list[str]] = {}
    slots: dict[str, Shape] = {}
    slot_of: dict[str, str] = {}
    for position, op in enumerate(schedule.ops):
        read = dict.fromkeys(roots.get(name, name) for name in _read_order(op))
        dying = [name for name in read if last_use[name] == position and name in slot_of]
        overwrites = isinstance(op, Elementary)
        if overwrites:
            _release(dying, slot_of, slots, free)
        for out in op.outs:
            if isinstance(op, View) or out.shape == () or out.name in fixed:
                continue
            slot_of[out.name] = _take(out, slots, free)
        if not overwrites:
            _release(dying, slot_of, slots, free)
    return Storage(slots, slot_of)


def _read_order(op: Op) -> list[str]:
    """The names an operation reads, last operand first, so that the first operand's array is the next to be taken."""
    if isinstance(op, Elementary):
        return [operand.name for operand in reversed(op.operands) if operand.is_Symbol]
    return [b.name for b in op.reads]


def view_roots(schedule: Schedule) -> dict[str, str]:
    """Each view's name → the buffer that owns its memory."""
    roots: dict[str, str] = {}
    for op in schedule.ops:
        if isinstance(op, View):
            roots[op.out.name] = roots.get(op.src.name, op.src.name)
    return roots


def _last_uses(schedule: Schedule, roots: Mapping[str, str]) -> dict[str, int]:
    last: dict[str, int] = {}
    for position, op in enumerate(schedule.ops):
        for read in op.reads:
            last[roots.get(read.name, read.name)] = position
    return last


def _take(out: Buffer, slots: dict[str, Shape], free: dict[Shape, list[str]]) -> str:
    available = free.setdefault(out.shape, [])
    if available:
        return available.pop()
    label = "x".join(str(dim) for dim in out.shape)
    prefix = label if out.batched else f"M{label}"
    name = f"{prefix}_{sum(shape == out.shape for shape in slots.values())}"
    slots[name] = out.shape
    return name


def _release(
    names: list[str], slot_of: Mapping[str, str], slots: Mapping[str, Shape], free: dict[Shape, list[str]]
) -> None:
    for name in names:
        slot = slot_of[name]
        free.setdefault(slots[slot], []).append(slot)
