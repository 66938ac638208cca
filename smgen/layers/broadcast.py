"""Broadcasting: a pointwise layer repeats an operand of fewer units. Repeated parameters may be matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.errors import InternalError
from smgen.ir import Contribution, Emitter, Layout, Name, Reduce
from smgen.layers.linear_maps import LinearLayer, LinearMap
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Slope, Vertex
from smgen.layers.straight import Straight, StraightLowered


@dataclass(frozen=True, slots=True)
class Broadcast(LinearLayer):
    """g_j = g_p for every unit j: A is a column of ones."""

    kind: ClassVar[str] = "broadcast"

    @property
    def mixes(self) -> bool:
        return False

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> LinearMap:
        return OnesMap(v.units)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return np.ones((v.units, 1))

    def range(self, below: Sequence[Interval]) -> Interval:
        return below[0]

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return f"{names[v.operands[0]]} + 0.0"

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        return f"({value}).sum(-1)[..., None]"


@dataclass(frozen=True, slots=True)
class OnesMap:
    """v ↦ v for each of `units`."""

    units: int

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.backward(value, e.ones(self.units), name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return e.forward(value, e.ones(self.units), name, number)

    def squared(self, e: Emitter) -> OnesMap:
        return self

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        return ()


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
        source = e.buffer(g[v.operands[0]])
        return _Repeated(source.layout.units, e.result(name, Layout(units=v.shape), source.symbol).symbol)

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


@dataclass(frozen=True, slots=True)
class _Repeated(StraightLowered):
    """A repeated parameter in a schedule. Its adjoint is summed along the axes of repetition."""

    shape: tuple[int, ...]
    value: sp.Expr

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        if value != 0:
            yield lambda name, number: self._sum(e, value, name)

    def _sum(self, e: Emitter, value: sp.Expr, name: Name) -> sp.Expr:
        layout = e.buffer(self.value).layout
        matrix = e.result(name.part("terms"), layout, value)
        rows, columns = layout.units
        if self.shape[-1:] == (columns,):
            return e.emit(Reduce(out=e.new(name, Layout(units=(columns,))), src=matrix, axis=0))
        part = name.part("rows")
        along = e.emit(Reduce(out=e.new(part, Layout(units=(rows,))), src=matrix, axis=1))
        return e.column(along) if self.shape == (rows, 1) else e.forward(along, e.ones(rows), name, "")
