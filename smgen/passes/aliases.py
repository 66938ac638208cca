"""Replaces several names of one value by one name, for targets where each name would be an array."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from smgen.ir import (
    Buffer,
    Concat,
    EachProduct,
    Elementary,
    Fold,
    Fused,
    Greatest,
    Identity,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)


def aliases(schedule: Schedule) -> Schedule:
    """Drop every `View` that only renames a value and is not returned; its readers read its source.

    Before: any verified schedule. After: a `View` is a slice, a column, a row of tangents, or a result.
    """
    results = {b.name for b in schedule.outputs}
    source: dict[str, Buffer] = {}
    sweeps: list[tuple[Op, ...]] = []
    for sweep in schedule.sweeps:
        ops: list[Op] = []
        for op in sweep.ops:
            renamed = rename(op, source)
            if (
                isinstance(renamed, View)
                and renamed.out.layout == renamed.src.layout
                and renamed.out.name not in results
            ):
                source[renamed.out.name] = renamed.src
            else:
                ops.append(renamed)
        sweeps.append(tuple(ops))
    return schedule.with_sweeps(tuple(sweeps))


def rename(op: Op, source: dict[str, Buffer]) -> Op:
    """The same operation, reading `source[name]` in place of each `name`."""
    reads = _renamed(op.reads, source)
    symbols = {b.symbol: source[b.name].symbol for b in op.reads if b.name in source}
    if not symbols:
        return op

    def expr(e: sp.Expr) -> sp.Expr:
        return e.xreplace(symbols)

    match op:
        case Pointwise():
            return replace(op, exprs=tuple(map(expr, op.exprs)), reads=reads)
        case Elementary():
            return replace(op, operands=tuple(map(expr, op.operands)), reads=reads)
        case Product():
            (left, right), *plus = ((source.get(a.name, a), source.get(b.name, b)) for a, b in op.pairs)
            return replace(op, left=left, right=right, plus=tuple(plus))
        case EachProduct(left=left, right=right) | PatchProduct(left=left, right=right):
            return replace(op, left=source.get(left.name, left), right=source.get(right.name, right))
        case WindowProduct():
            return replace(op, pairs=tuple((source.get(a.name, a), source.get(b.name, b)) for a, b in op.pairs))
        case Identity():
            return op
        case Reduce() | View() | Transpose() | Permute() | Mix() | Greatest() | Unfold() | Fold():
            return replace(op, src=source.get(op.src.name, op.src))
        case Concat():
            return replace(op, parts=tuple((expr(part), width) for part, width in op.parts), reads=reads)
        case Fused():
            totals = tuple(replace(t, src=source.get(t.src.name, t.src)) for t in op.totals)
            steps = tuple((out, expr(e)) for out, e in op.steps)
            return replace(op, steps=steps, totals=totals, reads=reads)


def _renamed(reads: tuple[Buffer, ...], source: dict[str, Buffer]) -> tuple[Buffer, ...]:
    return tuple(dict.fromkeys(source.get(b.name, b) for b in reads))
