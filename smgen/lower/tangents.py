"""Values with a row for each of a sample's tangents: (N, C, M), or (C, M) where they do not vary over the batch.

The arithmetic is the emitter's. This file adds the sums and products that only tangents need, and the views that let a
value of a sample, (N, M), or a number for each of its tangents, (N, C), be multiplied with them.
"""

from __future__ import annotations

from dataclasses import replace

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
from smgen.ir.rearrange import reshaped
from smgen.network import Vertex


class Tangents(Emitter):
    """Writes operations on tangents into the sweeps of another emitter, each view, transpose and square once."""

    def __init__(self, emitter: Emitter) -> None:
        vars(self).update(vars(emitter))  # one schedule: the two emitters share all their state
        self._known: dict[tuple[str, object], sp.Expr] = {}

    def scale(self, factor: sp.Expr, value: sp.Expr) -> sp.Expr:
        """A value of the sample times tangents, unit by unit; the same factor for all tangents."""
        return self.row(factor) * value

    def forward(self, value: sp.Expr, weight: Buffer, name: Name, number: str = "") -> sp.Expr:
        """Σ_i w_ji value_i. For the identity as value this is Wᵀ."""
        if value == self._known.get(("identity", weight.shape[1])):
            return self.transposed(weight)
        return super().forward(value, weight, name, number)

    def backward(self, value: sp.Expr, weight: Buffer, name: Name, number: str = "") -> sp.Expr:
        """Σ_j value_j w_ji. For the identity as value this is W, a tangent for each of its rows."""
        if value != self._known.get(("identity", weight.shape[0])):
            return super().backward(value, weight, name, number)
        key = ("rows", weight)
        if key not in self._known:
            out = self.new(f"{weight.name}_rows", weight.layout.as_tangents)
            self._known[key] = self.emit(View(out, weight))
        return self._known[key]

    # How values meet tangents

    def row(self, value: sp.Expr) -> sp.Expr:
        """(N, M) → (N, 1, M): the same for all tangents."""
        rows = [b for b in self.reads(value) if b.batched and b.tangents is None and b.layout.units]
        return value.xreplace({b.symbol: self._view(b, "row") for b in rows})

    def tangent_column(self, value: sp.Expr, v: Vertex) -> sp.Expr:
        """(N, C) → (N, C, 1), or (N, C, 1, 1): the same for all units and places of a vertex; (M,) → (M, 1)."""
        columns = {}
        for b in self.reads(value):
            if b.tangents is None and len(b.layout.units) == 1:
                columns[b.symbol] = self._view(b, "column" if v.layout.places is None else "column_of_places")
        return value.xreplace(columns)

    def _view(self, b: Buffer, form: str) -> sp.Symbol:
        key = (form, b)
        if key not in self._known:
            layout = b.layout.row_of_tangents if form == "row" else b.layout.column_of_tangents
            if form == "column_of_places":
                layout = replace(layout, places=1)
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

    def identity(self, v: Vertex) -> sp.Expr:
        """The tangents of a vertex along its own units."""
        flat = Layout(units=(v.units,))
        return reshaped(self, self.identity_of(v.units), flat, v.layout, Name(f"identity_{v.name}"))

    def identity_of(self, units: int) -> sp.Symbol:
        """A tangent along each of so many units."""
        key, layout = ("identity", units), Layout(tangents=units, units=(units,))
        if key not in self._known:
            self._known[key] = self.wait(Identity(self.new(f"identity_{units}", layout)))
        return self._known[key]

    def in_a_row(self, value: sp.Expr, v: Vertex, name: Name) -> sp.Expr:
        """A value at a vertex, or tangents there, with all units in a row."""
        if v.layout.places is None:
            return value
        key = ("in a row", (v.name, value))
        if key not in self._known:
            self._known[key] = reshaped(self, value, v.layout, Layout(units=(v.units,)), name)
        return self._known[key]

    def in_places(self, value: sp.Expr, v: Vertex, name: Name) -> sp.Expr:
        """The opposite of `in_a_row`."""
        if v.layout.places is None:
            return value
        return reshaped(self, value, Layout(units=(v.units,)), v.layout, name)

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
        if axis == -2:
            out = self.new(name, replace(src.layout, tangents=None))
            if src.tangents == 1 and src.layout.places is not None:
                return factor * self.reshape(out, src)
            return factor * self.emit(Reduce(out=out, src=src, axis=int(src.batched)))
        if src.layout.places is not None:
            flat = Layout(src.batched, src.tangents, (src.layout.places * src.layout.units[0],))
            src = self.buffer(self.reshape(self.new(name.part("flat"), flat), src))
        assert src.tangents is not None
        out = self.new(name, Layout(src.batched, None, (src.tangents,)))
        return factor * self.emit(Reduce(out=out, src=src, axis=len(src.shape) - 1))

    def unit_sums(self, left: sp.Expr, right: sp.Expr, name: Name, places: int | None = None) -> sp.Expr:
        """Σ_n Σ_c Σ_p left_ncpj right_ncpj, (M,)."""
        return self.row_sum(self.sum_tangents(left * right, name.part("tangents")), name, places)

    # Products

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: Name, places: int | None = None) -> sp.Expr:
        """Σ_n Σ_c Σ_p left_ncpj right_ncpi, (M, D); for the identity as `left` a sum, as `right` its transpose."""
        if left == 0 or right == 0:
            return ZERO
        for key, identity in self._known.items():
            if key[0] == "identity" and right.has(identity):
                return self.transposed_sum(left * (right / identity), name.part("sum"))
            if key[0] == "identity" and left.has(identity) and self._is_plain(right, key[1]):
                factor, summed = self._batch_sum(right * (left / identity), name.part("sum"))
                matrix = Layout(units=(*summed.layout.rows, *summed.layout.units))
                return factor * self.emit(View(self.new(f"{summed.name}_matrix", matrix), summed))
        factor, a, b = self._operands(left, right, name)
        if not (a.batched or b.batched):
            factor *= SAMPLES.symbol
        elif a.batched != b.batched:  # sum over the batch first: one operand is the same for all samples
            a, b = (self._batch_sum(x.symbol, Name(f"{x.name}_sum"))[1] if x.batched else x for x in (a, b))
        return factor * self.product(a, b, Form.TRANSPOSED_TIMES, name)

    def _is_plain(self, value: sp.Expr, tangents: object) -> bool:
        """Whether a value has so many tangents, with a row of units each."""
        layout = self.layout(value)
        return layout.tangents == tangents and layout.places is None

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
