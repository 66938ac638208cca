"""A kind of layer that smgen does not have: g = C f, C_ij = c_(i − j mod D)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import sympy as sp

import smgen as sm
from smgen.ir import Emitter, Identity, Layout, Name
from smgen.layers.combination import CombinationLayer
from smgen.layers.protocol import Array, Vertex


@dataclass(frozen=True, slots=True)
class Circulant(CombinationLayer):
    kind: ClassVar[str] = "circulant"

    def basis(self, e: Emitter, v: Vertex) -> list[sp.Expr]:
        return list(self.turned(e, v.units, v.name))

    def turned(self, e: Emitter, units: int, name: str) -> Iterator[sp.Expr]:
        """The identity, turned by k places."""
        yield (eye := e.emit(Identity(e.new(f"eye_{name}", Layout(units=(units, units))))))
        for k in range(1, units):
            right, left = e.slice(eye, k, units - k, Name(f"right_{k}")), e.slice(eye, 0, k, Name(f"left_{k}"))
            yield e.concat(Name(f"turned_{k}_{name}"), [(right, units - k), (left, k)])

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return np.array([np.roll(parameters[0][::-1], i + 1) for i in range(v.units)])


def circulant(source: sm.Node, name: str) -> sm.Node:
    c = sm.parameter(source.units, name=f"{name}_row")
    return sm.Node(layer=Circulant(), operands=(source, c), shape=source.shape, name=name, origin="test")
