"""What layers without operands have in common: the data vector, and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import sympy as sp

from smgen.errors import InternalError
from smgen.intervals import REALS, Interval
from smgen.ir import Contribution, Emitter, Name
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Naming, Slope, Vertex


class Source:
    """A layer that reads nothing: its value is an argument of every function."""

    kind: ClassVar[str]
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False
    nonlinearity: ClassVar[None] = None
    is_data: ClassVar[bool] = False
    kinks: ClassVar[bool] = False
    domain: ClassVar[None] = None

    @property
    def text(self) -> str:
        return self.kind

    def summary(self, operands: Sequence[str]) -> str:
        return self.kind

    def prepare(self, v: Vertex) -> None:
        return None

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        return Argument(e.buffers[name.code].symbol)

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return g[v.name]

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        raise InternalError(f"{v.name} reads nothing")

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> None:
        return None

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        return ()

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return Paths.identity(v.units)

    def range(self, below: Sequence[Interval]) -> Interval:
        return REALS

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return names[v.name]

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise InternalError(f"{v.name} reads nothing")

    def spelled_bend(self, v: Vertex, source: str, names: Mapping[str, str]) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Argument:
    """A source in a schedule. Nothing passes it."""

    value: sp.Expr
    pairs: ClassVar[tuple[tuple[str, str], ...]] = ()

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        return iter(())

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        return {}

    def partial(self, *operands: str) -> sp.Expr:
        return sp.S.Zero
