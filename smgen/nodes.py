"""What a user calls in `net.py`: each function makes one node, checks it, and remembers where it was written."""

from __future__ import annotations

import keyword
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import sympy as sp

from smgen.calculus import formula
from smgen.derivatives import symbolic
from smgen.domains import interval, interval_text
from smgen.errors import NetworkError, several, shortened
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Input:
    """The data vector x."""

    kind: ClassVar[str] = "input"
    text: ClassVar[str] = "input"
    summary: ClassVar[str] = "input"


@dataclass(frozen=True, slots=True)
class Linear:
    """g = W f + b. `weights` names the group of parameters; layers of one group share them."""

    bias: bool
    weights: str
    kind: ClassVar[str] = "linear"

    @property
    def text(self) -> str:
        """Canonical form for the fingerprint."""
        return f"linear[{self.weights}, bias={self.bias}]"

    @property
    def summary(self) -> str:
        """For people."""
        return f"linear[weights of {self.weights}{'' if self.bias else ', no bias'}]"


@dataclass(frozen=True, slots=True)
class Pointwise:
    """g_j = f(g_i), unit by unit; `expr` is f as the user wrote it, in `primitives.G`.

    `domain` is what its author says of g_i: its least and its greatest value, each None where there is none.
    """

    expr: sp.Expr
    kind: str
    domain: tuple[sp.Expr | None, sp.Expr | None] | None = None

    @property
    def text(self) -> str:
        """Canonical form for the fingerprint."""
        return f"pointwise[{sp.srepr(self.expr)}{interval_text(', domain ', self.domain)}]"

    @property
    def summary(self) -> str:
        """For people."""
        return f"pointwise[{formula(self.expr)}{interval_text(', g in ', self.domain)}]"


@dataclass(frozen=True, slots=True)
class Add:
    """g = the sum of the inputs, unit by unit."""

    kind: ClassVar[str] = "add"
    text: ClassVar[str] = "add"
    summary: ClassVar[str] = "add"


@dataclass(frozen=True, slots=True)
class Concat:
    """g = the inputs' units side by side."""

    kind: ClassVar[str] = "concat"
    text: ClassVar[str] = "concat"
    summary: ClassVar[str] = "concat"


@dataclass(frozen=True, slots=True)
class Scale:
    """g_j = s_j g_i with a learned gain per unit."""

    kind: ClassVar[str] = "scale"
    text: ClassVar[str] = "scale"
    summary: ClassVar[str] = "scale"


Op: TypeAlias = Input | Linear | Pointwise | Add | Concat | Scale


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """A handle for one layer while a network is being written. Compared by identity: every call makes a layer."""

    op: Op
    inputs: tuple[Node, ...]
    units: int
    name: str | None
    origin: str

    def __post_init__(self) -> None:
        made = _recorder.get()
        if made is not None:
            made.append(self)

    def __repr__(self) -> str:
        name = "" if self.name is None else f" '{shortened(self.name, str)}'"
        return f"<{self.op.kind}{name} of {self.units} units, {self.origin}>"


_recorder: ContextVar[list[Node] | None] = ContextVar("recorder", default=None)


@contextmanager
def recording() -> Iterator[list[Node]]:
    """Collect every node made inside the `with` block, so that those that reach no energy can be told."""
    made: list[Node] = []
    token = _recorder.set(made)
    try:
        yield made
    finally:
        _recorder.reset(token)


def is_name(text: object) -> bool:
    """Whether `text` can become part of generated code: an ASCII Python identifier and no keyword."""
    return isinstance(text, str) and text.isascii() and text.isidentifier() and not keyword.iskeyword(text)


def _name(argument: str, value: str, origin: str, hint: str) -> str:
    if not is_name(value):
        what = f"{argument} must be an ASCII Python identifier and no keyword; got {shortened(value)}"
        raise NetworkError(origin=origin, what=what, hint=hint)
    return value


def _units(units: object, origin: str) -> int:
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


def _node(source: object, origin: str, function: str) -> Node:
    if not isinstance(source, Node):
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes a node; got {shortened(source)}",
            hint="pass what sm.input, sm.linear, sm.pointwise … returned",
        )
    return source


def _nodes(sources: Sequence[object], origin: str, function: str) -> tuple[Node, ...]:
    if not sources:
        raise NetworkError(
            origin=origin, what=f"sm.{function} takes one node or more; got none", hint=f"sm.{function}(a, b, …)"
        )
    return tuple(_node(source, origin, function) for source in sources)


def input(units: int, *, name: str | None = None) -> Node:
    """The data vector: `units` values a sample, (N, units) at run time."""
    origin = here()
    return Node(op=Input(), inputs=(), units=_units(units, origin), name=name, origin=origin)


def linear(source: Node, units: int, *, bias: bool = True, name: str | None = None, weights: str | None = None) -> Node:
    """g = W f + b, W of shape (units, source.units).

    `weights` names another linear layer, or any name, whose weights (and bias) are shared; the default is the layer's
    own.
    """
    origin = here()
    node = _node(source, origin, "linear")
    if weights is not None:
        _name("weights", weights, origin, "weights= names the layer to share with, e.g. 'filters'")
    if not isinstance(bias, bool):
        raise NetworkError(
            origin=origin, what=f"bias must be True or False; got {shortened(bias)}", hint="e.g. bias=False"
        )
    return Node(op=Linear(bias, weights or ""), inputs=(node,), units=_units(units, origin), name=name, origin=origin)


def pointwise(
    source: Node,
    function: sp.Expr | Callable[[sp.Symbol], sp.Expr],
    *,
    name: str | None = None,
    kind: str = "pointwise",
    domain: tuple[float | None, float | None] | None = None,
) -> Node:
    """g_j = f(g_i), unit by unit, for a sympy expression of one symbol, or a function that returns one.

    `domain` = (least, greatest) says that g_i is never outside, where f need not be real: (0, None) for what is never
    negative. Raises `UnsupportedNonlinearity` for anything else; `kind` is only used to name the layer.
    """
    origin = here()
    node = _node(source, origin, "pointwise")
    _name("kind", kind, origin, "it begins the layer's name; leave it out, or choose the whole name with name=")
    expr, ends = symbolic(function, origin=origin), interval(domain, origin)
    return Node(op=Pointwise(expr, kind, ends), inputs=(node,), units=node.units, name=name, origin=origin)


def add(*sources: Node, name: str | None = None) -> Node:
    """g = a + b + …, unit by unit; all of one width (skip connections)."""
    origin = here()
    nodes = _nodes(sources, origin, "add")
    widths = [node.units for node in nodes]
    if len(set(widths)) > 1:
        raise NetworkError(
            origin=origin,
            what=f"sm.add takes nodes of one width; got {several(nodes)}",
            hint="sm.linear changes a width, sm.concat puts nodes of different widths side by side",
        )
    return Node(op=Add(), inputs=nodes, units=widths[0], name=name, origin=origin)


def concat(*sources: Node, name: str | None = None) -> Node:
    """g = the units of a, then those of b, …"""
    origin = here()
    nodes = _nodes(sources, origin, "concat")
    return Node(op=Concat(), inputs=nodes, units=sum(node.units for node in nodes), name=name, origin=origin)


def scale(source: Node, *, name: str | None = None) -> Node:
    """g_j = s_j f_j with a learned gain s of one value per unit, parameter `<name>.gain`."""
    origin = here()
    node = _node(source, origin, "scale")
    return Node(op=Scale(), inputs=(node,), units=node.units, name=name, origin=origin)
