"""The state of lowering one function, and the forward sweep, which lowers every layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sympy as sp

from smgen.ir import Buffer, Emitter, Name
from smgen.layers.letters import G, fixed_buffer, parameter_buffer
from smgen.layers.protocol import Lowered
from smgen.lower.names import input_buffers
from smgen.network import Network, Vertex


@dataclass(kw_only=True)
class Lowering:
    """The state of lowering one function: the network, the emitter and, after `forward`, every lowered layer."""

    network: Network
    arguments: tuple[Buffer, ...] = ()
    emitter: Emitter = field(init=False)
    lowered: dict[str, Lowered] = field(default_factory=dict)
    g: dict[str, sp.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.emitter = Emitter((*input_buffers(self.network), *self.arguments))

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
            given[v.name] = self.emitter.slice(rows.symbol, start, v.units, part)
            start += v.units
        for v in self.network.all_vertices:
            if v.name not in self.g:
                self.lowered[v.name] = v.layer.lower(self.emitter, v, given | self.g, self._name(v))
                self.g[v.name] = self.lowered[v.name].value
