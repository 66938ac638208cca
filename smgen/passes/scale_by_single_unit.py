"""Products over an axis of one unit are no products: what a layer of one unit passes back is a column times a row."""

from __future__ import annotations

from smgen.ir import Form, Op, Pointwise, Product, Schedule


def scale_by_single_unit(schedule: Schedule) -> Schedule:
    """A product that contracts a single unit becomes a pointwise multiplication, which joins the loop of its reader.

    Before: any verified schedule. After: no row of one unit goes through a matrix.
    """
    return schedule.with_sweeps(tuple(tuple(map(_scale, sweep.ops)) for sweep in schedule.sweeps))


def _scale(op: Op) -> Op:
    if not isinstance(op, Product) or not op.is_row_product or op.form is not Form.TIMES:
        return op
    if op.right.shape[0] != 1 or op.plus:
        return op
    return Pointwise((op.out,), (op.left.symbol * op.right.symbol,), op.reads, op.number)
