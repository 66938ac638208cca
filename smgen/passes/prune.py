"""Removes operations whose results are not needed."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from smgen.ir import Buffer, Op, Pointwise, Schedule, names_in


def prune(schedule: Schedule) -> Schedule:
    """Drop operations, and outputs of pointwise operations, that no later operation and no result reads.

    Before: any verified schedule. After: every output of every operation is read, or returned.
    """
    needed = {b.name for b in schedule.outputs}
    kept: list[tuple[Op, ...]] = []
    for sweep in reversed(schedule.sweeps):
        ops = [op for op in (_needed_part(op, needed) for op in reversed(sweep.ops)) if op is not None]
        kept.append(tuple(reversed(ops)))
    return schedule.with_sweeps(tuple(reversed(kept)))


def _needed_part(op: Op, needed: set[str]) -> Op | None:
    """The part of `op` that is needed; None if no part is. The buffers that the part reads are added to `needed`."""
    if isinstance(op, Pointwise):
        op = _narrow(op, needed)
        if not op.outs:
            return None
    elif op.outs[0].name not in needed:
        return None
    needed.update(b.name for b in op.reads)
    return op


def _narrow(op: Pointwise, needed: set[str]) -> Pointwise:
    wanted = set(needed)
    outs: list[Buffer] = []
    exprs: list[sp.Expr] = []
    for out, expr in zip(reversed(op.outs), reversed(op.exprs), strict=True):
        if out.name in wanted:
            wanted |= names_in(expr)
            outs.insert(0, out)
            exprs.insert(0, expr)
    used = {name for expr in exprs for name in names_in(expr)}
    if len(outs) == len(op.outs) and used >= {b.name for b in op.reads}:
        return op
    return replace(op, outs=tuple(outs), exprs=tuple(exprs), reads=tuple(b for b in op.reads if b.name in used))
