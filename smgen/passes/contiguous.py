"""Copy slices that a matrix product would have to copy itself, once, where the copy can be seen."""

from __future__ import annotations

from dataclasses import replace

from smgen.ir import Buffer, Fused, Op, Product, Schedule, View


def contiguous(schedule: Schedule) -> Schedule:
    """Every operand of a `Product` becomes an array of its own or a plain row.

    Before: fused. After: no product reads a slice of a batch of rows, whose rows are not adjacent in memory.
    """
    copies: dict[str, Buffer] = {}
    slices = {op.out.name for op in schedule.ops if isinstance(op, View) and len(op.out.shape) == 2}
    slices -= {op.out.name for op in schedule.ops if isinstance(op, View) and op.out.shape == op.src.shape}
    sweeps: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        ops: list[Op] = []
        for op in sweep.ops:
            if isinstance(op, Product):
                for operand in dict.fromkeys(op.reads):
                    if operand.name in slices and operand.name not in copies:
                        copy = Buffer(f"copy_of_{operand.name}", operand.shape, operand.math)
                        copies[operand.name] = copy
                        ops.append(Fused(copy.shape, ((copy, operand.symbol),), (copy,), (), (operand,)))
                op = replace(op, left=copies.get(op.left.name, op.left), right=copies.get(op.right.name, op.right))
            ops.append(op)
        sweeps.append(tuple(ops))
    return schedule.with_sweeps(tuple(sweeps))
