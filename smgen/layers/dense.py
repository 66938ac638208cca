"""The fully connected layer, g = W f + b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Final

import numpy as np
import sympy as sp

from smgen.ir import Along, Emitter, Name
from smgen.layers.along_axes import along_axes
from smgen.layers.linear_maps import LinearLayer, LinearMap
from smgen.layers.nodes import Node, checked_bias, node_of, units_of, varying
from smgen.layers.parameter import checked_weights, learned, shared_weight
from smgen.layers.patterns import Paths, Support
from smgen.layers.protocol import Array, Equations, Vertex
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Dense(LinearLayer):
    """g = W f + b. Operands: f, W and, with a bias, b. `pattern` says of a fixed W which of its numbers are not 0."""

    bias: bool
    pattern: bytes = b""
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
        return WeightMap(weight, v.layout.places)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        (weight,) = parameters
        return np.kron(np.eye(v.units // weight.shape[0]), weight)

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        source, axis, units = below[v.operands[0]], len(v.shape) - 1, v.shape[-1]
        if not self.pattern:
            return source.mixed(axis, units)
        at = np.frombuffer(self.pattern, np.bool_).reshape(units, -1)
        return source.along(axis, Support.of(*at.shape, *np.nonzero(at)))

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        source, weight, *bias = (names[operand] for operand in v.operands)
        return " + ".join((f"{source} @ {weight}.T", *bias))

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        weight = names[v.operands[1]]
        return f"{value} @ ({weight} * {weight})" if squared else f"{value} @ {weight}"


@dataclass(frozen=True, slots=True)
class WeightMap:
    """v ↦ W v in every place, W of shape (units, units of the input)."""

    weight: sp.Expr
    places: int | None = None

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.forward(value, e.buffer(self.weight), name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.backward(value, e.buffer(self.weight), name, number)

    def squared(self, e: Emitter) -> LinearMap:
        return SquaredMap(e.square(e.buffer(self.weight)).symbol, self.places, self.weight)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        return (e.outer_sum(left, right, name, self.places),)


@dataclass(frozen=True, slots=True)
class SquaredMap(WeightMap):
    """v ↦ (W ∘ W) v, with gradients by W."""

    root: sp.Expr = sp.S.Zero

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        return (2 * self.root * e.outer_sum(left, right, name, self.places),)


def linear(
    source: Node, units: int, *, bias: bool = True, name: str | None = None, weights: str | Node | None = None
) -> Node:
    """g = W f + b, W of shape (units, units of f), along the last axis of f.

    Layers with the same name as `weights` share weights and bias: the name of another linear layer, or any other name.
    `weights` can also be a node of this shape that depends on parameters alone. By default a layer has its own weights.
    """
    origin = here()
    node = node_of(source, origin, "linear")
    varying([node], origin, "linear")
    count = units_of(units, origin)
    if isinstance(weights, Node) and (entries := _few(weights)) is not None and bias is False:
        return _sparse(node, weights, entries, count, name, origin)
    has_bias, shape = checked_bias(bias, origin), (count, node.shape[-1])
    weight, group = shared_weight(weights, shape, origin)
    operands = (node, weight, *((learned("bias", (count,), origin, group=group),) if has_bias else ()))
    layer = Dense(has_bias, _pattern(weight.layer.fixed))
    return Node(layer=layer, operands=operands, shape=(*node.shape[:-1], count), name=name, origin=origin)


def _pattern(array: Array | None) -> bytes:
    """Which numbers of a fixed matrix are not 0; nothing where all are, or it is not fixed."""
    return b"" if array is None or array.all() else (array != 0).tobytes()


MOST: Final = 0.2
"""The share of numbers of a fixed matrix that are not 0, up to which a product takes them one by one."""


def _few(weights: Node) -> Array | None:
    """The numbers of a fixed matrix that is mostly zeros; None for other nodes."""
    array = weights.layer.fixed
    few = array is not None and array.ndim == 2 and np.count_nonzero(array) <= MOST * array.size
    return array if few else None


def _sparse(node: Node, weights: Node, array: Array, count: int, name: str | None, origin: str) -> Node:
    """g = W f for a fixed W that is mostly zeros."""
    checked_weights(weights, (count, node.shape[-1]), origin)
    rows = [[(int(p), Fraction(float(row[p]))) for p in np.flatnonzero(row)] for row in array]
    matrix = Along.of(array.shape[1], rows)
    note = f"{weights.layer.text}, {matrix.entries} numbers"
    return along_axes(node, "linear", {len(node.shape) - 1: matrix}, origin, note=note, name=name)
