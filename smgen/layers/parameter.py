"""Learned parameters: vertices that do not vary over samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import sympy as sp

from smgen.constants import real_number
from smgen.errors import NetworkError, shortened
from smgen.layers.nodes import Node, checked_name
from smgen.layers.shapes import shape_of
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


def learned(role: str, shape: tuple[int, ...], origin: str, *, group: str = "", init: sp.Expr | None = None) -> Node:
    """A parameter of a layer that is being made. `init` is its initial value, by default that of its role."""
    layer = Parameter(init=INITIAL[role] if init is None else init)
    return Node(layer=layer, operands=(), shape=shape, name=None, origin=origin, role=role, group=group)


def shared_weight(weights: object, shape: tuple[int, ...], origin: str) -> tuple[Node, str]:
    """The weight of a layer that is being made, and the group of its parameters, as `weights=` says.

    `weights` is the name of what to share, or a node that depends on parameters alone. Raises `NetworkError` for
    anything else, and for a node of another shape.
    """
    if isinstance(weights, Node):
        return checked_weights(weights, shape, origin), ""
    hint = (
        "weights= names the layer to share with, e.g. 'filters', or is a node: sm.constant(array) makes one of an array"
    )
    if weights is not None and not isinstance(weights, str):
        what = f"weights= takes a name or a node; got {type(weights).__name__}"
        raise NetworkError(origin=origin, what=what, hint=hint)
    group = checked_name("weights", weights, origin, hint) if weights is not None else ""
    return learned("weight", shape, origin, group=group), group


def checked_weights(weights: Node, shape: tuple[int, ...], origin: str) -> Node:
    """The node. Raises `NetworkError` unless it is the same for all samples, and has this shape."""
    if weights.batched or weights.shape != shape:
        raise NetworkError(
            origin=origin,
            what=f"weights= takes a node of shape {shape} that depends on parameters alone; got {weights}",
            hint=f"e.g. sm.parameter({shape}), or sm.exp of it",
        )
    return weights


def parameter(shape: int | tuple[int, ...], *, init: float | None = None, name: str | None = None) -> Node:
    """A learned array θ: a factor, a term, an operand of `sm.pointwise`, or a layer's `weights=`.

    `init` is the initial value of all its numbers. Without one, they are drawn from N(0, 1/n), where n is the length of
    the last axis. Raises `NetworkError` for anything but whole numbers of at least 1, and a finite `init`.
    """
    origin = here()
    hint = "sm.parameter(64) has one for each of 64 units, sm.parameter(1) one for all of them"
    dims = shape_of(shape, origin, "the shape of a parameter is", hint)
    start = None if init is None else real_number(init)
    if init is not None and start is None:
        raise NetworkError(origin=origin, what=f"init must be a finite number; got {shortened(init)}", hint="init=1.0")
    return Node(layer=Parameter(init=start), operands=(), shape=dims, name=name, origin=origin)
