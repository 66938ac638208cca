"""Values with a row for each of a sample's tangents: (N, C, M), or (C, M) where they do not vary over the batch.

The arithmetic is the emitter's. This file adds the sums and products that only tangents need, and the views that let a
value of a sample, (N, M), or a number for each of its tangents, (N, C), be multiplied with them.
"""

from __future__ import annotations

import sympy as sp

from smgen.ir import (
    SAMPLES,
    ZERO,
    Buffer,
    Emitter,
    Form,
    Identity,
    Layout,
    Name,
    Reduce,
    Transpose,
    View,
)


class Tangents(Emitter):
    """Writes operations on tangents into the sweeps of another emitter, each view, transpose and square once."""

    def __init__(self, emitter: Emitter) -> None:
        vars(self).update(vars(emitter))  # one schedule: the two emitters share all their state
        self._known: dict[tuple[str, object], sp.Symbol] = {}

    def scale(self, factor: sp.Expr, value: sp.Expr) -> sp.Expr:
        """A value of the sample times tangents, unit by unit; the same factor for all tangents."""
        return self.row(factor) * value

    def forward(self, value: sp.Expr, weight: Buffer, name: Name, number: str = "") -> sp.Expr:
        """Σ_i w_ji value_i. For the identity as value this is Wᵀ."""
        if value == self._known.get(("identity", weight.shape[1])):
            return self.transposed(weight)
        return super().forward(value, weight, name, number)

    # How values meet tangents

    def row(self, value: sp.Expr) -> sp.Expr:
        """(N, M) → (N, 1, M): the same for all tangents."""
        return value.xreplace({b.symbol: self._view(b, "row") for b in self._flat(value) if b.batched})

    def tangent_column(self, value: sp.Expr) -> sp.Expr:
        """(N, C) → (N, C, 1): the same for all units; (M,) → (M, 1)."""
        return value.xreplace({b.symbol: self._view(b, "column") for b in self._flat(value)})

    def _flat(self, value: sp.Expr) -> list[Buffer]:
        """The buffers in a value that are rows without an axis of tangents."""
        return [b for b in self.reads(value) if b.tangents is None and len(b.layout.units) == 1]

    def _view(self, b: Buffer, form: str) -> sp.Symbol:
        key = (form, b)
        if key not in self._known:
            layout = b.layout.row_of_tangents if form == "row" else b.layout.column_of_tangents
            self._known[key] = self.emit(View(self.new(f"{b.name}_{form}", layout), b))
        return self._known[key]

    def transposed(self, weight: Buffer) -> sp.Symbol:
        """Wᵀ: for a weight, the tangents of its layer along the inputs; for tangents, a weight."""
        key = ("transposed", weight)
        if key not in self._known:
            rows, columns = int(weight.shape[-1]), int(weight.shape[0])
            along = Layout(tangents=rows, units=(columns,))
            layout = along if weight.tangents is None else Layout(units=(rows, columns))
            out = self.new(f"{weight.name}_transposed", layout)
            self._known[key] = self.emit(Transpose(out, weight))
        return self._known[key]

    def identity(self, units: int) -> sp.Symbol:
        """The tangents of a vertex along its own units."""
        key = ("identity", units)
        if key not in self._known:
            layout = Layout(tangents=units, units=(units,))
            self._known[key] = self.wait(Identity(self.new(f"identity_{units}", layout)))
        return self._known[key]

    # Sums

    def sum_tangents(self, value: sp.Expr, name: Name) -> sp.Expr:
        """Σ_c value_nci, (N, M)."""
        return self._sum(value, -2, name)

    def sum_units(self, value: sp.Expr, name: Name) -> sp.Expr:
        """Σ_i value_nci, (N, C)."""
        return self._sum(value, -1, name)

    def _sum(self, value: sp.Expr, axis: int, name: Name) -> sp.Expr:
        factor, value = value.as_coeff_Mul()
        if value == 0 or factor == 0:
            return ZERO
        src = self.buffer(self.in_buffer(value, name.part("terms")))
        position = len(src.shape) + axis
        (kept,) = src.layout.units if axis == -2 else (src.tangents,)
        assert kept is not None
        out = self.new(name, Layout(src.batched, None, (kept,)))
        return factor * self.emit(Reduce(out=out, src=src, axis=position))

    def unit_sums(self, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_n Σ_c left_ncj right_ncj, (M,)."""
        return self.batch_sum(self.sum_tangents(left * right, name.part("tangents")), name)

    # Products

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_n Σ_c left_ncj right_nci, (M, D). If `right` is the identity, this is the transpose of a sum."""
        if left == 0 or right == 0:
            return ZERO
        for key, identity in self._known.items():
            if key[0] == "identity" and right.has(identity):
                return self.transposed_sum(left * (right / identity), name.part("sum"))
        factor, a, b = self._operands(left, right, name)
        if not (a.batched or b.batched):
            factor *= SAMPLES.symbol
        elif a.batched != b.batched:  # sum over the batch first: one operand is the same for all samples
            a, b = (self._batch_sum(x.symbol, Name(f"{x.name}_sum"))[1] if x.batched else x for x in (a, b))
        return factor * self.product(a, b, Form.TRANSPOSED_TIMES, name)

    def _batch_sum(self, value: sp.Expr, name: Name) -> tuple[sp.Expr, Buffer]:
        """Σ_n of a value, as a factor and a buffer."""
        factor, value = value.as_coeff_Mul()
        if self.is_batched(value):
            return factor, self.buffer(self.batch_sum(value, name))
        return SAMPLES.symbol * factor, self.buffer(self.in_buffer(value, name))

    def transposed_sum(self, value: sp.Expr, name: Name) -> sp.Expr:
        """(Σ_n value_ncm)ᵀ, (M, C)."""
        if value == 0:
            return ZERO
        factor, summed = self._batch_sum(value, name)
        return factor * self.transposed(summed)

    def batch_times(self, value: sp.Expr, weight: Buffer, name: Name) -> sp.Expr:
        """(Σ_n value_nmk) W, (M, D)."""
        factor, summed = self._batch_sum(value, name.part("sum"))
        layout = Layout.of(summed.shape[:1] + weight.shape[1:])
        return factor * self.product(summed, weight, Form.TIMES, name, layout=layout)

    def grams(self, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_c left_ncj right_nck, (N, M, K): a matrix for each sample, whose rows are tangents."""
        factor, a, b = self._operands(left, right, name)
        each = a.batched or b.batched
        layout = Layout(each, a.layout.units[-1], b.layout.units)
        return factor * self.product(a, b, Form.TRANSPOSED_TIMES, name, each_sample=each, layout=layout)

    def times(self, left: sp.Expr, right: sp.Expr, name: Name, number: str) -> sp.Expr:
        """Σ_j left_ncj right_njk, (N, C, K)."""
        factor, a, b = self._operands(left, right, name)
        return factor * self.product(a, b, Form.TIMES, name, number, each_sample=b.batched)

    def _operands(self, left: sp.Expr, right: sp.Expr, name: Name) -> tuple[sp.Expr, Buffer, Buffer]:
        (f, a), (g, b) = left.as_coeff_Mul(), right.as_coeff_Mul()
        first, second = (self.buffer(self.in_buffer(v, name.part("arg"))) for v in (a, b))
        return f * g, first, second
