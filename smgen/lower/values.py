"""The state of lowering one function, and the forward sweep, which lowers every layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sympy as sp

from smgen.ir import Buffer, Emitter, Layout, Letter, Name
from smgen.layers.data import from_rows
from smgen.layers.letters import G, fixed_buffer, parameter_buffer
from smgen.layers.protocol import Lowered
from smgen.lower.names import given_buffer, input_buffers
from smgen.network import Network, Vertex
from smgen.objectives import SAMPLE_WEIGHTS, Given, X


@dataclass(kw_only=True)
class Lowering:
    """The state of lowering one function: the network, the emitter and, after `forward`, every lowered layer.

    `given` are the arrays that come with the data, and `place` is where derivatives are taken, by x and these;
    `arguments` are the mode's. `weighted_energy` says that E has the weights of samples, `each` that totals are those
    of each sample. After `forward`, `at_x` has x and what is given, with the axes of x.
    """

    network: Network
    arguments: tuple[Buffer, ...] = ()
    given: tuple[Given, ...] = ()
    place: sp.Expr = X
    weighted_energy: bool = False
    each: bool = False
    at_x: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)
    emitter: Emitter = field(init=False)
    lowered: dict[str, Lowered] = field(default_factory=dict)
    g: dict[str, sp.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inputs = input_buffers(self.network, is_place=self.place == X)
        self.emitter = Emitter(
            (*inputs, *(given_buffer(self.network, g) for g in self.given), *self.arguments), each=self.each
        )

    def _name(self, v: Vertex) -> Name:
        """`g_filters`. A form of a constant has the letter of the constant."""
        if not v.layer.is_form:
            return G.of_array(v.name, v.shape)
        source = self.emitter.buffer(self.g[v.operands[0]])
        return replace(source.part(v.layer.kind), letter=source.letter)

    def forward(self) -> None:
        """g of every vertex, in order; the vertices that depend on parameters alone come first."""
        self.emitter.sweep("forward")
        for key, shape in self.network.parameters.items():
            self.g[key] = parameter_buffer(key, shape).symbol
        for key, array in self.network.fixed.items():
            self.g[key] = fixed_buffer(key, array.shape).symbol
        rows, start = self.emitter.inputs[0], 0
        given: dict[str, sp.Expr] = {}
        for v in self.network.given:
            name = G.of(v.name)
            part = name if v.layout.places is None else Name(f"{name.code}_rows", name.letter)
            own = self.place if v.layer.is_data else X
            source = part if own == X else Name(f"{name.code}_given", Letter("x", family="x"))
            value = self.emitter.slice(rows.symbol, start, v.units, source)
            symbols = {g.symbol: self.emitter.buffers[g.name].symbol for g in self.given}
            given[v.name] = value if own == X else self.emitter.bind(part, own.xreplace({X: value} | symbols))
            start += v.units
        for v in self.network.all_vertices:
            if v.name not in self.g:
                self.lowered[v.name] = v.layer.lower(self.emitter, v, given | self.g, self._name(v))
                self.g[v.name] = self.lowered[v.name].value
        x = self.network.input
        self.at_x = {g.symbol: self._at_x(g) for g in self.given} | {X: self.g[x.name]}

    def weight_of(self, v: Vertex, count: sp.Expr) -> sp.Expr:
        """So many times the weight of each sample, at every unit of v; the number where samples have no weights."""
        e = self.emitter
        if SAMPLE_WEIGHTS not in self.given:
            return count
        value, name = e.buffers[SAMPLE_WEIGHTS.name].symbol, Name(f"weights_at_{v.name}")
        if v.layout.places is not None:
            layout = Layout(batch=True, units=(1,), places=1)
            value = e.reshape(e.new(name.part("row"), layout), e.buffer(value))
        return e.in_layout(count * value, v.layout, name)

    def _at_x(self, given: Given) -> sp.Expr:
        """What is given, with the axes of x."""
        x, e = self.network.input, self.emitter
        buffer = e.buffers[given.name]
        if x.layout.places is None:
            return buffer.symbol
        if given.is_like_x:
            return from_rows(e, buffer.symbol, x, Name(f"{given.name}_at_x", buffer.letter))
        return e.reshape(e.new(f"{given.name}_at_x", Layout(batch=True, units=(1,), places=1)), buffer)
