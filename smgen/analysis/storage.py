"""Decides by liveness analysis which buffers share an array, for targets that allocate arrays once and reuse them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smgen.ir import Buffer, Elementary, Op, Schedule, Shape, View


@dataclass(frozen=True, slots=True)
class Storage:
    """slots: array name → shape, in order of first use; slot_of: buffer name → array name, for buffers that own memory.

    `tile` names the arrays of which every tile in flight has one. The others exist once a call.
    """

    slots: Mapping[str, Shape]
    slot_of: Mapping[str, str]
    tile: frozenset[str]


def allocate(schedule: Schedule) -> Storage:
    """Give every buffer that is not an input, a result, a scalar or a view an array that no live buffer uses.

    Buffers share an array only if their shapes are equal, so that no array is reshaped. An elementary operation may
    overwrite an operand of which it is the last reader; a product may not. A buffer that is computed once a call and
    read by tiles lives until the last tile, and shares no array with buffers of tiles.
    """
    roots = view_roots(schedule)
    last_use = _last_uses(schedule, roots)
    fixed = {b.name for b in schedule.inputs} | {roots.get(b.name, b.name) for b in schedule.outputs}
    slots = _Slots()
    slot_of: dict[str, str] = {}
    phases = [sweep.phase for sweep in schedule.sweeps for _ in sweep.ops]
    for position, (op, phase) in enumerate(zip(schedule.ops, phases, strict=True)):
        read = dict.fromkeys(roots.get(name, name) for name in _read_order(op))
        dying = [slot_of[name] for name in read if last_use[name] == position and name in slot_of]
        overwrites = isinstance(op, Elementary)
        if overwrites:
            slots.release(dying)
        for out in op.outs:
            if isinstance(op, View) or out.shape == () or out.name in fixed:
                continue
            slot_of[out.name] = slots.take(out, tile=phase == "tile")
        if not overwrites:
            slots.release(dying)
    return Storage(slots.shapes, slot_of, frozenset(slots.tile))


class _Slots:
    """The arrays by name, and the ones that are free."""

    def __init__(self) -> None:
        self.shapes: dict[str, Shape] = {}
        self.tile: set[str] = set()
        self.free: dict[tuple[Shape, bool], list[str]] = {}

    def take(self, out: Buffer, *, tile: bool) -> str:
        available = self.free.setdefault((out.shape, tile), [])
        if available:
            return available.pop()
        label = "x".join(str(dim) for dim in out.shape)
        prefix = label if out.batched else f"M{label}"
        name = f"{prefix}_{sum(shape == out.shape for shape in self.shapes.values())}"
        self.shapes[name] = out.shape
        if tile:
            self.tile.add(name)
        return name

    def release(self, names: list[str]) -> None:
        for name in names:
            self.free.setdefault((self.shapes[name], name in self.tile), []).append(name)


def _read_order(op: Op) -> list[str]:
    """The names an operation reads, last operand first, so that the array of the first operand is taken first."""
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
    position = 0
    before: set[str] = set()
    for sweep in schedule.sweeps:
        for op in sweep.ops:
            last |= {roots.get(read.name, read.name): position for read in op.reads}
            position += 1
        if sweep.phase == "once":
            before |= {out.name for op in sweep.ops for out in op.outs}
        elif sweep.phase == "tile":
            # The next tile reads the same buffers again.
            last |= dict.fromkeys((name for name in before if name in last), position - 1)
    return last


def most_tangents(schedule: Schedule) -> int:
    """The largest number of rows that a sample has in an array of the schedule."""
    shapes = (b.shape for op in schedule.ops for b in op.outs if b.is_stack)
    return max((int(shape[1]) for shape in shapes), default=1)
