"""Divides pointwise expressions into single machine operations, for NumPy, which computes one at a time."""

from __future__ import annotations

import sympy as sp

from smgen.calculus.scalar import linearise
from smgen.ir import Buffer, Elementary, Op, Pointwise, Schedule, broadcast


def elementary(schedule: Schedule) -> Schedule:
    """Every array-valued `Pointwise` becomes a sequence of `Elementary` operations that ends in its outputs.

    Before: stabilised. After: no `Pointwise` but those of scalars. A subexpression that occurs twice in one operation
    is computed once. Intermediates are called `<result>.<number>`; they live until the result is computed.
    """
    return schedule.with_sweeps(
        tuple(tuple(part for op in sweep.ops for part in _take_apart(op)) for sweep in schedule.sweeps)
    )


def _take_apart(op: Op) -> list[Op]:
    if not isinstance(op, Pointwise) or all(out.shape == () for out in op.outs):
        return [op]
    return _Apart(op).ops


class _Apart:
    """The elementary operations of one pointwise operation."""

    def __init__(self, op: Pointwise) -> None:
        self.ops: list[Op] = []
        self.buffers: dict[sp.Expr, Buffer] = {b.symbol: b for b in op.reads}
        self.known: dict[tuple[str, tuple[sp.Expr, ...]], sp.Expr] = {}
        self.aliases: dict[sp.Expr, sp.Expr] = {}
        self.prefix = op.outs[-1].name
        for out, expr in zip(op.outs, op.exprs, strict=True):
            self.define(out, linearise(expr.xreplace(self.aliases), self.emit, self.rank))

    def rank(self, expr: sp.Expr) -> int:
        return max((self.buffers[s].rank for s in expr.free_symbols), default=0)

    def emit(self, function: str, operands: tuple[sp.Expr, ...]) -> sp.Expr:
        key = (function, operands)
        if key not in self.known:
            reads = self.read(operands)
            out = Buffer(f"{self.prefix}.{len(self.ops)}", broadcast(*(b.layout for b in reads)))
            self.append(Elementary(out, function, operands, reads))
            self.known[key] = out.symbol
        return self.known[key]

    def define(self, out: Buffer, value: sp.Expr) -> None:
        """Let the operation that computed `value` write to `out`; copy the value if another output already holds it."""
        last = self.ops[-1] if self.ops else None
        if isinstance(last, Elementary) and last.out.symbol == value and "." in last.out.name:
            self.ops[-1] = Elementary(out, last.function, last.operands, last.reads)
            self.buffers[out.symbol] = out
            for names in (self.known, self.aliases):
                names.update({key: out.symbol for key, known in names.items() if known == value})
        else:
            self.append(Elementary(out, "copy", (value,), self.read((value,))))
        self.aliases[out.symbol] = out.symbol

    def append(self, op: Elementary) -> None:
        self.ops.append(op)
        self.buffers[op.out.symbol] = op.out

    def read(self, operands: tuple[sp.Expr, ...]) -> tuple[Buffer, ...]:
        symbols = {s for operand in operands for s in operand.free_symbols}
        return tuple(sorted((self.buffers[s] for s in symbols), key=lambda b: b.name))
