"""A kind of layer that smgen does not have: g = C f, C_ij = c_(i − j mod D)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import sympy as sp

import smgen as sm
from smgen.ir import Emitter, Identity, Layout, Name, Reduce
from smgen.layers.dense import WeightMap
from smgen.layers.linear_maps import LinearLayer
from smgen.layers.protocol import Array, Vertex


@dataclass(frozen=True, slots=True)
class Circulant(LinearLayer):
    kind: ClassVar[str] = "circulant"

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> CirculantMap:
        (c,), units = parameters, v.units
        eye = e.emit(Identity(e.new(f"eye_{v.name}", Layout(units=(units, units)))))
        turned = []
        for k in range(units):
            sides = [(e.slice(eye, k, units - k, Name(f"right_{k}")), units - k), (e.slice(eye, 0, k, Name("left")), k)]
            turned.append(e.concat(Name(f"turned_{k}_{v.name}"), sides if k else sides[:1]))
        entries = [e.slice(c, k, 1, Name(f"c_{k}")) for k in range(units)]
        total = sp.Add(*(entry * turn for entry, turn in zip(entries, turned, strict=True)))
        matrix = e.in_buffer(total, f"C_{v.name}")
        return CirculantMap(matrix, tuple(turned))

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        return np.array([np.roll(parameters[0][::-1], i + 1) for i in range(v.units)])


@dataclass(frozen=True, slots=True)
class CirculantMap(WeightMap):
    turned: tuple[sp.Expr, ...]
    root: sp.Expr = sp.S.Half

    def squared(self, e: Emitter) -> CirculantMap:
        return CirculantMap(e.square(e.buffer(self.weight)).symbol, self.turned, self.weight)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        outer, units, parts = 2 * self.root * e.outer_sum(left, right, names[0]), len(self.turned), []
        for turn in self.turned:
            src = e.buffer(e.in_buffer(outer * turn, names[0].part("terms")))
            rows = e.emit(Reduce(out=e.new(names[0].part("rows"), Layout(units=(units,))), src=src, axis=1))
            parts.append((e.forward(rows, e.ones(units), names[0].part("entry"), ""), 1))
        return (e.concat(names[0].part("entries"), parts),)


def circulant(source: sm.Node, name: str) -> sm.Node:
    c = sm.parameter(source.units, name=f"{name}_row")
    return sm.Node(layer=Circulant(), operands=(source, c), shape=source.shape, name=name, origin="test")
