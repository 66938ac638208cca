"""Copies slices once, in the schedule, that every matrix product would otherwise copy by itself."""

from __future__ import annotations

from dataclasses import replace

from smgen.ir import Buffer, Fused, Op, Product, Reduce, Schedule, View
from smgen.passes.aliases import rename


def copy_slices(schedule: Schedule) -> Schedule:
    """Copy each slice of a batch that a `Product`, or a sum over the units of tangents, reads.

    Before: fused. After: neither reads a slice of a batch of rows. The rows of a slice are not adjacent in memory.
    """
    copies: dict[str, Buffer] = {}
    slices = {op.out.name for op in schedule.ops if isinstance(op, View) and len(op.out.shape) == len(op.src.shape) > 1}
    slices -= {op.out.name for op in schedule.ops if isinstance(op, View) and op.out.shape == op.src.shape}
    sweeps: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        ops: list[Op] = []
        for op in sweep.ops:
            if isinstance(op, Product) or (isinstance(op, Reduce) and op.src.is_stack and op.axis != 1):
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
