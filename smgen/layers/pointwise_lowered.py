"""A pointwise layer in a schedule. The operation for f also saves the function calls that f′, f″ and f‴ reuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from smgen.calculus.partials import Orders, Partials
from smgen.constants import binary_exponent
from smgen.ir import Buffer, Contribution, Emitter, Name, Pointwise, term
from smgen.layers.broadcast import Table
from smgen.layers.letters import derivative_of
from smgen.layers.protocol import Naming, Vertex
from smgen.layers.straight import NoProducts


@dataclass(kw_only=True)
class LoweredPointwise(NoProducts):
    """A pointwise layer in a schedule. Each derivative is written at its first use.

    `letters` are the letters of the operands' values, `shapes` the shapes of those that do not depend on x.
    """

    e: Emitter
    vertex: Vertex
    f: Partials
    letters: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    saved: Mapping[sp.Expr, sp.Expr]
    value: sp.Expr
    _derivatives: dict[Orders, sp.Expr] = field(default_factory=dict)

    @cached_property
    def pairs(self) -> Sequence[tuple[str, str]]:
        return [(p, q) for p, q in pairs_of(self.vertex, self.f) if self.f.derivative(self._orders(p, q)) != 0]

    @cached_property
    def _position(self) -> Mapping[str, int]:
        return {operand: n for n, operand in enumerate(self.vertex.operands)}

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        for p in self.vertex.inputs:
            yield from self._scaled(e, p, values[p], squared=squared)

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        yield from self._scaled(e, source, value, squared=squared)

    def _scaled(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool) -> Iterator[Contribution]:
        slope = self.partial(source) if value != 0 else sp.S.Zero
        if slope != 0:
            yield term(e.scale(slope**2 if squared else slope, value))

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        return {}

    def collected(self, e: Emitter, constant: str, value: sp.Expr, name: Name) -> sp.Expr:
        table = Table(self.shapes[constant], self.vertex.shape, self.vertex.axes)
        return table.collected(e, value, name, self.vertex.layout.places)

    def partial(self, *operands: str) -> sp.Expr:
        """The derivative, computed from the saved calls at its first use and kept in a buffer."""
        orders = self._orders(*operands)
        if orders not in self._derivatives:
            self._derivatives[orders] = self._derivative(orders)
        return self._derivatives[orders]

    def _orders(self, *operands: str) -> Orders:
        return tuple(sorted(self._position[operand] for operand in operands))

    def _derivative(self, orders: Orders) -> sp.Expr:
        ratio, formula = self.f.ratio(orders), None
        if ratio is not None:
            lower, quotient = ratio
            value = self.partial(*(self.vertex.operands[n] for n in lower)) * quotient.xreplace(self.saved)
        else:
            value, formula = self.f.form(orders).xreplace(self.saved), _as_written(self.f, self.letters, orders)
        coefficient, rest = value.as_coeff_Mul()
        if not value.is_Symbol and not (rest.is_Symbol and _is_moderate(coefficient)):
            value = self.e.bind(derivative_of(self.vertex.name, self.letters, orders, formula), value)
        return value


def pairs_of(v: Vertex, f: Partials) -> list[tuple[str, str]]:
    """All pairs of inputs, each once, without inputs in which f is linear."""
    bent = [p for n, p in enumerate(v.operands) if p in v.inputs and f.derivative((n,)).free_symbols]
    return [(p, q) for n, p in enumerate(bent) for q in bent[n:]]


def written(e: Emitter, v: Vertex, f: Partials, g: Mapping[str, sp.Expr], name: Name) -> LoweredPointwise:
    """One operation for f and the calls that its derivatives reuse, so that all share one exp or tanh."""
    sources = {symbol: _read(e, v, p, g[p]) for symbol, p in zip(f.symbols, v.operands, strict=True)}
    letters = {operand: _letter(e.buffer(g[operand])) for operand in v.operands}
    known: dict[sp.Expr, sp.Expr] = dict(sources)
    outs: list[Buffer] = []
    exprs: list[sp.Expr] = []
    layout = v.layout
    labels: Counter[str] = Counter()
    for call in f.saved:
        if call != f.form():
            out = e.new(_saved_name(v, f, letters, call, labels), layout)
            outs.append(out)
            exprs.append(call.xreplace(sources))
            known[call] = out.symbol
    assert name.letter is not None
    value = e.new(replace(name, letter=replace(name.letter, formula=_as_written(f, letters, ()))), layout)
    outs.append(value)
    exprs.append(f.form().xreplace(known))
    if f.form() in f.saved:
        known[f.form()] = value.symbol
    reads = tuple(b for b in e.reads(*exprs) if b not in outs)
    result = e.emit(Pointwise(tuple(outs), tuple(exprs), reads))
    shapes = {operand: e.buffer(g[operand]).layout.units for operand in v.constants}
    return LoweredPointwise(e=e, vertex=v, f=f, letters=letters, shapes=shapes, saved=known, value=result)


def _read(e: Emitter, v: Vertex, operand: str, value: sp.Expr) -> sp.Expr:
    """An operand beside the others: a parameter that the layer repeats is read as a table."""
    if operand not in v.constants or not v.batched:
        return value
    source = e.buffer(value)
    return Table(source.layout.units, v.shape, v.axes).read(e, value, Name(source.name))


def _letter(value: Buffer) -> str:
    return value.name if value.letter is None else value.letter.text


def _saved_name(v: Vertex, f: Partials, letters: Mapping[str, str], call: sp.Expr, labels: Counter[str]) -> Name:
    """`f_prime_softplus_1` for a call that is a derivative, otherwise for example `sigmoid_minus_softplus_1`."""
    for orders in f.orders():
        if f.form(orders) == call:
            return derivative_of(v.name, letters, orders)
    label: str = call.func.__name__ + ("_minus" if call.args[0].could_extract_minus_sign() else "")
    labels[label] += 1
    label = f"{label}_{labels[label]}" if labels[label] > 1 else label
    return Name(f"{label}_{v.name}", role=f"{label}_g")


def _as_written(f: Partials, letters: Mapping[str, str], orders: Orders) -> sp.Expr | None:
    """The derivative in its textbook form; None if it is computed in that form."""
    if f.form(orders) == f.derivative(orders):
        return None
    names = (sp.Symbol(letter, real=True) for letter in letters.values())
    return f.derivative(orders).xreplace(dict(zip(f.symbols, names, strict=True)))


def _is_moderate(coefficient: sp.Expr) -> bool:
    """Whether powers of a coefficient stay in the range of every dtype, so that sympy may merge it into a product."""
    return coefficient.is_number and abs(binary_exponent(coefficient)) <= 20
