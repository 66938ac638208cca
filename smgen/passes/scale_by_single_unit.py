"""Turns products over an axis of one unit into multiplications of a column with a row."""

from __future__ import annotations

from smgen.ir import Form, Op, Pointwise, Product, Schedule


def scale_by_single_unit(schedule: Schedule) -> Schedule:
    """Replace a product that sums over a single unit by a pointwise multiplication, which `fuse` puts into a loop.

    Before: any verified schedule. After: no row of one unit is multiplied with a matrix by a product.
    """
    return schedule.with_sweeps(tuple(tuple(map(_scale, sweep.ops)) for sweep in schedule.sweeps))


def _scale(op: Op) -> Op:
    if not isinstance(op, Product) or not op.is_row_product or op.form is not Form.TIMES:
        return op
    if op.right.shape[0] != 1 or op.plus:
        return op
    return Pointwise((op.out,), (op.left.symbol * op.right.symbol,), op.reads, op.number)
