"""The fully connected layer, g = W f + b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import sympy as sp

from smgen.errors import NetworkError, shortened
from smgen.ir import Emitter, Name
from smgen.layers.linear_maps import LinearLayer, LinearMap
from smgen.layers.nodes import Node, checked_name, node_of, units_of, varying
from smgen.layers.parameter import learned
from smgen.layers.protocol import Array, Equations, Vertex
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Dense(LinearLayer):
    """g = W f + b. Operands: f, W and, with a bias, b."""

    bias: bool
    kind: ClassVar[str] = "linear"

    @property
    def equations(self) -> Equations:
        return "linear"

    @property
    def text(self) -> str:
        return f"linear[bias={self.bias}]"

    def summary(self, operands: Sequence[str]) -> str:
        source, weight, *bias = operands
        return " + ".join((f"{weight} @ {source}", *bias))

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> WeightMap:
        (weight,) = parameters
        return WeightMap(weight)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        (weight,) = parameters
        return weight

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        source, weight, *bias = (names[operand] for operand in v.operands)
        return " + ".join((f"{source} @ {weight}.T", *bias))

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        weight = names[v.operands[1]]
        return f"{value} @ ({weight} * {weight})" if squared else f"{value} @ {weight}"


@dataclass(frozen=True, slots=True)
class WeightMap:
    """v ↦ W v, W of shape (units, units of the input)."""

    weight: sp.Expr

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.forward(value, e.buffer(self.weight), name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.backward(value, e.buffer(self.weight), name, number)

    def squared(self, e: Emitter) -> LinearMap:
        return SquaredMap(e.square(e.buffer(self.weight)).symbol, self.weight)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        return (e.outer_sum(left, right, name),)


@dataclass(frozen=True, slots=True)
class SquaredMap(WeightMap):
    """v ↦ (W ∘ W) v, with gradients by W."""

    root: sp.Expr

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        return (2 * self.root * e.outer_sum(left, right, name),)


def linear(
    source: Node, units: int, *, bias: bool = True, name: str | None = None, weights: str | Node | None = None
) -> Node:
    """g = W f + b, W of shape (units, source.units).

    Layers with the same name as `weights` share weights and bias: the name of another linear layer, or any other name.
    `weights` can also be a node of this shape that depends on parameters alone. By default a layer has its own weights.
    """
    origin = here()
    node = node_of(source, origin, "linear")
    varying([node], origin, "linear")
    count = units_of(units, origin)
    if not isinstance(bias, bool):
        raise NetworkError(
            origin=origin, what=f"bias must be True or False; got {shortened(bias)}", hint="e.g. bias=False"
        )
    group, shape = "", (count, node.units)
    if isinstance(weights, Node):
        if weights.depends_on_x or weights.shape != shape:
            raise NetworkError(
                origin=origin,
                what=f"weights= takes a node of shape {shape} that depends on parameters alone; got {weights}",
                hint=f"e.g. sm.parameter({shape}), or sm.exp of it",
            )
    elif weights is not None:
        group = checked_name(
            "weights", weights, origin, "weights= names the layer to share with, e.g. 'filters', or is a node"
        )
    weight = weights if isinstance(weights, Node) else learned("weight", shape, origin, group=group)
    operands = (node, weight, *((learned("bias", (count,), origin, group=group),) if bias else ()))
    return Node(layer=Dense(bias), operands=operands, shape=(count,), name=name, origin=origin)
