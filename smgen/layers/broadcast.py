"""One number for all units: a pointwise layer broadcasts an operand that has a single unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import Interval
from smgen.ir import Emitter, Name
from smgen.layers.linear_maps import LinearLayer, LinearMap
from smgen.layers.protocol import Array, Vertex


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
