"""The same units in another shape or order: reshape, flatten, permute, and copies in the order that a layer reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.errors import NetworkError, counted, shortened
from smgen.ir import Emitter, Layout, Name
from smgen.ir.rearrange import permuted, reshaped
from smgen.layers.linear_maps import LinearLayer
from smgen.layers.nodes import Node, node_of, varying
from smgen.layers.orders import Order
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Vertex
from smgen.layers.shapes import axes_of, whole_numbers
from smgen.origins import here


class SameUnits(LinearLayer):
    """The base of kinds that have the units of the operand, of this shape, each once."""

    source: tuple[int, ...]

    @property
    def mixes(self) -> bool:
        return False

    def summary(self, operands: Sequence[str]) -> str:
        return f"{self.kind}({operands[0]})"

    def range(self, below: Sequence[Interval]) -> Interval:
        return below[0]

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return below[v.operands[0]].reshaped(v.shape)


@dataclass(frozen=True, slots=True)
class Reshape(SameUnits):
    """The units in another shape, in the same order."""

    source: tuple[int, ...]
    word: str = "reshape"

    @property
    def kind(self) -> str:
        return self.word

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> SameMap:
        return SameMap(Layout.of_sample(self.source), v.layout)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return np.eye(v.units)


@dataclass(frozen=True, slots=True)
class PermuteAxes(SameUnits):
    """The axes in another order. Nothing moves in memory: the value has its axes there as the operand has them."""

    source: tuple[int, ...]
    order: tuple[int, ...]
    kind: ClassVar[str] = "permute"

    @property
    def text(self) -> str:
        return f"permute[{self.order}]"

    def summary(self, operands: Sequence[str]) -> str:
        return f"permute({operands[0]}, {self.order})"

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        (order,) = below.values()
        return tuple(self.order.index(axis) for axis in order), below

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> SameMap:
        return SameMap(v.layout, v.layout)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        places = np.arange(v.units).reshape(self.source).transpose(self.order).ravel()
        return np.eye(v.units)[places]

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return below[v.operands[0]].permuted(self.order)


@dataclass(frozen=True, slots=True)
class Arrange(SameUnits):
    """A copy with the axes in another order in memory. The network has none: lowering adds it where layers differ."""

    source: tuple[int, ...]
    kind: ClassVar[str] = "arrange"
    keeps_places: ClassVar[bool] = True

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> ArrangeMap:
        return ArrangeMap(v.shape, v.reads[0], v.axes)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return np.eye(v.units)


class _Coefficients:
    """Maps whose entries are 0 and 1, and which have no parameters."""

    def squared(self, e: Emitter) -> _Coefficients:
        return self

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        return ()


@dataclass(frozen=True, slots=True)
class SameMap(_Coefficients):
    """The same numbers in the same order, from one layout to another."""

    old: Layout
    new: Layout

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return reshaped(e, value, self.old, self.new, name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return reshaped(e, value, self.new, self.old, name, number)

    def squared(self, e: Emitter) -> SameMap:
        return self


@dataclass(frozen=True, slots=True)
class ArrangeMap(_Coefficients):
    """A copy of an array of this shape, from one order of its axes in memory to another."""

    shape: tuple[int, ...]
    old: Order
    new: Order

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return self._copied(e, value, self.old, self.new, name)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return self._copied(e, value, self.new, self.old, name)

    def _copied(self, e: Emitter, value: sp.Expr, old: Order, new: Order, name: Name) -> sp.Expr:
        sizes, wanted = (tuple(self.shape[axis] for axis in order) for order in (old, new))
        order = tuple(old.index(axis) for axis in new)
        return permuted(e, value, Layout.of_sample(sizes), Layout.of_sample(wanted), sizes, order, name)

    def squared(self, e: Emitter) -> ArrangeMap:
        return self


def arranged_copy(v: Vertex, order: Order, name: str) -> Vertex:
    """A vertex of this name that is a copy of another with its axes in this order in memory."""
    live = bool(v.inputs) or v.layer.is_data
    return Vertex(
        name=name,
        layer=Arrange(v.shape),
        operands=(v.name,),
        inputs=(v.name,) * live,
        conditions=(v.name,) * (not live),
        shape=v.shape,
        origin=v.origin,
        order=order,
        reads=(v.axes,),
    )


def reshape(source: Node, shape: int | tuple[int, ...], *, name: str | None = None) -> Node:
    """The units of a node in another shape, in the same order; −1 stands for what is left.

    Raises `NetworkError` for a shape that does not have the same number of units.
    """
    origin = here()
    node = node_of(source, origin, "reshape")
    varying([node], origin, "reshape")
    sizes = whole_numbers(shape) or ()
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0 and node.units % known == 0:
        sizes = tuple(node.units // known if size == -1 else size for size in sizes)
    if not sizes or min(sizes) < 1 or prod(sizes) != node.units:
        raise NetworkError(
            origin=origin,
            what=f"sm.reshape({node}, {shortened(shape)}): the shape must have {counted(node.units, 'unit')}",
            hint="one of its numbers can be −1: it stands for what is left",
        )
    return Node(layer=Reshape(node.shape), operands=(node,), shape=sizes, name=name, origin=origin)


def flatten(source: Node, *, name: str | None = None) -> Node:
    """The units of a node in one row, (C, H, W) → (C·H·W,): the last axis varies fastest."""
    origin = here()
    node = node_of(source, origin, "flatten")
    varying([node], origin, "flatten")
    return Node(layer=Reshape(node.shape, "flatten"), operands=(node,), shape=(node.units,), name=name, origin=origin)


def permute(source: Node, axes: tuple[int, ...], *, name: str | None = None) -> Node:
    """The axes of a node in another order: axis n of the result is axis axes[n] of the node."""
    origin = here()
    node = node_of(source, origin, "permute")
    varying([node], origin, "permute")
    order = axes_of(axes, node, origin, "permute")
    if len(order) != len(node.shape):
        raise NetworkError(
            origin=origin,
            what=f"sm.permute takes all {len(node.shape)} axes of {node}; got {shortened(axes)}",
            hint="sm.permute(h, (1, 2, 0)) makes (H, W, C) of (C, H, W)",
        )
    shape = tuple(node.shape[axis] for axis in order)
    return Node(layer=PermuteAxes(node.shape, order), operands=(node,), shape=shape, name=name, origin=origin)
