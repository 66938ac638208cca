"""Pointwise layers, g = f(a, b, …), unit by unit. All derivatives follow from the expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.derivatives import Nonlinearity, symbolic
from smgen.calculus.domains import Ends, interval, interval_text
from smgen.calculus.intervals import Interval, total, values
from smgen.calculus.partials import Partials, partials, symbols_of
from smgen.calculus.symbolic import formula
from smgen.constants import real_number
from smgen.errors import NetworkError, several, shortened
from smgen.functions import definite
from smgen.ir import Emitter, Name
from smgen.layers.broadcast import spread
from smgen.layers.kind import Kind
from smgen.layers.nodes import Node, checked_name, node_of, nodes_of
from smgen.layers.orders import Order, most_common
from smgen.layers.parameter import learned
from smgen.layers.patterns import Paths
from smgen.layers.pointwise_lowered import pairs_of, written
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Vertex
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Pointwise(Kind):
    """g_j = f(a_j, b_j, …). `expr` is f as the user wrote it, in the symbols `symbols_of(arity)`.

    `domain` is the least and the greatest value of a single operand, as its author stated them; None for no bound.
    """

    expr: sp.Expr
    kind: str
    arity: int = 1
    domain: Ends | None = None
    mixes: ClassVar[bool] = False
    keeps_places: ClassVar[bool] = True

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The operands in the expression."""
        return symbols_of(self.arity)

    @property
    def function(self) -> Partials:
        """f and its derivatives."""
        return partials(self.expr, self.symbols)

    @property
    def nonlinearity(self) -> Nonlinearity | None:
        return self.function.nonlinearity

    @property
    def kinks(self) -> bool:
        return self.function.kinks

    @property
    def equations(self) -> Equations:
        return "pointwise" if self.arity == 1 else "general"

    @property
    def text(self) -> str:
        return f"pointwise[{sp.srepr(self.expr)}{interval_text(', domain ', self.domain)}]"

    def summary(self, operands: Sequence[str]) -> str:
        if self.arity == 1:
            return f"pointwise[{formula(self.expr)}{interval_text(', g in ', self.domain)}]({operands[0]})"
        return formula(self.expr.xreplace(dict(zip(self.symbols, map(sp.Symbol, operands), strict=True))))

    def prepare(self, v: Vertex) -> None:
        for orders in self.function.orders():
            self.function.form(orders)

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        order = most_common(v.shape, below)
        return order, dict.fromkeys(below, order)

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        return written(e, v, self.function, g, name)

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return self._numbers(v, (), g, f)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Diagonal:
        return Diagonal(self._numbers(v, (source,), g, f))

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> Array:
        return self._numbers(v, (p, q), g, f)

    def _numbers(self, v: Vertex, by: tuple[str, ...], g: Mapping[str, Array], f: Differentiate) -> Array:
        symbol = dict(zip(v.operands, self.symbols, strict=True))
        arrays = np.broadcast_arrays(*(self._in_shape(v, p, g[p]) for p in v.operands))
        result = f(self.expr, dict(zip(self.symbols, arrays, strict=True)), tuple(symbol[p] for p in by))
        return result.reshape(len(result), -1) if v.batched else result

    @staticmethod
    def _in_shape(v: Vertex, p: str, value: Array) -> Array:
        """An operand in the shape of its place: what varies has a batch axis and its units in a row."""
        return value.reshape(-1, *v.shape) if p in v.inputs or p in v.conditions else value

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        f, position = self.function, {p: n for n, p in enumerate(v.operands)}
        for p, q in pairs_of(v, f):
            if f.is_curved_in(tuple(sorted((position[p], position[q])))):
                yield p, q

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        return Paths.sum([below[p] for p in v.inputs])

    def range(self, below: Sequence[Interval]) -> Interval:
        f = self.function.derivative()
        if f.is_Add and set(f.args) == set(self.symbols):
            return total(below)
        return values(f, dict(zip(self.symbols, below, strict=True)))

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        if self.arity == 1:
            return f"f_{v.name}({names[v.operands[0]]})"
        return self._spelled(v, (), names)

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        slope = f"f1_{v.name}" if self.arity == 1 else f"({self._spelled(v, (source,), names)})"
        return f"{value} * {slope}{' ** 2' * squared}"

    def spelled_f_second(self, v: Vertex, source: str, names: Mapping[str, str]) -> str | None:
        if self.arity == 1:
            return f"f2_{v.name}"
        text = self._spelled(v, (source, source), names)
        return None if text == "0" else f"({text})"

    def _spelled(self, v: Vertex, by: tuple[str, ...], names: Mapping[str, str]) -> str:
        derivative = definite(self.function.derivative(tuple(sorted(map(v.operands.index, by)))))
        operands = (sp.Symbol(names[operand]) for operand in v.operands)
        return str(derivative.xreplace(dict(zip(self.symbols, operands, strict=True))))


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal:
    """∂g/∂g_p in numbers, unit by unit, (N, units)."""

    array: Array

    def forward(self, value: Array, *, squared: bool = False) -> Array:
        """J v, also for v with tangents, (N, C, units)."""
        array = self._array(squared=squared)
        return value * (array[:, np.newaxis] if value.ndim == 3 else array)

    def backward(self, value: Array, *, squared: bool = False) -> Array:
        """Jᵀ v."""
        return value * self._array(squared=squared)

    def _array(self, *, squared: bool) -> Array:
        return np.square(self.array) if squared else self.array


def pointwise(
    source: Node | Sequence[Node],
    function: sp.Expr | Callable[..., sp.Expr],
    *,
    name: str | None = None,
    kind: str = "pointwise",
    domain: tuple[float | None, float | None] | None = None,
) -> Node:
    """g = f(a) or f(a, b, …), unit by unit, for a sympy expression or a function that returns one.

    Operands are nodes of equal width, and parameters of this width or of one number. An expression of one operand has
    one symbol; with several operands, `function` is called with a symbol for each. `domain` = (least, greatest) bounds
    a single operand, (0, None) for one that is never negative; outside, f need not be real. A function of several
    operands must be real for all values that they can have. Raises `UnsupportedNonlinearity` for other functions.
    `kind` is used only to name the layer.
    """
    origin = here()
    checked_name("kind", kind, origin, "it begins the layer's name; leave it out, or choose the whole name with name=")
    if isinstance(source, tuple | list):
        nodes = nodes_of(source, origin, "pointwise")
    else:
        nodes = (node_of(source, origin, "pointwise"),)
    distinct = tuple(dict.fromkeys(nodes))
    symbol = dict(zip(distinct, symbols_of(len(distinct)), strict=True))
    expr = symbolic(function, tuple(symbol[node] for node in nodes), origin=origin)
    ends = interval(domain, origin)
    if ends is not None and len(distinct) > 1:
        raise NetworkError(
            origin=origin,
            what=f"domain= is of a function of one node; got {several(distinct)}",
            hint="say it of the operand: b = sm.pointwise(b, lambda b: b, domain=(0.1, None))",
        )
    shape = _common(distinct, origin, kind)
    batched = any(node.batched for node in distinct)
    operands = tuple(spread(node, shape, origin, batched=batched) for node in distinct)
    return Node(
        layer=Pointwise(expr, kind, len(distinct), ends), operands=operands, shape=shape, name=name, origin=origin
    )


def _common(nodes: Sequence[Node], origin: str, kind: str) -> tuple[int, ...]:
    """The shape of the result. Raises `NetworkError` where the operands do not broadcast to it."""
    try:
        return tuple(np.broadcast_shapes(*(node.shape for node in nodes)))
    except ValueError:
        raise NetworkError(
            origin=origin,
            what=f"{kind} takes nodes and parameters whose shapes broadcast, as NumPy's do; got {several(nodes)}",
            hint="axes are equal or of length one, counted from the last: sm.parameter((C, 1, 1)) has a number for "
            "each channel of (C, H, W); sm.linear changes a width, sm.concat puts nodes side by side",
        ) from None


def add(*sources: Node, name: str | None = None) -> Node:
    """g = a + b + …, unit by unit, for nodes whose shapes broadcast (skip connections)."""
    nodes = nodes_of(sources, here(), "add")
    return pointwise(nodes, lambda *operands: sp.Add(*operands), name=name, kind="add")


def scale(source: Node, *, name: str | None = None) -> Node:
    """g_j = s_j f_j with a learned gain s, one value for each unit: the parameter `<name>.gain`."""
    origin = here()
    node = node_of(source, origin, "scale")
    gain = learned("gain", node.shape, origin)
    return pointwise((node, gain), lambda g, s: s * g, name=name, kind="scale")


def combined(kind: str, function: Callable[..., Any], operands: Sequence[object]) -> Node:
    """The pointwise layer of an operator on nodes and numbers. Raises `NetworkError` for other operands."""
    origin = here()
    numbers = {n: real_number(operand) for n, operand in enumerate(operands) if not isinstance(operand, Node)}
    for n, number in numbers.items():
        if number is None:
            raise NetworkError(
                origin=origin,
                what=f"an operator takes nodes and finite numbers; got {shortened(operands[n])}",
                hint="sm.constant(array) makes a node of an array, sm.parameter(…) a learned one; "
                "sm.pointwise((a, b), f) takes any formula",
            )
    nodes = [operand for operand in operands if isinstance(operand, Node)]

    def applied(*symbols: sp.Expr) -> sp.Expr:
        rest = iter(symbols)
        return function(*(numbers[n] if n in numbers else next(rest) for n in range(len(operands))))

    distinct = list(dict.fromkeys(nodes))
    value = applied(*(symbols_of(len(distinct))[distinct.index(node)] for node in nodes))
    if value.is_number:
        text = "divides by 0" if not value.is_finite else f"is {value} whatever the node is"
        raise NetworkError(origin=origin, what=f"{kind} of {several(nodes)} {text}", hint="leave it out")
    if value.has(sp.zoo, sp.oo, sp.nan):
        raise NetworkError(origin=origin, what=f"{kind} of {several(nodes)} divides by 0", hint="leave it out")
    return pointwise(nodes, applied, kind=kind)
