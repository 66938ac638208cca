"""The nodes that calls in `net.py` make. Each is checked, and knows the line where it was written."""

from __future__ import annotations

import keyword
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar, Final

from smgen.errors import NetworkError, counted, shortened
from smgen.layers.protocol import Layer

MOST_NUMBERS: Final = 2**31 - 1
"""A node has no more numbers a sample than an int of C counts."""

BEYOND: Final = 10**30
"""Larger sizes are not worth writing out."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """A layer in a description. Nodes are compared by identity: every call makes a new layer.

    `depends_on_x` says whether derivatives by x pass through it, `batched` whether it varies over samples.

    `operands` are the nodes it reads, in the layer's order. `shape` is the shape of one sample, or of an array that all
    samples share. A parameter that a layer owns has a `role`, such as "weight"; its name begins with its `group`, or
    with the name of the layer that reads it first.
    """

    layer: Layer
    operands: tuple[Node, ...]
    shape: tuple[int, ...]
    name: str | None
    origin: str
    role: str = ""
    group: str = ""
    depends_on_x: bool = field(init=False)
    batched: bool = field(init=False)
    __array_ufunc__: ClassVar[None] = None  # NumPy then leaves `array + node` to Node

    def __post_init__(self) -> None:
        layer, operands = self.layer, self.operands
        depends = not layer.detached and any(operand.depends_on_x for operand in operands)
        object.__setattr__(self, "depends_on_x", layer.is_data or depends)
        object.__setattr__(self, "batched", layer.per_sample or any(operand.batched for operand in operands))
        if self.units > MOST_NUMBERS:
            raise NetworkError(
                origin=self.origin,
                what=f"{self} has {self.units:,} numbers"
                if self.units < BEYOND
                else f"sm.{self.layer.kind}: the sizes are far too large",
                hint=f"a node has at most {MOST_NUMBERS:,}, which fill 8 GB in float32",
            )
        made = _recorder.get()
        if made is not None:
            made.append(self)

    @property
    def units(self) -> int:
        """The number of values for one sample."""
        return prod(self.shape)

    def __repr__(self) -> str:
        name = "" if self.name is None else f" '{shortened(self.name, str)}'"
        one_axis = self.batched and len(self.shape) == 1
        size = f"of {counted(self.units, 'unit')}" if one_axis else f"of shape {self.shape}"
        return f"<{self.layer.kind}{name} {size}, {self.origin}>"

    def __getitem__(self, index: object) -> Node:
        from smgen.layers.axes import part

        return part(self, index)

    __iter__: ClassVar[None] = None  # a node is not a sequence of its parts

    def __add__(self, other: object) -> Node:
        return _combined("add", operator.add, self, other)

    def __radd__(self, other: object) -> Node:
        return _combined("add", operator.add, other, self)

    def __sub__(self, other: object) -> Node:
        return _combined("subtract", operator.sub, self, other)

    def __rsub__(self, other: object) -> Node:
        return _combined("subtract", operator.sub, other, self)

    def __mul__(self, other: object) -> Node:
        return _combined("multiply", operator.mul, self, other)

    def __rmul__(self, other: object) -> Node:
        return _combined("multiply", operator.mul, other, self)

    def __truediv__(self, other: object) -> Node:
        return _combined("divide", operator.truediv, self, other)

    def __rtruediv__(self, other: object) -> Node:
        return _combined("divide", operator.truediv, other, self)

    def __pow__(self, other: object) -> Node:
        return _combined("power", operator.pow, self, other)

    def __rpow__(self, other: object) -> Node:
        return _combined("power", operator.pow, other, self)

    def __neg__(self) -> Node:
        return _combined("negative", operator.neg, self)

    def __abs__(self) -> Node:
        return _combined("absolute", abs, self)


def _combined(kind: str, function: Callable[..., Any], *operands: object) -> Node:
    """A pointwise layer of nodes and numbers."""
    from smgen.layers.pointwise import combined

    return combined(kind, function, operands)


_recorder: ContextVar[list[Node] | None] = ContextVar("recorder", default=None)


@contextmanager
def recording() -> Iterator[list[Node]]:
    """Collect every node made inside the `with` block, to find the nodes that do not reach the energy."""
    made: list[Node] = []
    token = _recorder.set(made)
    try:
        yield made
    finally:
        _recorder.reset(token)


def is_name(text: object) -> bool:
    """Whether `text` can become part of generated code: an ASCII Python identifier and no keyword."""
    return isinstance(text, str) and text.isascii() and text.isidentifier() and not keyword.iskeyword(text)


def checked_name(argument: str, value: object, origin: str, hint: str) -> str:
    """Return the value if it is a usable name. Raises `NetworkError` otherwise."""
    if not isinstance(value, str) or not is_name(value):
        what = f"{argument} must be an ASCII Python identifier and no keyword; got {shortened(value)}"
        raise NetworkError(origin=origin, what=what, hint=hint)
    return value


def units_of(units: object, origin: str) -> int:
    """Return the number of units. Raises `NetworkError` for anything but a whole number of at least 1."""
    try:
        count = 0 if isinstance(units, bool) else operator.index(units)  # type: ignore[arg-type]
    except Exception:
        count = 0
    if count < 1:
        raise NetworkError(
            origin=origin,
            what=f"units must be a whole number of at least 1; got {shortened(units)}",
            hint="e.g. sm.input(144)",
        )
    return count


def checked_bias(bias: object, origin: str) -> bool:
    """Whether a layer has a bias. Raises `NetworkError` for anything but True and False."""
    if not isinstance(bias, bool):
        raise NetworkError(
            origin=origin, what=f"bias must be True or False; got {shortened(bias)}", hint="e.g. bias=False"
        )
    return bias


def node_of(source: object, origin: str, function: str) -> Node:
    """Return `source` if it is a node. Raises `NetworkError` otherwise."""
    if not isinstance(source, Node):
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes a node; got {shortened(source)}",
            hint="pass what sm.input, sm.linear, sm.pointwise … returned",
        )
    return source


def nodes_of(sources: Sequence[object], origin: str, function: str) -> tuple[Node, ...]:
    """Return the sources if they are one node or more. Raises `NetworkError` otherwise."""
    if not sources:
        raise NetworkError(
            origin=origin, what=f"sm.{function} takes one node or more; got none", hint=f"sm.{function}(a, b, …)"
        )
    return tuple(node_of(source, origin, function) for source in sources)


def varying(nodes: Sequence[Node], origin: str, function: str) -> None:
    """Raise `NetworkError` for a node that is the same for all samples."""
    for node in nodes:
        if not node.batched:
            raise NetworkError(
                origin=origin,
                what=f"sm.{function} takes nodes that depend on x or on a condition; got {node}",
                hint="parameters are combined by operators, sm.softplus and its like, and sm.pointwise",
            )
