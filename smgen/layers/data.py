"""The data vector x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smgen.layers.nodes import Node, units_of
from smgen.layers.source import Source
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Data(Source):
    """x, the vertex by which the derivatives of the energy are taken."""

    kind: ClassVar[str] = "input"
    is_data: ClassVar[bool] = True


def input(units: int, *, name: str | None = None) -> Node:
    """The data vector: `units` values a sample, (N, units) at run time."""
    origin = here()
    return Node(layer=Data(), operands=(), shape=(units_of(units, origin),), name=name, origin=origin)
