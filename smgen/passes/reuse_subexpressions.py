"""Computes common subexpressions of a loop once for each element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import sympy as sp

from smgen.calculus.primitives import kept, stable
from smgen.ir import LAMBDA, SAMPLES, Buffer, Fused, Op, Schedule


def reuse_subexpressions(schedule: Schedule) -> Schedule:
    """Stabilise the steps of every loop, and add a step `shared_1`, `shared_2`, … for each repeated subexpression.

    Before: fused. After: steps contain machine functions only, and no call, root or quotient twice. Only whole
    subexpressions are shared, so the order of operations, which the accuracy check has judged, does not change.
    """
    return schedule.with_sweeps(tuple(tuple(map(_shared, sweep.ops)) for sweep in schedule.sweeps))


def _shared(op: Op) -> Op:
    if not isinstance(op, Fused) or not op.steps:
        return op
    steps = [(out, stable(expr)) for out, expr in op.steps]
    common = _common([expr for _, expr in steps])
    return replace(op, steps=tuple(_named(op, steps, common)))


def _common(exprs: Iterable[sp.Expr]) -> set[sp.Expr]:
    """Subexpressions worth a name that occur in several places, and bases of powers that are printed as products."""
    places: Counter[sp.Expr] = Counter()
    again: set[sp.Expr] = set()
    waiting = list(exprs)
    places.update(waiting)
    seen: set[sp.Expr] = set()
    while waiting:
        e = waiting.pop()
        if e in seen:
            continue
        seen.add(e)
        places.update(e.args)
        waiting += e.args
        if e.is_Pow and e.exp.is_Rational and abs(e.exp) > (3 if e.exp.is_Integer else 1) and not e.base.is_Symbol:
            again.add(e.base)
    worth_a_name = {e for e in seen if (places[e] > 1 and _dear(e)) or (e in again and not e.is_number)}
    return {e.args[0] if isinstance(e, kept) else e for e in worth_a_name} - {e for e in seen if e.is_Symbol}


def _dear(expr: sp.Expr) -> bool:
    """Whether an expression is worth a name: a function call, a root, or a quotient by more than a constant."""
    if expr.is_Symbol or expr.is_number:
        return False
    if isinstance(expr, kept):
        return _dear(expr.args[0])
    if isinstance(expr, sp.Function) or any(_dear(arg) for arg in expr.args):
        return True
    quotient = expr.is_Pow and (not expr.exp.is_Integer or expr.exp.is_negative)
    return bool(quotient and expr.base.free_symbols - {LAMBDA.symbol, SAMPLES.symbol})


def _named(
    op: Fused, steps: Iterable[tuple[Buffer, sp.Expr]], common: set[sp.Expr]
) -> Iterator[tuple[Buffer, sp.Expr]]:
    """The steps, with each shared subexpression before the first step that needs it and after those it needs itself."""
    known: dict[sp.Expr, sp.Expr] = {}
    made: list[tuple[Buffer, sp.Expr]] = []
    count = 0

    def rewritten(e: sp.Expr) -> sp.Expr:
        nonlocal count
        if e.is_Symbol or e.is_number:
            return e
        if e not in known:
            args = [rewritten(arg) for arg in e.args]
            value = e if args == list(e.args) else e.func(*args)
            if e in common:
                count += 1
                out = Buffer(f"shared_{count}", op.layout, role="shared")
                made.append((out, value))
                value = out.symbol
            known[e] = value
        return known[e]

    for out, expr in steps:
        # An expression that is a whole step needs no second name.
        if expr in common and expr not in known:
            top = expr.func(*map(rewritten, expr.args))
            known[expr] = out.symbol
        else:
            top = rewritten(expr)
        yield from made
        made.clear()
        yield out, top
