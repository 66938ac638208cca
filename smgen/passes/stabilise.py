"""Rewrites smooth primitives into machine functions."""

from __future__ import annotations

from dataclasses import replace

from smgen.calculus.primitives import stable
from smgen.ir import Op, Pointwise, Schedule


def stabilise(schedule: Schedule) -> Schedule:
    """Replace softplus, sigmoid, logcosh, … by exp, log1p, tanh, … in forms that neither overflow nor cancel.

    Before: pruned; pointwise expressions may contain any primitive. After: they contain only functions that
    `scalar.FUNCTIONS` lists. (In a schedule that is not pruned, a dropped value could be the reason to share an exp.)
    """
    return schedule.with_sweeps(tuple(tuple(map(_stable, sweep.ops)) for sweep in schedule.sweeps))


def _stable(op: Op) -> Op:
    if not isinstance(op, Pointwise):
        return op
    exprs = tuple(map(stable, op.exprs))
    return op if exprs == op.exprs else replace(op, exprs=exprs)
