"""Products and sums over samples, places and units, each in the cheapest form.

A product with a value that does not vary over the batch is taken after the sum over the batch, and a value that all
units share is multiplied by the sums of a weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from smgen.ir.buffers import BATCH, SAMPLES, SCALAR, Buffer, Layout, Letter, Name
from smgen.ir.moves import View
from smgen.ir.operations import Pointwise, Reduce
from smgen.ir.products import Form, Product, product_layout
from smgen.ir.writer import ZERO, Writer


class Emitter(Writer):
    """Collects the sweeps of one schedule in single-assignment form. With `each`, totals are those of each sample."""

    def __init__(self, inputs: Iterable[Buffer], *, each: bool = False) -> None:
        super().__init__(inputs)
        self._batch_sums: dict[object, sp.Expr] = {}
        self._columns: dict[sp.Expr, sp.Expr] = {}
        self._squares: dict[Buffer, Buffer] = {}
        self._ones: dict[int, Buffer] = {}
        self._each = each

    def scale(self, factor: sp.Expr, value: sp.Expr) -> sp.Expr:
        """A factor of the sample times a value, unit by unit. `Tangents` overrides this."""
        return factor * value

    def square(self, weight: Buffer) -> Buffer:
        """W ∘ W, written once."""
        if weight not in self._squares:
            out = self.new(weight.part("squared"), weight.layout)
            self.emit(Pointwise((out,), (weight.symbol**2,), (weight,)))
            self._squares[weight] = out
        return self._squares[weight]

    def backward(self, value: sp.Expr, weight: Buffer, name: Name, number: str = "") -> sp.Expr:
        """Σ_j value_j w_ji, from a layer's outputs to its inputs: equations (1), (14), (15)."""
        return self._matrix_product(value, weight, name, number, 0)

    def forward(self, value: sp.Expr, weight: Buffer, name: Name, number: str = "") -> sp.Expr:
        """Σ_i w_ji value_i, from a layer's inputs to its outputs: equations (11), (12), (13)."""
        return self._matrix_product(value, weight, name, number, 1)

    def _matrix_product(self, value: sp.Expr, weight: Buffer, name: Name, number: str, contracted: int) -> sp.Expr:
        units = weight.layout.shape[1 - contracted]
        assert units != BATCH
        if value == 0:
            return ZERO
        if self._has_one_unit(value, weight.layout.shape[contracted]):
            if value == 1:
                out = self.new(name, Layout(units=(units,)))
                return self.emit(Reduce(out=out, src=weight, axis=contracted, was_product=True, number=number))
            total = self.new(f"{weight.name}_sum", Layout(units=(units,)))
            return value * self.emit(Reduce(out=total, src=weight, axis=contracted, was_product=True))
        operand = self.buffer(self.in_buffer(value, name.part("arg")))
        form = Form.TIMES if contracted == 0 else Form.TIMES_TRANSPOSED
        return self.product(operand, weight, form, name, number)

    def _has_one_unit(self, value: sp.Expr, units: int | str) -> bool:
        """Whether all of so many units have one value: a constant, or a parameter of one number for each place."""
        return self.is_constant(value) or self.layout(value).units[-1] == 1 != units

    def product(
        self,
        left: Buffer,
        right: Buffer,
        form: Form,
        name: Name | str,
        number: str = "",
        *,
        each_sample: bool = False,
        layout: Layout | None = None,
    ) -> sp.Symbol:
        """A matrix product in a new buffer. `layout` replaces the layout that follows from the operands."""
        own = product_layout(form, left.layout, right.layout, each_sample=each_sample)
        out = self.new(name, layout or own)
        return self.emit(Product(out=out, left=left, right=right, form=form, each_sample=each_sample, number=number))

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: Name, places: int | None = None) -> sp.Expr:
        """Σ_n Σ_p left_npj right_npi as an expression over (M, D). If possible, a sum is taken before multiplying.

        `places` is the number of places p; None for values with a row a sample.
        """
        if left == 0 or right == 0:
            return ZERO
        if all(map(self.is_batched, (left, right))) or all(self.layout(v).places is not None for v in (left, right)):
            if self.is_batched(left) != self.is_batched(right):
                left, right = (self.batch_sum(v, name.part("sum")) if self.is_batched(v) else v for v in (left, right))
                factor = sp.S.One
            else:
                factor = sp.S.One if self.is_batched(left) else SAMPLES.symbol
            a, b = (self.buffer(self.in_buffer(v, name.part("arg"))) for v in (left, right))
            return factor * self.product(a, b, Form.TRANSPOSED_TIMES, name)
        if self.is_batched(left) or self.layout(left).places is not None:
            return self.column(self.row_sum(left, name.part("sum"), places, was_product=True)) * right
        return self.column(left) * self.row_sum(right, name.part("sum"), places, was_product=True)

    def column(self, value: sp.Expr) -> sp.Expr:
        """A row of per-unit values as a column, to multiply the rows of a weight."""
        if self.is_constant(value):
            return value
        if value not in self._columns:
            row = self.buffer(self.in_buffer(value, "column_arg"))
            out = self.new(f"{row.name}_column", row.layout.column)
            self._columns[value] = self.emit(View(out, row))
        return self._columns[value]

    def batch_sum(self, value: sp.Expr, name: Name, *, was_product: bool = False) -> sp.Expr:
        """Σ_n value_nj: N times a value that does not vary over the batch, a reduction of one that does."""
        if not self.is_batched(value):
            return SAMPLES.symbol * value
        if value not in self._batch_sums:
            src = self.buffer(self.in_buffer(value, name.part("terms")))
            out = self.new(name, src.layout.once)
            self._batch_sums[value] = self.emit(Reduce(out=out, src=src, axis=0, was_product=was_product))
        return self._batch_sums[value]

    def row_sum(self, value: sp.Expr, name: Name, places: int | None, *, was_product: bool = False) -> sp.Expr:
        """Σ_n Σ_p value_npj, a number for each unit."""
        if places is None:
            return self.batch_sum(value, name, was_product=was_product)
        layout = self.layout(value)
        factor = sp.Integer(places // (layout.places or 1)) * (1 if layout.batch else SAMPLES.symbol)
        if layout.places is None:
            return factor * (self.batch_sum(value, name) if layout.batch else value)
        key = ("rows", value)
        if key not in self._batch_sums:
            src = self.buffer(self.in_buffer(value, name.part("terms")))
            out = self.new(name, Layout(units=src.layout.units))
            self._batch_sums[key] = self.emit(Reduce(out=out, src=src, axis="rows", was_product=was_product))
        return factor * self._batch_sums[key]

    def unit_sums(self, left: sp.Expr, right: sp.Expr, name: Name, places: int | None = None) -> sp.Expr:
        """Σ_n Σ_p left_npj right_npj, a number for each unit; `Tangents` sums over tangents too."""
        return self.row_sum(left * right, name, places) if left * right != 0 else ZERO

    def ones(self, units: int) -> Buffer:
        """A row of ones, (1, M), written once."""
        if units not in self._ones:
            name = Name(f"row_of_ones_{units}", Letter(f"ones_{units}", family="ones"))
            self._ones[units] = self.result(name, Layout(units=(1, units)), sp.S.One)
        return self._ones[units]

    def total(self, value: sp.Expr, units: int, name: Name) -> sp.Expr:
        """Σ_d value_nd: the mean over the batch, or with `each` the sums of all samples, (N,)."""
        return (self.sample_sum if self._each else self.mean_sum)(value, units, name)

    def sample_sum(self, value: sp.Expr, units: int, name: Name) -> sp.Expr:
        """Σ_d value_nd, (N,), or a number that all samples have; a value has so many `units`, in all its places."""
        if self.is_constant(value):
            return units * value
        layout = self.layout(value)
        src = self.in_layout(value, replace(layout, batch=True), name.part("terms"))
        times = max(units // layout.count, 1) if layout.tangents is None else 1  # a value that several places share
        count = layout.count * (layout.tangents or 1)
        if layout.rows or count == 1:
            flat = Layout(batch=True, units=(count,) if count > 1 else ())
            src = self.reshape(self.new(name.part("row"), flat), self.buffer(src))
        if count == 1:
            return times * src
        return times * self.emit(Reduce(out=self.new(name, Layout(batch=True)), src=self.buffer(src), axis=1))

    def mean_sum(self, value: sp.Expr, units: int, name: Name) -> sp.Expr:
        """(1/N) Σ_n Σ_d value_nd in float64, as a scalar expression; a value has so many `units`, in all its places."""
        if self.is_constant(value):
            return units * value
        src = self.buffer(self.in_buffer(value, name.part("terms")))
        total = self.emit(Reduce(out=self.new(name, SCALAR, "accumulator"), src=src, axis=None))
        times = max(units // src.layout.count, 1)  # a value that is the same in several places
        return times * total / SAMPLES.symbol if src.batched else times * total
