"""Embeddings of integer labels: a row of a table for each, as a product of the table with a row of 0 and a 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import sympy as sp

from smgen.calculus import primitives as p
from smgen.calculus.intervals import Interval
from smgen.errors import InternalError, NetworkError
from smgen.ir import Concat, Emitter, Layout, Name, Pointwise
from smgen.layers.linear_maps import LinearLayer, LinearMap
from smgen.layers.nodes import Node, node_of
from smgen.layers.parameter import learned
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Slope, Vertex
from smgen.layers.shapes import number_for
from smgen.layers.source import Argument
from smgen.layers.straight import Straight
from smgen.origins import here

MOST_LABELS: Final = 10_000
"""Each label is written down in the module, and a sample takes a number for each."""


@dataclass(frozen=True, slots=True)
class OneHot(Straight):
    """g_k = 1 where the label is k, else 0, for k below `count`."""

    count: int
    kind: ClassVar[str] = "one_hot"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False
    detached: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return f"one_hot[{self.count}]"

    def summary(self, operands: Sequence[str]) -> str:
        return f"one_hot({operands[0]}, {self.count})"

    @property
    def labels(self) -> int:
        return self.count

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        numbers = e.new(f"labels_{v.name}", Layout(units=(self.count,)))
        e.emit(Concat(numbers, tuple((sp.Integer(k), 1) for k in range(self.count)), ()))
        label = e.buffer(g[v.operands[0]])
        near = p.relu(1 - p.absolute(label.symbol - numbers.symbol))  # labels are whole numbers
        return Argument(e.emit(Pointwise((e.new(name, v.layout),), (near,), (label, numbers))))

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return np.equal(g[v.operands[0]], np.arange(self.count)).astype(np.float64)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        raise InternalError(f"{v.name} has no derivative")

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        raise InternalError(f"{v.name} does not depend on x")

    def range(self, below: Sequence[Interval]) -> Interval:
        return 0.0, 1.0

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        raise InternalError(f"{v.name} has no spelling")

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise InternalError(f"{v.name} has no derivative")


@dataclass(frozen=True, slots=True)
class Embedding(LinearLayer):
    """g = Wᵀ f, f with a 1 at the label and zeros elsewhere. Operands: f and W, a row for each label."""

    kind: ClassVar[str] = "embedding"

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> LinearMap:
        return TableMap(parameters[0])

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return parameters[0].T


@dataclass(frozen=True, slots=True)
class TableMap:
    """v ↦ Wᵀ v."""

    table: sp.Expr

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.backward(value, e.buffer(self.table), name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.forward(value, e.buffer(self.table), name, number)

    def squared(self, e: Emitter) -> LinearMap:
        raise InternalError("an embedding does not depend on x")

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        return (e.outer_sum(right, left, names[0]),)


def embedding(source: Node, count: int, width: int, *, name: str | None = None) -> Node:
    """A learned row of `width` numbers for each of `count` labels, 0 to count − 1, as torch.nn.Embedding.

    `source` is a condition of one number, which holds whole labels. The parameter is `<name>.weight`, of shape
    (count, width): a row for each label. Raises `NetworkError` for other nodes, and for more than 10,000 labels.
    """
    origin = here()
    node = node_of(source, origin, "embedding")
    if not node.layer.per_sample or node.depends_on_x or node.shape != (1,):
        raise NetworkError(
            origin=origin,
            what=f"sm.embedding takes a condition of one number a sample, the label; got {node}",
            hint='label = sm.condition(name="label")',
        )
    hint = "sm.embedding(label, 10, 64) has 64 numbers for each of 10 labels"
    labels = number_for("count", count, origin, hint=hint, function="embedding")
    if labels > MOST_LABELS:
        raise NetworkError(
            origin=origin,
            what=f"sm.embedding takes at most {MOST_LABELS:,} labels; got count={labels:,}",
            hint="give the rows themselves with every sample: sm.condition(64)",
        )
    units = number_for("width", width, origin, hint=hint, function="embedding")
    hot = Node(layer=OneHot(labels), operands=(node,), shape=(labels,), name=None, origin=origin)
    table = learned("weight", (labels, units), origin)
    return Node(layer=Embedding(), operands=(hot, table), shape=(units,), name=name, origin=origin)
