"""Units side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.ir import Contribution, Emitter, Name
from smgen.layers.linear_maps import Matrix
from smgen.layers.nodes import Node, nodes_of, varying
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Vertex
from smgen.layers.straight import Straight, StraightLowered
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Concat(Straight):
    """g = the units of the operands, one after the other. `widths` are their numbers of units."""

    widths: tuple[int, ...]
    kind: ClassVar[str] = "concat"
    text: ClassVar[str] = "concat"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = False

    def summary(self, operands: Sequence[str]) -> str:
        return f"concat({', '.join(operands)})"

    def places(self, v: Vertex) -> Iterator[tuple[str, int, int]]:
        """Each operand with the first unit of g that comes from it, and the one after its last."""
        ends = np.cumsum(self.widths).tolist()
        return zip(v.operands, [0, *ends[:-1]], ends, strict=True)

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        return _Lowered(self, v, e.concat(name, [(g[p], stop - start) for p, start, stop in self.places(v)]))

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return np.concatenate([g[p] for p in v.operands], axis=-1)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Matrix:
        places = [(start, stop) for p, start, stop in self.places(v) if p == source]
        matrix = np.zeros((v.units, places[0][1] - places[0][0]))
        for start, stop in places:
            matrix[start:stop] += np.eye(stop - start)
        return Matrix(matrix)

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return Paths.stack([below[p] for p in v.operands])

    def range(self, below: Sequence[Interval]) -> Interval:
        return min(low for low, _ in below), max(high for _, high in below)

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return f"{concatenate}([{', '.join(names[p] for p in v.operands)}], 1)"

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        return " + ".join(f"{value}[:, {start}:{stop}]" for p, start, stop in self.places(v) if p == source)


@dataclass(frozen=True, slots=True)
class _Lowered(StraightLowered):
    """A concatenation in a schedule. All coefficients are 1, so that J ∘ J is J."""

    layer: Concat
    vertex: Vertex
    value: sp.Expr

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        parts = [(values[p], stop - start) for p, start, stop in self.layer.places(self.vertex)]
        yield lambda name, number: e.concat(name, parts, number)

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        for p, start, stop in self.layer.places(self.vertex):
            if p == source and value != 0:
                yield _slice(e, value, start, stop - start)


def _slice(e: Emitter, value: sp.Expr, start: int, width: int) -> Contribution:
    return lambda name, number: e.slice(value, start, width, name, number)


def concat(*sources: Node, name: str | None = None) -> Node:
    """g = the units of a, then those of b, …"""
    origin = here()
    nodes = nodes_of(sources, origin, "concat")
    varying(nodes, origin, "concat")
    widths = tuple(node.units for node in nodes)
    return Node(layer=Concat(widths), operands=nodes, shape=(sum(widths),), name=name, origin=origin)
