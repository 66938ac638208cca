"""Compute again what costs less than to store: derivatives that are polynomials of one saved array."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.calculus.primitives import kept
from smgen.ir import Buffer, Op, Pointwise, Schedule


def recompute(schedule: Schedule) -> Schedule:
    """Pointwise values that are a polynomial of a single array are written out in every pointwise reader.

    f″ = sech² costs its reader one load whether it loads f″ or sech. The value stays one operand, `kept`: merged with
    what stands around it, powers and constants could leave the dtype's range. Before: any verified schedule. After:
    such a value is only stored where a product, a sum or the caller needs it as an array.
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
    """One result, read off one array over the batch by additions and multiplications."""
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
