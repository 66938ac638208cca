"""Avoids forming δ and δ′ at the input below a linear layer, if products of weights give the same sums: [+] 2 and 3.

With X = A W, W the same for all samples (δ_in = Δ W, or δ′_in = Δ′ (W ∘ W)):

    Σ_n Σ_d X         = Σ_j (Σ_n A)_j (Σ_d W)_j
    Σ_n Σ_d X²        = Σ_n Σ_j A ∘ A (W Wᵀ)
    X Vᵀ              = A (W Vᵀ)
    Σ_n L X           = (Lᵀ A) W

and similarly for a + b X. X is not formed if these are all its uses and the cost model finds the right-hand sides
cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sympy as sp

from smgen.analysis.flops import estimated_flops
from smgen.ir import (
    BATCH,
    LAMBDA,
    SAMPLES,
    Buffer,
    Form,
    Layout,
    Op,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    View,
    free_name,
)

NUMBER = "[+] 3"


def skip_input_products(batch_size: int) -> Callable[[Schedule], Schedule]:
    """The pass for batches of about `batch_size` samples.

    Before: without aliases. After: X = A W is formed only where a use needs it or forming it is cheaper.
    """

    def skip_input_products(schedule: Schedule) -> Schedule:
        results, readers = {b.name for b in schedule.outputs}, _readers(schedule)
        for product in schedule.ops:
            if not isinstance(product, Product) or not product.is_row_product or product.plus:
                continue
            if product.form is Form.TIMES and (uses := _uses(product.out, readers, results)):
                rewritten = _Rewriting(product, uses).apply(schedule)
                if estimated_flops(rewritten, batch_size) < estimated_flops(schedule, batch_size):
                    schedule, readers = rewritten, _readers(rewritten)
        return schedule

    return skip_input_products


_Readers: TypeAlias = Mapping[str, Sequence[tuple[int, Op]]]
"""Which operations read a buffer, with their places in the schedule."""


def _readers(schedule: Schedule) -> _Readers:
    readers: dict[str, list[tuple[int, Op]]] = {}
    for place, op in enumerate(schedule.ops):
        for b in op.reads:
            readers.setdefault(b.name, []).append((place, op))
    return readers


@dataclass(frozen=True)
class _Uses:
    """The uses of X: buffers with the value a + b X, buffers with a multiple of X², and operations that read these."""

    affine: dict[str, tuple[sp.Expr, sp.Expr]]
    squares: dict[str, sp.Expr]
    readers: dict[str, Op]


def _uses(x: Buffer, readers_of: _Readers, results: set[str]) -> _Uses | None:
    """The uses of X; None if there is one that the rules do not cover."""
    affine: dict[str, tuple[sp.Expr, sp.Expr]] = {x.name: (sp.S.Zero, sp.S.One)}
    squares: dict[str, sp.Expr] = {}
    readers: dict[str, Op] = {}
    buffers = {x.name: x}
    waiting = dict(readers_of.get(x.name, ()))
    while waiting:
        op = waiting.pop(min(waiting))
        read = [b.name for b in op.reads if b.name in affine or b.name in squares]
        if len(read) > 1 or results & {read[0], op.outs[0].name}:
            return None
        name, out = read[0], op.outs[0]
        match op:
            case View() if name in affine and out.shape == buffers[name].shape:
                affine[out.name], buffers[out.name] = affine[name], out
            case Pointwise(outs=(_,), exprs=(expr,)) if name in affine:
                form = _polynomial(expr, buffers[name], affine[name])
                if form is None:
                    return None
                if form[2] == 0:
                    affine[out.name], buffers[out.name] = (form[0], form[1]), out
                elif form[0] == form[1] == 0:
                    squares[out.name] = form[2]
                else:
                    return None
            case Reduce(axis=None) if name in squares or affine[name][0] == 0:
                readers[out.name] = op
            case Product(form=Form.TIMES_TRANSPOSED, plus=()) if op.is_row_product and op.left.name == name in affine:
                readers[out.name] = op
            case Product(plus=()) if op.is_batch_sum and name in affine and op.left.name != name:
                readers[out.name] = op
            case _:
                return None
        if out.name in affine or out.name in squares:
            waiting.update(readers_of.get(out.name, ()))
    return _Uses(affine, squares, readers)


def _polynomial(expr: sp.Expr, b: Buffer, form: tuple[sp.Expr, sp.Expr]) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """The coefficients of 1, X and X² of an expression of one buffer that is a + b X; None if it is anything else.

    Coefficients are numbers or scalars: the rules do not hold for X times an array.
    """
    if expr.free_symbols - {b.symbol, LAMBDA.symbol, SAMPLES.symbol}:
        return None
    x = sp.Dummy()
    expanded = sp.expand(expr.xreplace({b.symbol: form[0] + form[1] * x}))
    if not expanded.is_polynomial(x) or sp.degree(expanded, x) > 2:
        return None
    return expanded.coeff(x, 0), expanded.coeff(x, 1), expanded.coeff(x, 2)


class _Rewriting:
    """Rewrites the schedule without X."""

    def __init__(self, product: Product, uses: _Uses) -> None:
        self.a, self.w = product.left, product.right
        self.uses = uses
        self.made: dict[str, Buffer] = {}
        self.taken: set[str] = set()
        self.products_by_factor = {
            op.right: op.out
            for op in reversed(uses.readers.values())
            if isinstance(op, Product) and op.is_row_product and uses.affine[op.left.name] == (0, 1)
        }
        self.ops: list[Op] = []

    def apply(self, schedule: Schedule) -> Schedule:
        gone = self.uses.affine.keys() | self.uses.squares.keys() | self.uses.readers.keys()
        self.taken |= {b.name for op in schedule.ops for b in op.outs} - gone
        sweeps: list[tuple[Op, ...]] = []
        for sweep in schedule.sweeps:
            self.ops = []
            for op in sweep.ops:
                name = op.outs[0].name
                if name in self.uses.readers:
                    self.rewrite(op)
                elif name not in self.uses.affine and name not in self.uses.squares:
                    self.ops.append(op)
            sweeps.append(tuple(self.ops))
        return schedule.with_sweeps(tuple(sweeps))

    def rewrite(self, op: Op) -> None:
        match op:
            case Reduce(src=src) if src.name in self.uses.squares:
                factor, product = self.uses.squares[src.name], self.times_transposed(self.w)
                self.total(op, self.a.layout, factor * self.a.symbol * product.symbol, (self.a, product))
            case Reduce(src=src):
                _, factor = self.uses.affine[src.name]
                columns, rows = self.column_sum(self.a), self.row_sum(self.w)
                self.total(op, rows.layout, factor * columns.symbol * rows.symbol, (columns, rows))
            case Product(form=Form.TIMES_TRANSPOSED, out=out, left=left, right=right):
                product = self.times_transposed(right)
                self.combine(out, self.uses.affine[left.name], lambda: self.row_sum(right), product)
            case Product(out=out, left=left, right=right):
                self.combine(out, self.uses.affine[right.name], lambda: self.column_of_sum(left), self.outer(left))

    def total(self, op: Reduce, layout: Layout, value: sp.Expr, reads: tuple[Buffer, ...]) -> None:
        terms = Buffer(f"{op.out.name}_terms", layout)
        self.ops += [Pointwise((terms,), (value,), (*_scalars(value), *reads)), replace(op, src=terms)]

    def combine(self, out: Buffer, form: tuple[sp.Expr, sp.Expr], total: Callable[[], Buffer], product: Buffer) -> None:
        """out = a Σ + b product, from the coefficients of the operand a + b X that was read."""
        constant, factor = form
        if out.name == product.name:
            return
        row = total() if constant != 0 else None
        if row is None and factor == 1:
            self.ops.append(View(out, product, number=NUMBER))
            return
        value = factor * product.symbol + (constant * row.symbol if row is not None else 0)
        arrays = (product,) if row is None else (row, product)
        self.ops.append(Pointwise((out,), (value,), (*_scalars(value), *arrays), NUMBER))

    def outer(self, left: Buffer) -> Buffer:
        """Σ_n L X = (Lᵀ A) W."""
        gram = self.make(
            Buffer(f"{left.name}_by_{self.a.name}", Layout.of((left.shape[-1], self.a.shape[-1]))),
            lambda b: Product(out=b, left=left, right=self.a, form=Form.TRANSPOSED_TIMES),
        )
        return self.make(
            Buffer(f"{gram.name}_{self.w.name}", Layout.of((left.shape[-1], self.w.shape[1]))),
            lambda b: Product(out=b, left=gram, right=self.w, form=Form.TIMES),
        )

    def times_transposed(self, v: Buffer) -> Buffer:
        """X Vᵀ = A (W Vᵀ)."""
        label = "gram_" + (self.w.name if v == self.w else f"{self.w.name}_{v.name}")
        layout = Layout.of((self.w.shape[0], v.shape[0]))
        gram = self.make(
            Buffer(label, layout), lambda b: Product(out=b, left=self.w, right=v, form=Form.TIMES_TRANSPOSED)
        )
        out = self.products_by_factor.get(v, Buffer(f"{label}_{self.a.name}", Layout.of((BATCH, v.shape[0]))))
        return self.make(out, lambda b: Product(out=b, left=self.a, right=gram, form=Form.TIMES, number=NUMBER))

    def row_sum(self, v: Buffer) -> Buffer:
        return self.make(
            Buffer(f"{v.name}_rows", Layout.of(v.shape[:1]), role="row_sums"), lambda b: Reduce(out=b, src=v, axis=1)
        )

    def column_sum(self, a: Buffer) -> Buffer:
        return self.make(Buffer(f"{a.name}_total", a.layout.once, role="total"), lambda b: Reduce(out=b, src=a, axis=0))

    def column_of_sum(self, a: Buffer) -> Buffer:
        total = self.column_sum(a)
        return self.make(
            Buffer(f"{total.name}_column", total.layout.column, role="total_column"), lambda b: View(b, total)
        )

    def make(self, out: Buffer, op: Callable[[Buffer], Op]) -> Buffer:
        """The buffer. At its first use, the operation that computes it is written.

        If another X has written one of this name, it gets another; `reuse_operations` compares the two.
        """
        if out.name not in self.made:
            name = free_name(out.name, self.taken)
            self.taken.add(name)
            self.made[out.name] = out if name == out.name else replace(out, name=name)
            self.ops.append(op(self.made[out.name]))
        return self.made[out.name]


def _scalars(value: sp.Expr) -> tuple[Buffer, ...]:
    """The arguments that are numbers, as far as an expression reads them."""
    return tuple(b for b in (LAMBDA, SAMPLES) if b.symbol in value.free_symbols)
