"""Common subexpressions of a loop, computed once an element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy as sp

from smgen.ir import LAMBDA, SAMPLES, Buffer, Fused, Op, Schedule
from smgen.primitives import stable


def share(schedule: Schedule) -> Schedule:
    """Stabilise the steps of every loop and give what occurs in them twice a step of its own, `shared_1`, `shared_2`, …

    Before: fused. After: the steps hold machine functions only, and no call, root or quotient twice.
    """
    return schedule.with_sweeps(tuple(tuple(map(_shared, sweep.ops)) for sweep in schedule.sweeps))


def _shared(op: Op) -> Op:
    if not isinstance(op, Fused) or not op.steps:
        return op
    names = (sp.Symbol(f"shared_{k}", real=True) for k in range(1, 1000))
    outs = [out for out, _ in op.steps]
    common, exprs = sp.cse([stable(expr) for _, expr in op.steps], symbols=names)
    cheap = {symbol: expr for symbol, expr in common if not _dear(expr)}
    kept = {symbol: _written_out(expr, cheap) for symbol, expr in common if symbol not in cheap}
    steps = {out: _written_out(expr, cheap) for out, expr in zip(outs, exprs, strict=True)}
    return replace(op, steps=tuple(_in_order(op, kept, steps)))


def _dear(expr: sp.Expr) -> bool:
    """Whether an expression is worth a name: a function call, a root, or a quotient by more than a constant."""
    powers = (power for power in expr.atoms(sp.Pow) if not power.exp.is_Integer or power.exp.is_negative)
    return bool(expr.atoms(sp.Function)) or any(p.base.free_symbols - {LAMBDA.symbol, SAMPLES.symbol} for p in powers)


def _written_out(expr: sp.Expr, cheap: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Put back what got no name."""
    while expr.free_symbols & cheap.keys():
        expr = expr.xreplace(cheap)
    return expr


def _in_order(
    op: Fused, common: dict[sp.Symbol, sp.Expr], steps: dict[Buffer, sp.Expr]
) -> Iterator[tuple[Buffer, sp.Expr]]:
    """Each shared subexpression right before the first step that needs it, after what it needs itself."""
    done: set[sp.Symbol] = set()

    def needed(expr: sp.Expr) -> Iterator[tuple[Buffer, sp.Expr]]:
        for symbol in sorted(expr.free_symbols & common.keys() - done, key=_number):
            if symbol not in done:
                done.add(symbol)
                yield from needed(common[symbol])
                yield Buffer(symbol.name, op.shape), common[symbol]

    for out, expr in steps.items():
        yield from needed(expr)
        yield out, expr


def _number(symbol: sp.Symbol) -> int:
    return int(symbol.name.removeprefix("shared_"))
