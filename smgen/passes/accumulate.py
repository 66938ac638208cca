"""Turns a sum of products into one product of stacked operands: δᵀμ + γᵀf is [δ; γ]ᵀ[μ; f] ([+] 4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import sympy as sp

from smgen.ir import Buffer, Op, Pointwise, Product, Schedule


def accumulate(schedule: Schedule) -> Schedule:
    """Merge products that have the same single reader, which adds them with equal factors, into one with several pairs.

    Before: any verified schedule. After: no linear expression adds two products over the same axes with the same
    factor. A target adds the second product to the array of the first while it computes it, so the sum costs nothing.
    """
    products = {op.out.symbol: op for op in schedule.ops if isinstance(op, Product)}
    readers = Counter(b.name for op in schedule.ops for b in op.reads)
    single = {symbol: op for symbol, op in products.items() if readers[op.out.name] == 1}
    changed: dict[str, Op | None] = {}
    for op in schedule.ops:
        if isinstance(op, Pointwise) and len(op.outs) == 1 and sum(b.symbol in single for b in op.reads) > 1:
            for group in _groups(op.exprs[0], single):
                total = _stacked(group)
                changed |= dict.fromkeys((member.out.name for member in group), None)
                changed[total.out.name] = total
                op = changed[op.outs[0].name] = _without(op, group, total.out)
    return schedule.with_sweeps(
        tuple(
            tuple(new for op in sweep.ops if (new := changed.get(op.outs[0].name, op)) is not None)
            for sweep in schedule.sweeps
        )
    )


def _stacked(group: list[Product]) -> Product:
    """The product of the stacked operands, with the place and the name of the last product of the group."""
    (left, right), *plus = (pair for member in group for pair in member.pairs)
    return replace(group[-1], left=left, right=right, plus=tuple(plus))


def _without(op: Pointwise, group: list[Product], total: Buffer) -> Pointwise:
    """The sum with one product in it instead of the group."""
    gone = {member.out.symbol: sp.S.Zero for member in group[:-1]}
    names = {member.out.name for member in group}
    return replace(
        op, exprs=(op.exprs[0].xreplace(gone),), reads=(*(b for b in op.reads if b.name not in names), total)
    )


def _groups(expr: sp.Expr, products: dict[sp.Symbol, Product]) -> list[list[Product]]:
    """Groups of products that are terms of one sum in `expr` with the same factor, form and axes, in program order."""
    by_factor: dict[tuple[object, ...], list[Product]] = {}
    expanded = sp.expand(expr)
    used = [symbol for symbol in products if symbol in expr.free_symbols]
    for symbol in used:
        factor = expanded.coeff(symbol, 1)
        if not factor.has(*used) and not (expanded - sp.expand(factor * symbol)).has(symbol):
            product = products[symbol]
            axes = tuple((b.batched, len(b.shape)) for b in (product.left, product.right, product.out))
            key = (factor, product.form, product.each_sample, axes, product.out.shape)
            by_factor.setdefault(key, []).append(product)
    return [group for group in by_factor.values() if len(group) > 1]
