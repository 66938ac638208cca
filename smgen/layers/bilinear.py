"""The matrix product of two nodes, g = a b for each sample ([+] 15). Attention is made of two of them and a softmax."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
import sympy as sp

from smgen.calculus.intervals import REALS, Interval
from smgen.errors import NetworkError
from smgen.ir import Contribution, EachProduct, Emitter, Form, Layout, Name, each_product_layout
from smgen.ir.rearrange import filled
from smgen.layers.arrange import Reshape
from smgen.layers.nodes import Node, node_of, varying
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Vertex
from smgen.layers.straight import Straight, StraightLowered
from smgen.origins import here

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bilinear(Straight):
    """g = a b, for a of shape (…, I, K) and b of shape (…, K, J)."""

    left: Shape
    right: Shape
    kind: ClassVar[str] = "matmul"
    text: ClassVar[str] = "matmul"
    equations: ClassVar[Equations] = "general"
    mixes: ClassVar[bool] = True
    multiplies: ClassVar[bool] = True

    def summary(self, operands: Sequence[str]) -> str:
        return " @ ".join(operands)

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        a, b = v.operands
        lowered = _Lowered(self, v, {a: g[a], b: g[b]})
        lowered.value = lowered.product(e, g[a], g[b], name, "")
        return lowered

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        a, b = v.operands
        return self.multiplied(g[a], g[b])

    def multiplied(self, a: Array, b: Array) -> Array:
        """a b, for values whose last axis has all units in a row."""
        left, right = a.reshape(*a.shape[:-1], *self.left), b.reshape(*b.shape[:-1], *self.right)
        product: Array = np.matmul(left, right)
        return product.reshape(*product.shape[: -len(self.left)], -1)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slopes:
        a, b = v.operands
        units = len(g[source][0])
        each = np.eye(units)[:, np.newaxis]
        rows = self.multiplied(each, g[b]) if source == a else self.multiplied(g[a], each)
        return Slopes(np.moveaxis(rows, 0, 1))

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        a, b = v.operands
        return ((a, b),) if {a, b} <= set(v.inputs) else ()

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        a, b = v.operands
        rows, columns = len(v.shape) - 2, len(v.shape) - 1
        return Paths.sum([below[a].mixed(columns, v.shape[-1]), below[b].mixed(rows, v.shape[-2])])

    def together(self, v: Vertex, p: str, q: str, below: Mapping[str, Paths]) -> tuple[Paths, Paths]:
        """a_ik and b_kj meet for some i and j: what leads to any row of a, and to any column of b, by k."""
        a, b = v.operands
        rows, columns = len(v.shape) - 2, len(v.shape) - 1
        shape = (*self.left[:-2], self.left[-1])
        return below[a].mixed(rows, 1).reshaped(shape), below[b].mixed(columns, 1).reshaped(shape)

    def range(self, below: Sequence[Interval]) -> Interval:
        return REALS

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        return " @ ".join(names[p] for p in v.operands)

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        a, b = (f"({names[p]} ** 2)" if squared else names[p] for p in v.operands)
        return f"{value} @ {b}.mT" if source == v.operands[0] else f"{a}.mT @ {value}"


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """∂g/∂g_p in numbers, a matrix for each sample, (N, units of p, units)."""

    array: Array

    def forward(self, value: Array, *, squared: bool = False) -> Array:
        """J v, (N, C, units of p) → (N, C, units)."""
        return value @ self._array(squared=squared)

    def backward(self, value: Array, *, squared: bool = False) -> Array:
        """Jᵀ v, (N, units) → (N, units of p)."""
        product: Array = np.einsum("nm,npm->np", value, self._array(squared=squared))
        return product

    def _array(self, *, squared: bool) -> Array:
        return np.square(self.array) if squared else self.array


@dataclass(slots=True)
class _Lowered(StraightLowered):
    """A product in a schedule. `factors` are the values of a and b."""

    layer: Bilinear
    vertex: Vertex
    factors: Mapping[str, sp.Expr]
    value: sp.Expr = sp.S.Zero

    @property
    def products(self) -> Sequence[tuple[str, str]]:
        return (self._names,)

    @property
    def _names(self) -> tuple[str, str]:
        a, b = self.vertex.operands
        return a, b

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        a, b = self._names
        for p in self.vertex.inputs:
            if values[p] != 0:
                factors = {name: self._factor(e, name, squared=squared) for name in (a, b)} | {p: values[p]}
                yield self._later(e, factors[a], factors[b], Form.TIMES)

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        if value != 0:
            other = next(name for name in self._names if name != source)
            factor = self._factor(e, other, squared=squared)
            yield lambda name, number: self.product_back(e, source, value, factor, name, number)

    def product(self, e: Emitter, left: sp.Expr, right: sp.Expr, name: Name, number: str) -> sp.Expr:
        return self._multiplied(e, (left, self.layer.left), (right, self.layer.right), Form.TIMES, name, number)

    def product_back(self, e: Emitter, source: str, value: sp.Expr, other: sp.Expr, name: Name, number: str) -> sp.Expr:
        above = (value, self.vertex.shape)
        if source == self._names[0]:
            return self._multiplied(e, above, (other, self.layer.right), Form.TIMES_TRANSPOSED, name, number)
        return self._multiplied(e, (other, self.layer.left), above, Form.TRANSPOSED_TIMES, name, number)

    def _factor(self, e: Emitter, operand: str, *, squared: bool) -> sp.Expr:
        value = self.factors[operand]
        return e.square(e.buffer(value)).symbol if squared else value

    def _later(self, e: Emitter, left: sp.Expr, right: sp.Expr, form: Form) -> Contribution:
        operands = (left, self.layer.left), (right, self.layer.right)
        return lambda name, number: self._multiplied(e, *operands, form, name, number)

    def _multiplied(
        self,
        e: Emitter,
        left: tuple[sp.Expr, Shape],
        right: tuple[sp.Expr, Shape],
        form: Form,
        name: Name,
        number: str,
    ) -> sp.Expr:
        if left[0] == 0 or right[0] == 0:
            return sp.S.Zero
        (f, a), (h, b) = (value.as_coeff_Mul() for value, _ in (left, right))
        first, second = (
            filled(e, value, Layout.of_sample(shape), name.part(side))
            for value, (_, shape), side in ((a, left, "left"), (b, right, "right"))
        )
        blocks = prod(self.vertex.shape[:-2])
        layout = each_product_layout(form, first.layout, second.layout, blocks)
        part = name if f * h == 1 else name.part("product")
        out = e.new(part, layout)
        op = EachProduct(out=out, left=first, right=second, form=form, blocks=blocks, number=number)
        return f * h * e.emit(op)


def matmul(a: Node, b: Node, *, name: str | None = None) -> Node:
    """The matrix product a b of each sample, for nodes of shape (…, I, K) and (…, K, J).

    The axes before the last two are equal in both. Raises `NetworkError` for other shapes, and for parameters: `linear`
    multiplies with weights.
    """
    origin = here()
    left, right = (node_of(node, origin, "matmul") for node in (a, b))
    varying([left, right], origin, "matmul")
    fits = len(left.shape) == len(right.shape) >= 2 and left.shape[:-2] == right.shape[:-2]
    if not fits or left.shape[-1] != right.shape[-2]:
        raise NetworkError(
            origin=origin,
            what=f"sm.matmul takes nodes of shape (…, I, K) and (…, K, J); got {left} and {right}",
            hint="sm.permute(b, (1, 0)) is the transpose of a matrix",
        )
    if left is right:  # two copies, each with its own derivatives
        right = Node(layer=Reshape(left.shape), operands=(left,), shape=left.shape, name=None, origin=origin)
    shape = (*left.shape[:-1], right.shape[-1])
    return Node(layer=Bilinear(left.shape, right.shape), operands=(left, right), shape=shape, name=name, origin=origin)
