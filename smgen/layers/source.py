"""The base of layers without operands: the data vector, and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import sympy as sp

from smgen.calculus.intervals import REALS, Interval
from smgen.errors import InternalError
from smgen.ir import Contribution, Emitter, Name
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Slope, Vertex
from smgen.layers.straight import Straight, StraightLowered


class Source(Straight):
    """A layer that reads nothing: its value is an argument of every function."""

    kind: ClassVar[str]
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False

    @property
    def text(self) -> str:
        return self.kind

    def summary(self, operands: Sequence[str]) -> str:
        return self.kind

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        return Argument(e.buffers[name.code].symbol)

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return g[v.name]

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        raise InternalError(f"{v.name} reads nothing")

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return Paths.identity(v.shape)

    def range(self, below: Sequence[Interval]) -> Interval:
        return REALS

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return names[v.name]

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise InternalError(f"{v.name} reads nothing")


@dataclass(frozen=True, slots=True)
class Argument(StraightLowered):
    """A source in a schedule. It has no inputs, so no value passes through it."""

    value: sp.Expr

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())
