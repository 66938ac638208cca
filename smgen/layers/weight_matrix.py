"""The weight of a convolution as a matrix. Lowering puts it between the parameter and the layers that read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.errors import InternalError
from smgen.ir import Contribution, Emitter, Layout, Name
from smgen.ir.rearrange import permuted
from smgen.layers.orders import Order
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Slope, Vertex
from smgen.layers.straight import Straight, StraightLowered


@dataclass(frozen=True, slots=True)
class WeightMatrix(Straight):
    """An array of shape `source` with its axes in another order, the first `rows` of which are those of the matrix."""

    source: tuple[int, ...]
    order: Order
    rows: int
    kind: ClassVar[str] = "matrix"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False
    is_form: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, int]:
        """The rows and columns of the matrix."""
        sizes = [self.source[axis] for axis in self.order]
        return prod(sizes[: self.rows]), prod(sizes[self.rows :])

    @property
    def text(self) -> str:
        return f"matrix[{self.order}, {self.rows}]"

    def summary(self, operands: Sequence[str]) -> str:
        return f"{operands[0]} as a matrix"

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        old, new = Layout(units=self.source), Layout(units=self.shape)
        return _Lowered(self, permuted(e, g[v.operands[0]], old, new, self.source, self.order, name))

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return np.transpose(g[v.operands[0]], self.order).reshape(self.shape)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        raise InternalError(f"{v.name} does not depend on x")

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        raise InternalError(f"{v.name} does not depend on x")

    def range(self, below: Sequence[Interval]) -> Interval:
        return below[0]

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        raise InternalError(f"{v.name} is made in lowering")

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise InternalError(f"{v.name} does not depend on x")


@dataclass(frozen=True, slots=True)
class _Lowered(StraightLowered):
    """The matrix in a schedule. Its adjoint gets the axes of the weight."""

    layer: WeightMatrix
    value: sp.Expr

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        if value != 0:
            yield lambda name, number: self._as_weight(e, value, name)

    def _as_weight(self, e: Emitter, value: sp.Expr, name: Name) -> sp.Expr:
        old, new = Layout(units=self.layer.shape), Layout(units=self.layer.source)
        sizes = tuple(self.layer.source[axis] for axis in self.layer.order)
        inverse = tuple(self.layer.order.index(axis) for axis in range(len(sizes)))
        return permuted(e, value, old, new, sizes, inverse, name)
