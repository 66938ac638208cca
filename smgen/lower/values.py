"""The state of lowering one function, and the forward sweep, which lowers every layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from smgen.ir import Buffer, Emitter
from smgen.layers.letters import G, parameter_buffer
from smgen.layers.protocol import Lowered
from smgen.lower.names import input_buffers
from smgen.network import Network


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

    def forward(self) -> None:
        """g of every vertex, in order; the vertices that depend on parameters alone come first."""
        self.emitter.sweep("forward")
        for key, shape in self.network.parameters.items():
            self.g[key] = parameter_buffer(key, shape).symbol
        for v in self.network.all_vertices:
            if v.name not in self.g:
                self.lowered[v.name] = v.layer.lower(self.emitter, v, self.g, G.of_array(v.name, v.shape))
                self.g[v.name] = self.lowered[v.name].value
