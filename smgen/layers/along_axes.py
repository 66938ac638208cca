"""Constant linear kinds that act on each axis by itself: sums, slices, padding, pooling, upsampling, broadcasting.

A is a Kronecker product of one small matrix an axis, times a number; A ∘ A is the product of their squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import sympy as sp

from smgen.calculus.intervals import LEAST, Interval
from smgen.ir import Along, Emitter, Entry, Layout, Name
from smgen.ir.rearrange import mixed, reshaped
from smgen.layers.linear_maps import LinearLayer, kron
from smgen.layers.nodes import Node
from smgen.layers.orders import Order, plain
from smgen.layers.patterns import Paths, Support
from smgen.layers.protocol import Array, Vertex


@dataclass(frozen=True, slots=True, kw_only=True)
class AlongAxes(LinearLayer):
    """g = factor · (A_1 ⊗ A_2 ⊗ …) f, a matrix an axis of f. `note` are its options; `dropped` axes have length one."""

    word: str
    matrices: tuple[Along, ...]
    note: str = ""
    factor: sp.Expr = sp.S.One
    dropped: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        return self.word

    @property
    def text(self) -> str:
        return f"{self.kind}[{self.note}]" if self.note else self.kind

    def summary(self, operands: Sequence[str]) -> str:
        return f"{self.kind}({', '.join(filter(None, (operands[0], self.note)))})"

    @property
    def mixes(self) -> bool:
        return any(len(row) > 1 for matrix in self.matrices for row in matrix.rows)

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        """The order of the operand, without what is dropped."""
        (order,) = below.values()
        kept = [axis for axis in plain(self.matrices) if axis not in self.dropped]
        return tuple(kept.index(axis) for axis in order if axis in kept), below

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> AxesMap:
        order = v.reads[0] if v.reads else plain(self.matrices)
        return AxesMap(tuple(self.matrices[axis] for axis in order), v.layout, self.factor)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return float(self.factor) * kron([matrix.array for matrix in self.matrices])

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        paths = below[v.operands[0]]
        for axis, matrix in enumerate(self.matrices):
            paths = paths.along(axis, Support.of_matrix(matrix))
        return paths.reshaped(v.shape)

    def range(self, below: Sequence[Interval]) -> Interval:
        """The least and the greatest sum, axis by axis."""
        low, high = below[0]
        for matrix in self.matrices:
            sums = [_total(row, low, high) for row in dict.fromkeys(matrix.rows)]
            low, high = min(least for least, _ in sums), max(greatest for _, greatest in sums)
        factor = float(self.factor)
        return (max(low * factor, LEAST) if low > 0 else low * factor), high * factor


def _total(row: Sequence[Entry], low: float, high: float) -> Interval:
    """The range of a sum, from that of its terms without their factors."""
    if not row:
        return 0.0, 0.0
    least = sum(float(factor) * (low if factor > 0 else high) for _, factor in row)
    greatest = sum(float(factor) * (high if factor > 0 else low) for _, factor in row)
    return (max(least, LEAST) if low > 0 and all(factor > 0 for _, factor in row) else least), greatest


@dataclass(frozen=True, slots=True)
class AxesMap:
    """v ↦ factor · (A_1 ⊗ A_2 ⊗ …) v, for axes in the order of memory; the result has the layout `out`."""

    matrices: tuple[Along, ...]
    out: Layout
    factor: sp.Expr

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        source = tuple(matrix.columns for matrix in self.matrices)
        result, layout = self._applied(e, value, self.matrices, source, name)
        part = name if self.factor == 1 else name.part("axes")
        return self.factor * reshaped(e, result, layout, self.out, part)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        sizes = tuple(len(matrix.rows) for matrix in self.matrices)
        start = reshaped(e, value, self.out, Layout.of_sample(sizes), name.part("axes"))
        transposed = tuple(matrix.transposed for matrix in self.matrices)
        return self.factor * self._applied(e, start, transposed, sizes, name)[0]

    def _applied(
        self, e: Emitter, value: sp.Expr, matrices: tuple[Along, ...], sizes: tuple[int, ...], name: Name
    ) -> tuple[sp.Expr, Layout]:
        """The product and its layout. Axes that get shorter go first, because that costs less."""
        steps = [axis for axis, matrix in enumerate(matrices) if not matrix.is_identity]
        steps.sort(key=lambda axis: len(matrices[axis].rows) / matrices[axis].columns)
        lengths, layout = list(sizes), Layout.of_sample(sizes)
        for position, axis in enumerate(steps, start=1):
            after = prod(lengths[axis + 1 :])
            lengths[axis] = len(matrices[axis].rows)
            new = Layout.of_sample(tuple(lengths))
            last = position == len(steps) and self.factor == 1
            part = name if last else name.part(f"axis_{position}")
            value = mixed(e, value, matrices[axis], after, layout, new, part)
            layout = new
        return value, layout

    def squared(self, e: Emitter) -> AxesMap:
        return replace(self, matrices=tuple(matrix.squared for matrix in self.matrices), factor=self.factor**2)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        return ()


def along_axes(
    node: Node,
    kind: str,
    matrices: Mapping[int, Along],
    origin: str,
    *,
    note: str = "",
    factor: sp.Expr = sp.S.One,
    dropped: tuple[int, ...] = (),
    name: str | None = None,
) -> Node:
    """The node of such a layer, with a matrix for some axes of its operand; the others stay as they are."""
    every = tuple(matrices.get(axis) or Along.picked(size, range(size)) for axis, size in enumerate(node.shape))
    layer = AlongAxes(word=kind, matrices=every, note=note, factor=factor, dropped=dropped)
    shape = tuple(len(matrix.rows) for axis, matrix in enumerate(every) if axis not in dropped)
    return Node(layer=layer, operands=(node,), shape=shape, name=name, origin=origin)
