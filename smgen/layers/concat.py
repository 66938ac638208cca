"""Units side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.errors import NetworkError, several
from smgen.ir import Contribution, Emitter, Layout, Name
from smgen.ir.rearrange import reshaped
from smgen.layers.linear_maps import Matrix
from smgen.layers.nodes import Node, nodes_of, varying
from smgen.layers.orders import Order, most_common
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Vertex
from smgen.layers.shapes import axes_of
from smgen.layers.straight import Straight, StraightLowered
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Concat(Straight):
    """g = the operands one after the other on an axis. `widths` are the lengths of this axis in each."""

    widths: tuple[int, ...]
    axis: int = 0
    kind: ClassVar[str] = "concat"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False

    @property
    def keeps_places(self) -> bool:
        return self.axis == 0

    @property
    def text(self) -> str:
        return f"concat[axis={self.axis}]" if self.axis else "concat"

    def summary(self, operands: Sequence[str]) -> str:
        return f"concat({', '.join(operands)}{f', axis={self.axis}' * bool(self.axis)})"

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        order = most_common(v.shape, below)
        return order, dict.fromkeys(below, order)

    def after(self, v: Vertex) -> int:
        """The numbers from a place on the axis to the next, in memory."""
        return prod(v.sizes[v.axes.index(self.axis) + 1 :])

    def places(self, v: Vertex) -> Iterator[tuple[str, int, int]]:
        """Each operand with the first place on the axis that comes from it, and the one after its last."""
        ends = np.cumsum(self.widths).tolist()
        return zip(v.operands, [0, *ends[:-1]], ends, strict=True)

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        lowered = _Lowered(self, v)
        lowered.value = lowered.joined(e, g, name, "")
        return lowered

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        parts = [g[p].reshape(-1, *self.shape_of(v, stop - start)) for p, start, stop in self.places(v)]
        return np.concatenate(parts, axis=self.axis + 1).reshape(-1, v.units)

    def shape_of(self, v: Vertex, width: int) -> tuple[int, ...]:
        """The shape of an operand."""
        return (*v.shape[: self.axis], width, *v.shape[self.axis + 1 :])

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Matrix:
        units = np.arange(v.units).reshape(v.shape)
        places = [np.arange(start, stop) for p, start, stop in self.places(v) if p == source]
        matrix = np.zeros((v.units, v.units // v.shape[self.axis] * len(places[0])))
        for part in places:
            matrix[units.take(part, self.axis).ravel(), range(matrix.shape[1])] += 1
        return Matrix(matrix)

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return Paths.concat([below[p] for p in v.operands], self.axis)

    def range(self, below: Sequence[Interval]) -> Interval:
        return min(low for low, _ in below), max(high for _, high in below)

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return f"{concatenate}([{', '.join(names[p] for p in v.operands)}], 1)"

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        return " + ".join(f"{value}[:, {start}:{stop}]" for p, start, stop in self.places(v) if p == source)


@dataclass(slots=True)
class _Lowered(StraightLowered):
    """A concatenation in a schedule. All coefficients are 1, so that J ∘ J is J."""

    layer: Concat
    vertex: Vertex
    value: sp.Expr = sp.S.Zero

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        yield lambda name, number: self.joined(e, values, name, number)

    def joined(self, e: Emitter, values: Mapping[str, sp.Expr], name: Name, number: str) -> sp.Expr:
        """The parts side by side: rows in which the axis is the first of the units, so that no number moves."""
        parts, after = list[tuple[sp.Expr, int]](), self.layer.after(self.vertex)
        for p, start, stop in self.layer.places(self.vertex):
            old, new = self._layouts(stop - start)
            parts.append(
                (self._reshaped(e, values.get(p, sp.S.Zero), old, new, name.part("part")), (stop - start) * after)
            )
        old, new = self._layouts(self.vertex.shape[self.layer.axis])
        joined = e.concat(name if old == new else name.part("joined"), parts, number)
        return self._reshaped(e, joined, new, old, name)

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        for p, start, stop in self.layer.places(self.vertex):
            if p == source and value != 0:
                yield self._part(e, value, start, stop)

    def _part(self, e: Emitter, value: sp.Expr, start: int, stop: int) -> Contribution:
        whole, rows = self._layouts(self.vertex.shape[self.layer.axis])
        own, part = self._layouts(stop - start)
        after = self.layer.after(self.vertex)

        def contribution(name: Name, number: str) -> sp.Expr:
            read = self._reshaped(e, value, whole, rows, name.part("rows"))
            cut = e.slice(
                read, start * after, (stop - start) * after, name if own == part else name.part("part"), number
            )
            return cut if own == part else self._copied(e, cut, part, own, name)

        return contribution

    def _copied(self, e: Emitter, value: sp.Expr, old: Layout, new: Layout, name: Name) -> sp.Expr:
        """A slice in other axes. Its rows are not adjacent, so that it is copied unless the axis is the first."""
        if e.is_constant(value):
            return value
        layout = e.layout(value)
        copy = e.result(name.part("copy"), layout, value * 1)
        return self._reshaped(e, copy.symbol, old, new, name)

    def _layouts(self, width: int) -> tuple[Layout, Layout]:
        """The layout of a value with so many places on the axis, and that of its rows."""
        v, at = self.vertex, self.vertex.axes.index(self.layer.axis)
        sizes = (*v.sizes[:at], width, *v.sizes[at + 1 :])
        if len(sizes) == 1:
            return Layout(units=sizes), Layout(units=sizes)
        places = prod(sizes[:at])
        return Layout.of_sample(sizes), Layout(places=places, units=(prod(sizes) // places,))

    @staticmethod
    def _reshaped(e: Emitter, value: sp.Expr, old: Layout, new: Layout, name: Name) -> sp.Expr:
        return value if old == new else reshaped(e, value, old, new, name)


def concat(*sources: Node, axis: int = 0, name: str | None = None) -> Node:
    """g = the units of a, then those of b, …, on one axis; all other axes are equal. The first one are the channels."""
    origin = here()
    nodes = nodes_of(sources, origin, "concat")
    varying(nodes, origin, "concat")
    (at,) = axes_of((axis,), nodes[0], origin, "concat")
    others = {(*node.shape[:at], *node.shape[at + 1 :]) for node in nodes if len(node.shape) == len(nodes[0].shape)}
    if len(others) > 1 or len({len(node.shape) for node in nodes}) > 1:
        raise NetworkError(
            origin=origin,
            what=f"sm.concat takes nodes whose axes are equal but for axis {axis}; got {several(nodes)}",
            hint="axis= says on which axis they come one after the other; it is 0, the channels, if it is left out",
        )
    widths = tuple(node.shape[at] for node in nodes)
    shape = (*nodes[0].shape[:at], sum(widths), *nodes[0].shape[at + 1 :])
    return Node(layer=Concat(widths, at), operands=nodes, shape=shape, name=name, origin=origin)
