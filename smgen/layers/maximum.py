"""The greatest unit on an axis, as a formal constant: what it is subtracted from does not depend on it ([+] 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.errors import InternalError
from smgen.ir import Emitter, Greatest, Name
from smgen.layers.nodes import Node
from smgen.layers.orders import Order
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Slope, Vertex
from smgen.layers.source import Argument
from smgen.layers.straight import Straight


@dataclass(frozen=True, slots=True)
class Maximum(Straight):
    """g = the greatest of the places on an axis of the operand, which has this shape. No derivative passes through."""

    source: tuple[int, ...]
    axis: int
    kind: ClassVar[str] = "maximum"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False
    detached: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return f"maximum[{self.axis}]"

    def summary(self, operands: Sequence[str]) -> str:
        return f"maximum({operands[0]}, axis={self.axis}), a formal constant"

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        (order,) = below.values()
        return order, below

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        after = prod(v.sizes[v.axes.index(self.axis) + 1 :])
        src = e.buffer(g[v.operands[0]])
        return Argument(e.emit(Greatest(e.new(name, v.layout), src, self.source[self.axis], after)))

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        value = g[v.operands[0]].reshape(-1, *self.source)
        greatest: Array = value.max(axis=self.axis + 1).reshape(len(value), -1)
        return greatest

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        raise InternalError(f"{v.name} is a formal constant")

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        raise InternalError(f"{v.name} is a formal constant")

    def range(self, below: Sequence[Interval]) -> Interval:
        return below[0]

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        raise InternalError(f"{v.name} has no spelling")

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise InternalError(f"{v.name} is a formal constant")


def maximum(node: Node, axis: int, origin: str) -> Node:
    """The greatest places on an axis, which stays with one."""
    shape = (*node.shape[:axis], 1, *node.shape[axis + 1 :])
    return Node(layer=Maximum(node.shape, axis), operands=(node,), shape=shape, name=None, origin=origin)
