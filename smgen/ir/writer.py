"""Writes operations into sweeps. A value is a sympy expression over buffers; a constant value stays a number.

So no operation is written for a term that vanishes: δ′_out = 0, f″ = 0 and δ_out = 1 are numbers, sympy multiplies them
out, and what is left is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir.buffers import SCALAR, Buffer, Kind, Layout, Name, broadcast, free_name, names_in
from smgen.ir.moves import Concat, View
from smgen.ir.operations import Op, Pointwise
from smgen.ir.schedules import Sweep

ZERO: Final = sp.S.Zero

Contribution: TypeAlias = Callable[[Name, str], sp.Expr]
"""A summand: a function of a name and an equation number, which it may use for a new buffer."""


def term(value: sp.Expr) -> Contribution:
    """A summand whose value is already known."""
    return lambda name, number: value


class Writer:
    """Collects the sweeps of one schedule in single-assignment form."""

    def __init__(self, inputs: Iterable[Buffer]) -> None:
        self.inputs = tuple(inputs)
        self.buffers: dict[str, Buffer] = {b.name: b for b in self.inputs}
        self._no_results = set(self.buffers)
        self.sweeps: list[tuple[str, list[Op]]] = []
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
        """A new buffer, under the next free name if another has this one."""
        name = Name(name) if isinstance(name, str) else name
        code = free_name(name.code, self.buffers)
        self.buffers[code] = Buffer(code, layout, name.letter, kind=kind, role=name.role)
        return self.buffers[code]

    def emit(self, op: Op) -> sp.Symbol:
        """Append an operation to the current sweep; returns the symbol of its last output."""
        for b in op.reads:
            if b in self._waiting:
                self.sweeps[-1][1].append(self._waiting.pop(b))
        self.sweeps[-1][1].append(op)
        return op.outs[-1].symbol

    def reshape(self, out: Buffer, src: Buffer, number: str = "") -> sp.Symbol:
        """The numbers of a buffer in other axes, without a copy."""
        self._no_results.add(out.name)
        return self.emit(View(out, src, number=number))

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
            if value.name in self._no_results:
                self._no_results.add(out.name)
            return self.emit(View(out, self.buffer(value), number=number))
        return self._store(out, value, number)

    def _store(self, out: Buffer, value: sp.Expr, number: str = "") -> sp.Symbol:
        return self.emit(Pointwise((out,), (value,), self.reads(value), number))

    def result(
        self,
        name: Name,
        layout: Layout,
        value: sp.Expr,
        number: str = "",
        kind: Kind = "real",
        *,
        is_sum: bool = False,
    ) -> Buffer:
        """A result of the function: a buffer of exactly this layout, even for a constant.

        It is never an argument itself, nor a part of another buffer, nor its numbers in another shape. With `is_sum`, a
        sum over the batch, it is a copy: sums are taken in parts.
        """
        out = self.new(name, layout, kind)
        if value.is_Symbol and not is_sum and value.name not in self._no_results:
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

    def in_buffer(self, value: sp.Expr, name: Name | str) -> sp.Expr:
        """The symbol of a buffer that holds the value."""
        return value if value.is_Symbol else self._store(self.new(name, self.layout(value)), value)

    def in_layout(self, value: sp.Expr, layout: Layout, name: Name | str) -> sp.Symbol:
        """The symbol of a buffer of exactly this layout, to which the value broadcasts."""
        if value.is_Symbol and self.layout(value) == layout:
            return value
        return self._store(self.new(name, layout), value)

    def concat(self, name: Name, parts: list[tuple[sp.Expr, int]], number: str = "") -> sp.Expr:
        """The parts side by side. If all parts are the same constant, the result is that constant."""
        if len({value for value, _ in parts}) == 1 and self.is_constant(parts[0][0]):
            return parts[0][0]
        part = name.part("part")
        values = tuple((v if self.is_constant(v) else self.in_buffer(v, part), width) for v, width in parts)
        layouts = [self.layout(v) for v, _ in values]
        others = broadcast(*(replace(layout, units=layout.units[:-1]) for layout in layouts))
        layout = replace(others, units=(*others.units, sum(width for _, width in parts)))
        return self.emit(Concat(self.new(name, layout), values, self.reads(*(v for v, _ in values)), number))

    def slice(self, value: sp.Expr, start: int, width: int, name: Name, number: str = "") -> sp.Expr:
        """Units start … start + width of a value, without a copy."""
        if self.is_constant(value):
            return value
        src = self.buffer(self.in_buffer(value, name.part("arg")))
        if src.layout.units[-1] == width:
            return src.symbol
        out = self.new(name, src.layout.with_units(width))
        self._no_results.add(out.name)
        return self.emit(View(out, src, start, number))
