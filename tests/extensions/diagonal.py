"""A kind of layer that smgen does not have: a learned diagonal matrix, with a number for each unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

import smgen as sm
from smgen.ir import Emitter, Name
from smgen.layers.linear_maps import LinearLayer
from smgen.layers.nodes import Node
from smgen.layers.protocol import Array, Vertex
from smgen.origins import here


class Diagonal(LinearLayer):
    kind = "diagonal"

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> DiagonalMap:
        return DiagonalMap(parameters[0], sp.S.One)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return np.diag(parameters[0])


@dataclass(frozen=True)
class DiagonalMap:
    entries: sp.Expr
    slope: sp.Expr  # of an entry by its parameter

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.bind(name, e.scale(self.entries, value), number)

    backward = forward

    def squared(self, e: Emitter) -> DiagonalMap:
        return DiagonalMap(self.entries**2, 2 * self.entries)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        return (self.slope * e.unit_sums(left, right, names[0]),)


def diagonal(source: Node, name: str) -> Node:
    operands = (source, sm.parameter(source.units, name=f"{name}_gain"))
    return Node(layer=Diagonal(), operands=operands, shape=source.shape, name=name, origin=here())
