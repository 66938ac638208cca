"""Computes derivatives that are polynomials of one saved array at each use, which costs less than storing them."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.calculus.primitives import kept
from smgen.ir import Buffer, Op, Pointwise, Schedule


def recompute(schedule: Schedule) -> Schedule:
    """Replace values that are polynomials of a single array by their expressions in every pointwise reader.

    A reader of f″ = sech² loads one array in any case, f″ or sech. The expression stays one operand, marked `kept`: if
    sympy merged it with its surroundings, powers and constants could leave the range of the dtype. Before: any verified
    schedule. After: such a value is stored only where a product, a sum or the caller needs it as an array.
    """
    polynomials: dict[sp.Symbol, tuple[sp.Expr, tuple[Buffer, ...]]] = {}

    def rewritten(ops: tuple[Op, ...]) -> Iterator[Op]:
        for op in ops:
            new = _written_out(op, polynomials) if isinstance(op, Pointwise) else op
            if isinstance(new, Pointwise) and _is_cheap(new):
                polynomials[new.outs[0].symbol] = (new.exprs[0], new.reads)
            yield new

    return schedule.with_sweeps(tuple(tuple(rewritten(sweep.ops)) for sweep in schedule.sweeps))


def _is_cheap(op: Pointwise) -> bool:
    """Whether an operation has one result, a polynomial of one array that varies over the batch."""
    if len(op.outs) != 1 or len(op.reads) != 1 or op.outs[0].shape != op.reads[0].shape or not op.outs[0].batched:
        return False
    return bool(op.exprs[0].is_polynomial(*op.exprs[0].free_symbols))


def _written_out(op: Pointwise, polynomials: dict[sp.Symbol, tuple[sp.Expr, tuple[Buffer, ...]]]) -> Pointwise:
    values = {b.symbol: polynomials[b.symbol] for b in op.reads if b.symbol in polynomials}
    if not values:
        return op
    reads = [b for b in op.reads if b.symbol not in values]
    reads += [b for _, sources in values.values() for b in sources]
    exprs = tuple(expr.xreplace({symbol: kept(value) for symbol, (value, _) in values.items()}) for expr in op.exprs)
    return Pointwise(op.outs, exprs, tuple(dict.fromkeys(reads)))
