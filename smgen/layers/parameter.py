"""Learned parameters: vertices that do not vary over samples."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import ClassVar

import sympy as sp

from smgen.constants import real_number
from smgen.errors import NetworkError, shortened
from smgen.layers.nodes import Node
from smgen.layers.source import Source
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Parameter(Source):
    """An array θ that training changes.

    `init` is its initial value. Without one, it is drawn from N(0, 1/n), where n is the length of its last axis.
    """

    init: sp.Expr | None = None
    kind: ClassVar[str] = "parameter"

    @property
    def text(self) -> str:
        return self.kind if self.init is None else f"{self.kind}[init={self.init}]"


INITIAL = {"weight": None, "bias": sp.S.Zero, "gain": sp.S.One}
"""The initial values of a layer's parameters, by role; None for random values."""


def learned(role: str, shape: tuple[int, ...], origin: str, *, group: str = "") -> Node:
    """A parameter of a layer that is being made."""
    layer = Parameter(init=INITIAL[role])
    return Node(layer=layer, operands=(), shape=shape, name=None, origin=origin, role=role, group=group)


def parameter(shape: int | tuple[int, ...], *, init: float | None = None, name: str | None = None) -> Node:
    """A learned array θ: a factor, a term, an operand of `sm.pointwise`, or a layer's `weights=`.

    `init` is the initial value of all its numbers. Without one, they are drawn from N(0, 1/n), where n is the length of
    the last axis. Raises `NetworkError` for anything but whole numbers of at least 1, and a finite `init`.
    """
    origin = here()
    try:
        sizes = shape if isinstance(shape, tuple | list) else (shape,)
        dims = () if any(isinstance(size, bool) for size in sizes) else tuple(map(operator.index, sizes))
    except TypeError:
        dims = ()
    if not dims or min(dims) < 1:
        raise NetworkError(
            origin=origin,
            what=f"the shape of a parameter is whole numbers of at least 1; got {shortened(shape)}",
            hint="sm.parameter(64) has one for each of 64 units, sm.parameter(1) one for all of them",
        )
    start = None if init is None else real_number(init)
    if init is not None and start is None:
        raise NetworkError(origin=origin, what=f"init must be a finite number; got {shortened(init)}", hint="init=1.0")
    return Node(layer=Parameter(init=start), operands=(), shape=dims, name=name, origin=origin)
