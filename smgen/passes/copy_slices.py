"""Copies slices once, in the schedule, that every matrix product would otherwise copy by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smgen.ir import (
    Buffer,
    Fused,
    Op,
    Product,
    Reduce,
    Schedule,
    View,
    WholeRows,
)
from smgen.passes.aliases import rename


def copy_slices(schedule: Schedule) -> Schedule:
    """Copy each slice of a batch that a `Product`, a move, or a sum over the units of tangents, reads.

    Before: fused. After: none reads a slice of a batch of rows. The rows of a slice are not adjacent in memory.
    """

    def reads_whole_rows(op: Op) -> bool:
        sums = isinstance(op, Reduce) and op.src.is_stack and op.axis != 1
        return isinstance(op, Product) or sums or _is_move(op)

    return _copied(schedule, reads_whole_rows)


def copy_moved_slices(schedule: Schedule) -> Schedule:
    """Copy each slice that a move reads. Before: fused. After: no move reads a slice."""
    return _copied(schedule, _is_move)


def _is_move(op: Op) -> bool:
    reads_as_one = isinstance(op, View) and (op.is_reshaped or (op.is_column and op.src.batched))
    return isinstance(op, WholeRows) or reads_as_one


def _copied(schedule: Schedule, needs_copy: Callable[[Op], bool]) -> Schedule:
    copies: dict[str, Buffer] = {}
    slices = {op.out.name for op in schedule.ops if isinstance(op, View) and len(op.out.shape) == len(op.src.shape) > 1}
    slices -= {
        op.out.name for op in schedule.ops if isinstance(op, View) and (op.out.shape == op.src.shape or op.is_reshaped)
    }
    sweeps: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        ops: list[Op] = []
        for op in sweep.ops:
            if needs_copy(op):
                for operand in dict.fromkeys(op.reads):
                    if operand.name in slices and operand.name not in copies:
                        copy = replace(operand, name=f"copy_of_{operand.name}")
                        copies[operand.name] = copy
                        ops.append(
                            Fused(
                                layout=copy.layout,
                                steps=((copy, operand.symbol),),
                                stored=(copy,),
                                totals=(),
                                reads=(operand,),
                            )
                        )
                op = rename(op, copies)
            ops.append(op)
        sweeps.append(tuple(ops))
    return schedule.with_sweeps(tuple(sweeps))
