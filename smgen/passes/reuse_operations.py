"""Drops an operation that repeats an earlier one on the same operands."""

from __future__ import annotations

from smgen.ir import Buffer, Op, Product, Reduce, Schedule, View
from smgen.passes.aliases import rename


def reuse_operations(schedule: Schedule) -> Schedule:
    """Drop products, sums and views whose value an earlier operation computes; their readers read the earlier result.

    Before: any verified schedule. After: no two of them differ only in the name of the result.
    """
    results = {b.name for b in schedule.outputs}
    known: dict[object, Buffer] = {}
    source: dict[str, Buffer] = {}
    sweeps: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        ops: list[Op] = []
        for old in sweep.ops:
            op = rename(old, source)
            if isinstance(op, Product | Reduce | View) and op.out.name not in results:
                first = known.setdefault(_value(op), op.out)
                if first is not op.out:
                    source[op.out.name] = first
                    continue
            ops.append(op)
        sweeps.append(tuple(ops))
    return schedule.with_sweeps(tuple(sweeps))


def _value(op: Product | Reduce | View) -> object:
    match op:
        case Product():
            return ("product", op.form, op.each_sample, op.pairs)
        case Reduce(out=out, src=src, axis=axis):
            return ("sum", src, axis, out.kind)
        case View(out, src, start):
            return ("view", src, start, out.shape)
