"""Drops an operation that repeats an earlier one on the same operands."""

from __future__ import annotations

from smgen.ir import (
    Buffer,
    EachProduct,
    Fold,
    Greatest,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Unfold,
    View,
)
from smgen.passes.aliases import rename


def reuse_operations(schedule: Schedule) -> Schedule:
    """Drop operations whose value an earlier one computes; their readers read the earlier result.

    Before: any verified schedule. After: no two products, sums, views or expressions differ only in the name of the
    result.
    """
    results = {b.name for b in schedule.outputs}
    known: dict[object, Buffer] = {}
    source: dict[str, Buffer] = {}
    sweeps: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        ops: list[Op] = []
        for old in sweep.ops:
            op = rename(old, source)
            value = _value(op)
            if value is not None and op.outs[0].name not in results:
                first = known.setdefault(value, op.outs[0])
                if first is not op.outs[0]:
                    source[op.outs[0].name] = first
                    continue
            ops.append(op)
        sweeps.append(tuple(ops))
    return schedule.with_sweeps(tuple(sweeps))


def _value(op: Op) -> object:
    """What an operation computes, without the name of the result; None for kinds that are never written twice."""
    match op:
        case Product():
            return ("product", op.form, op.each_sample, op.pairs)
        case EachProduct(left=left, right=right, form=form, blocks=blocks):
            return ("each product", form, blocks, left, right)
        case PatchProduct(left=left, right=right, form=form, patches=patches):
            return ("patches", form, patches, op.turned, left, right)
        case Reduce(out=out, src=src, axis=axis):
            return ("sum", src, axis, out.kind)
        case View(out, src, start):
            return ("view", src, start, out.layout)
        case Permute(_, src, sizes, order):
            return ("permute", src, sizes, order)
        case Mix(_, src, matrix, after):
            return ("mix", src, matrix, after)
        case Greatest(_, src, count, after):
            return ("greatest", src, count, after)
        case Unfold(_, src, axes) | Fold(_, src, axes):
            return (type(op).__name__, src, axes)
        case Pointwise(outs=(out,), exprs=(expr,)):
            return ("expression", expr, out.layout, out.kind)
        case _:
            return None
