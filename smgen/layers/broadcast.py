"""Broadcasting: a pointwise layer repeats an operand along axes of length one, as NumPy does.

An operand that depends on x is repeated by a linear layer. One that does not is repeated where it is read, or by
`Repeat` if the layer does not depend on x either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.errors import InternalError
from smgen.ir import Along, Contribution, Emitter, Layout, Name, Reduce
from smgen.ir.rearrange import mixed, permuted, reshaped
from smgen.layers.along_axes import AxesMap, along_axes
from smgen.layers.arrange import Reshape
from smgen.layers.nodes import Node
from smgen.layers.orders import Order
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Slope, Vertex
from smgen.layers.shapes import check_length
from smgen.layers.straight import Straight, StraightLowered


def spread(node: Node, shape: tuple[int, ...], origin: str, *, batched: bool) -> Node:
    """The node, repeated to this shape if it has another; `batched` says that the layer varies over samples."""
    if node.shape == shape or (batched and not node.batched):
        return node
    if not node.batched:
        return Node(layer=Repeat(), operands=(node,), shape=shape, name=None, origin=origin)
    longer = (1,) * (len(shape) - len(node.shape)) + node.shape
    if longer != node.shape:
        node = Node(layer=Reshape(node.shape), operands=(node,), shape=longer, name=None, origin=origin)
    for axis, size in enumerate(shape):
        check_length(size, axis, node, origin, "broadcast")
    pairs = enumerate(zip(longer, shape, strict=True))
    matrices = {axis: Along.total(size).transposed for axis, (old, size) in pairs if old != size}
    return along_axes(node, "broadcast", matrices, origin) if matrices else node


@dataclass(frozen=True, slots=True)
class Table:
    """A parameter of any shape that broadcasts to `shape`, beside values whose axes lie in this order in memory.

    It is read as a row, a column or a table of places and units.
    """

    own: tuple[int, ...]
    shape: tuple[int, ...]
    order: Order

    @property
    def _longer(self) -> tuple[int, ...]:
        return (1,) * (len(self.shape) - len(self.own)) + self.own

    @property
    def _sizes(self) -> tuple[int, ...]:
        """The lengths of its axes in the order of memory."""
        return tuple(self._longer[axis] for axis in self.order)

    @property
    def _varies(self) -> bool:
        """Whether it is not the same in all places."""
        return prod(self._sizes[:-1]) > 1

    @property
    def _full(self) -> tuple[int, ...]:
        """The lengths of its axes in a table: those of places are repeated, that of units is not."""
        places = tuple(self.shape[axis] for axis in self.order[:-1]) if self._varies else self._sizes[:-1]
        return (*places, self._sizes[-1])

    @property
    def _table(self) -> Layout:
        return Layout.of_sample(self._full, batch=False) if self._varies else Layout(units=self._full[-1:])

    def read(self, e: Emitter, value: sp.Expr, name: Name) -> sp.Expr:
        """The parameter as it is read."""
        old = Layout(units=self.own)
        if not self._varies:
            return reshaped(e, value, old, self._table, name.part("row"))
        layout = Layout.of_sample(self._sizes, batch=False)
        value = permuted(e, value, old, layout, self._longer, self.order, name.part("table"))
        return self._along(e, value, name, transposed=False)

    def _along(self, e: Emitter, value: sp.Expr, name: Name, *, transposed: bool) -> sp.Expr:
        """Repeat along the axes of places that the parameter lacks, or sum over them."""
        lengths = list(self._full if transposed else self._sizes)
        for axis, (old, size) in enumerate(zip(self._sizes, self._full, strict=True)):
            if old == size:
                continue
            matrix, before = Along.total(size), Layout.of_sample(tuple(lengths), batch=False)
            matrix = matrix if transposed else matrix.transposed
            lengths[axis] = len(matrix.rows)
            after = Layout.of_sample(tuple(lengths), batch=False)
            part = name.part(f"axis_{axis}")
            value = mixed(e, value, matrix, prod(lengths[axis + 1 :]), before, after, part)
        return value

    def collected(self, e: Emitter, value: sp.Expr, name: Name, places: int | None) -> sp.Expr:
        """The sum of a value over the batch, and over all that reads a number, in the parameter's shape."""
        last = self.order[-1]
        units, own = self.shape[last], self._full[-1]
        if not self._varies:
            total = e.row_sum(value, name if self._full[-1:] == self.own else name.part("rows"), places)
            total = _over_units(e, total, units, own, name)
            return reshaped(e, total, self._table, Layout(units=self.own), name)
        total = _over_units(e, e.batch_sum(value, name.part("places")), units, own, name)
        summed = self._along(e, total, name, transposed=True)
        sizes, inverse = self._sizes, tuple(self.order.index(axis) for axis in range(len(self.order)))
        layout = Layout.of_sample(sizes, batch=False)
        return permuted(e, summed, layout, Layout(units=self.own), sizes, inverse, name)


def _over_units(e: Emitter, value: sp.Expr, units: int, own: int, name: Name) -> sp.Expr:
    """The sum over the units of a row or of the rows of a table, where one number is read by all."""
    if own == units:
        return value
    layout = e.layout(value)
    if layout.units[-1:] != (units,):
        return units * value
    src = e.buffer(e.in_buffer(value, name.part("units")))
    if layout.places is None:
        return e.forward(src.symbol, e.ones(units), name.part("sum"), "")
    out = e.new(name.part("sum"), Layout(units=(layout.places,)))
    rows = e.emit(Reduce(out=out, src=src, axis=1))
    return reshaped(
        e, rows, Layout(units=(layout.places,)), Layout(places=layout.places, units=(1,)), name.part("column")
    )


@dataclass(frozen=True, slots=True)
class Repeat(Straight):
    """A parameter, or a function of parameters, along more axes of one length or of more: NumPy's broadcasting."""

    kind: ClassVar[str] = "broadcast"
    text: ClassVar[str] = "repeat"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False

    def summary(self, operands: Sequence[str]) -> str:
        return f"broadcast({operands[0]})"

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        own = e.buffer(g[v.operands[0]]).layout.units
        longer = (1,) * (len(v.shape) - len(own)) + own
        sizes = zip(longer, v.shape, strict=True)
        matrices = tuple(
            Along.total(size).transposed if old == 1 else Along.picked(old, range(old)) for old, size in sizes
        )
        lowered = _Repeated(own, longer, AxesMap(matrices, Layout(units=v.shape), sp.S.One))
        value = reshaped(
            e, g[v.operands[0]], Layout(units=own), Layout.of_sample(longer, batch=False), name.part("row")
        )
        lowered.value = e.bind(name, lowered.map.forward(e, value, name, ""))
        return lowered

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return np.broadcast_to(g[v.operands[0]], v.shape)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        raise InternalError(f"{v.name} does not depend on x")

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        raise InternalError(f"{v.name} does not depend on x")

    def range(self, below: Sequence[Interval]) -> Interval:
        return below[0]

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return names[v.operands[0]]

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise InternalError(f"{v.name} does not depend on x")


@dataclass(slots=True)
class _Repeated(StraightLowered):
    """A repeated parameter of shape `own` in a schedule. Its adjoint is summed along the axes of repetition."""

    own: tuple[int, ...]
    longer: tuple[int, ...]
    map: AxesMap
    value: sp.Expr = sp.S.Zero

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        if value != 0:
            yield lambda name, number: self._sum(e, value, name)

    def _sum(self, e: Emitter, value: sp.Expr, name: Name) -> sp.Expr:
        total = self.map.backward(e, value, name.part("sum"), "")
        return reshaped(e, total, Layout.of_sample(self.longer, batch=False), Layout(units=self.own), name)
