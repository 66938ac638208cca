"""Writes operations into sweeps. A value is a sympy expression over buffers; a constant value stays a number.

So no operation is written for a term that vanishes: δ′_out = 0, f″ = 0 and δ_out = 1 are numbers, sympy multiplies them
out, and the emitter writes the rest. A product with a value that does not vary over the batch is written in the cheaper
form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir.buffers import BATCH, SAMPLES, SCALAR, Buffer, Kind, Layout, Letter, Name, broadcast, names_in
from smgen.ir.operations import Concat, Form, Op, Pointwise, Product, Reduce, View, product_layout
from smgen.ir.schedules import Sweep

ZERO: Final = sp.S.Zero

Contribution: TypeAlias = Callable[[Name, str], sp.Expr]
"""A summand: a function of a name and an equation number, which it may use for a new buffer."""


def term(value: sp.Expr) -> Contribution:
    """A summand whose value is already known."""
    return lambda name, number: value


class Emitter:
    """Collects the sweeps of one schedule in single-assignment form."""

    def __init__(self, inputs: Iterable[Buffer]) -> None:
        self.inputs = tuple(inputs)
        self.buffers: dict[str, Buffer] = {b.name: b for b in self.inputs}
        self._argument_names = set(self.buffers)
        self.sweeps: list[tuple[str, list[Op]]] = []
        self._batch_sums: dict[sp.Expr, sp.Expr] = {}
        self._columns: dict[sp.Expr, sp.Expr] = {}
        self._squares: dict[Buffer, Buffer] = {}
        self._ones: dict[int, Buffer] = {}
        self._waiting: dict[Buffer, Op] = {}

    # Questions about a value

    def layout(self, value: sp.Expr) -> Layout:
        """The layout its buffers broadcast to: that of a scalar for constants and for expressions of λ and N alone."""
        return broadcast(*(b.layout for b in self.reads(value)))

    def is_constant(self, value: sp.Expr) -> bool:
        """Whether every unit of every sample has this one value."""
        return self.layout(value) == SCALAR

    def is_batched(self, value: sp.Expr) -> bool:
        """Whether the value varies over the batch."""
        return self.layout(value).batch

    def reads(self, *values: sp.Expr) -> tuple[Buffer, ...]:
        """The buffers that occur in the values, sorted by name."""
        names = sorted({name for value in values for name in names_in(value)})
        return tuple(self.buffers[name] for name in names)

    def buffer(self, symbol: sp.Expr) -> Buffer:
        """The buffer that a symbol stands for."""
        return self.buffers[symbol.name]

    # Writing

    def sweep(self, name: str) -> None:
        """Begin a sweep. Operations that are emitted from now on belong to it."""
        self.sweeps.append((name, []))

    def finished(self) -> tuple[Sweep, ...]:
        """The sweeps that hold operations."""
        return tuple(Sweep(name, tuple(ops)) for name, ops in self.sweeps if ops)

    def new(self, name: Name | str, layout: Layout, kind: Kind = "real") -> Buffer:
        """A new buffer. Underscores are added to a name that is already taken."""
        name = Name(name) if isinstance(name, str) else name
        code = name.code
        while code in self.buffers:
            code += "_"
        self.buffers[code] = Buffer(code, layout, name.letter, kind=kind, role=name.role)
        return self.buffers[code]

    def emit(self, op: Op) -> sp.Symbol:
        """Append an operation to the current sweep; returns the symbol of its last output."""
        for b in op.reads:
            if b in self._waiting:
                self.sweeps[-1][1].append(self._waiting.pop(b))
        self.sweeps[-1][1].append(op)
        return op.outs[-1].symbol

    def wait(self, op: Op) -> sp.Symbol:
        """The symbol of an operation that is written only when another operation reads it."""
        self._waiting[op.outs[-1]] = op
        return op.outs[-1].symbol

    def bind(self, name: Name, value: sp.Expr, number: str = "") -> sp.Expr:
        """Give a value a buffer of this name. Constants stay numbers; the value of another buffer becomes a view."""
        if self.is_constant(value) or value == sp.Symbol(name.code, real=True):
            return value
        if not self.is_batched(value) and value.as_coeff_Mul()[1].is_Symbol and not value.is_Symbol:
            return value  # a multiple of a row is not worth another row
        out = self.new(name, self.layout(value))
        if value.is_Symbol:
            if value.name in self._argument_names:
                self._argument_names.add(out.name)
            return self.emit(View(out, self.buffer(value), number=number))
        return self._store(out, value, number)

    def _store(self, out: Buffer, value: sp.Expr, number: str = "") -> sp.Symbol:
        return self.emit(Pointwise((out,), (value,), self.reads(value), number))

    def result(self, name: Name, layout: Layout, value: sp.Expr, number: str = "", kind: Kind = "real") -> Buffer:
        """A result of the function: a buffer of exactly this layout, even for a constant, never an argument itself."""
        out = self.new(name, layout, kind)
        if value.is_Symbol and value.name not in self._argument_names:
            source = self.buffer(value)
            if source.layout == layout != SCALAR and kind == source.kind:
                return self.buffer(self.emit(View(out, source, number=number)))
        return self.buffer(self._store(out, value, number))

    def sum_of(self, name: Name, number: str, parts: list[Contribution], start: sp.Expr = ZERO) -> sp.Expr:
        """The sum of contributions under this name. A single contribution gets the name itself."""
        if len(parts) == 1 and start == 0:
            return self.bind(name, parts[0](name, number), number)
        terms = [part(name.part(f"term_{position}"), "") for position, part in enumerate(parts, start=1)]
        return self.bind(name, sp.Add(start, *terms), number)

    # Products and sums

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
        if self.is_constant(value):
            if value == 1:
                out = self.new(name, Layout(units=(units,)))
                return self.emit(Reduce(out=out, src=weight, axis=contracted, was_product=True, number=number))
            total = self.new(f"{weight.name}_sum", Layout(units=(units,)))
            return value * self.emit(Reduce(out=total, src=weight, axis=contracted, was_product=True))
        operand = self.buffer(self.in_buffer(value, name.part("arg")))
        form = Form.TIMES if contracted == 0 else Form.TIMES_TRANSPOSED
        return self.product(operand, weight, form, name, number)

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

    def in_buffer(self, value: sp.Expr, name: Name | str) -> sp.Expr:
        """The symbol of a buffer that holds the value."""
        return value if value.is_Symbol else self._store(self.new(name, self.layout(value)), value)

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_n left_nj right_ni as an expression over (M, D). If possible, the batch is summed before multiplying."""
        if left == 0 or right == 0:
            return ZERO
        if self.is_batched(left) and self.is_batched(right):
            a, b = (self.buffer(self.in_buffer(v, name.part("arg"))) for v in (left, right))
            return self.product(a, b, Form.TRANSPOSED_TIMES, name)
        if self.is_batched(left):
            return self.column(self.batch_sum(left, name.part("sum"), was_product=True)) * right
        return self.column(left) * self.batch_sum(right, name.part("sum"), was_product=True)

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

    def unit_sums(self, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_n left_nj right_nj, a number for each unit; `Tangents` sums over tangents too."""
        return self.batch_sum(left * right, name) if left * right != 0 else ZERO

    def ones(self, units: int) -> Buffer:
        """A row of ones, (1, M), written once."""
        if units not in self._ones:
            name = Name(f"row_of_ones_{units}", Letter(f"ones_{units}", family="ones"))
            self._ones[units] = self.result(name, Layout(units=(1, units)), sp.S.One)
        return self._ones[units]

    def mean_sum(self, value: sp.Expr, units: int, name: Name) -> sp.Expr:
        """(1/N) Σ_n Σ_d value_nd in float64, as a scalar expression."""
        if self.is_constant(value):
            return units * value
        src = self.buffer(self.in_buffer(value, name.part("terms")))
        total = self.emit(Reduce(out=self.new(name, SCALAR, "accumulator"), src=src, axis=None))
        return total / SAMPLES.symbol if src.batched else total

    def concat(self, name: Name, parts: list[tuple[sp.Expr, int]], number: str = "") -> sp.Expr:
        """The parts side by side. If all parts are the same constant, the result is that constant."""
        if len({value for value, _ in parts}) == 1 and self.is_constant(parts[0][0]):
            return parts[0][0]
        part = name.part("part")
        values = tuple((v if self.is_constant(v) else self.in_buffer(v, part), width) for v, width in parts)
        layouts = [self.layout(v) for v, _ in values]
        others = broadcast(*(Layout(layout.batch, layout.tangents, layout.units[:-1]) for layout in layouts))
        layout = Layout(others.batch, others.tangents, (*others.units, sum(width for _, width in parts)))
        return self.emit(Concat(self.new(name, layout), values, self.reads(*(v for v, _ in values)), number))

    def slice(self, value: sp.Expr, start: int, width: int, name: Name, number: str = "") -> sp.Expr:
        """Units start … start + width of a value, without a copy."""
        if self.is_constant(value):
            return value
        src = self.buffer(self.in_buffer(value, name.part("arg")))
        if src.layout.units[-1] == width:
            return src.symbol
        layout = Layout(src.batched, src.tangents, (*src.layout.units[:-1], width))
        return self.emit(View(self.new(name, layout), src, start, number))
