"""The data vector x."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import sympy as sp

from smgen.ir import Emitter, Layout, Name
from smgen.ir.rearrange import permuted
from smgen.layers.nodes import Node
from smgen.layers.protocol import Lowered, Vertex
from smgen.layers.shapes import shape_of
from smgen.layers.source import Argument, Source
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Data(Source):
    """x, the vertex by which the derivatives of the energy are taken."""

    kind: ClassVar[str] = "input"
    is_data: ClassVar[bool] = True
    per_sample: ClassVar[bool] = True

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        return given(e, v, g, name)


def given(e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
    """What comes with a sample: its own units of the row that users give, in the order of memory."""
    return Argument(from_rows(e, g[v.name], v, name))


def from_rows(e: Emitter, value: sp.Expr, v: Vertex, name: Name) -> sp.Expr:
    """What users give for x, all units of a sample in a row, with the axes of x in their order in memory."""
    return permuted(e, value, Layout(units=(v.units,)), v.layout, v.shape, v.axes, name)


def to_rows(e: Emitter, value: sp.Expr, v: Vertex, name: Name) -> sp.Expr:
    """The opposite: a value at x, with all units of a sample in a row."""
    inverse = tuple(v.axes.index(axis) for axis in range(len(v.axes)))
    return permuted(e, value, v.layout, Layout(units=(v.units,)), v.sizes, inverse, name)


def input(shape: int | tuple[int, ...], *, name: str | None = None) -> Node:
    """The data x: so many units a sample, or an array of this shape, (C, H, W) for an image.

    At run time x is (N, *shape), or (N, units) with the units of a sample in a row. Raises `NetworkError` for anything
    but whole numbers of at least 1.
    """
    origin = here()
    hint = "sm.input(144) has 144 units, sm.input((3, 32, 32)) the channels, rows and columns of an image"
    sizes = shape_of(shape, origin, "the shape of x is", hint)
    return Node(layer=Data(), operands=(), shape=sizes, name=name, origin=origin)
