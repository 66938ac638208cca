"""A segment of the graph with one tangent for each unit of its base: ġ goes up the segment, δ̇ goes down.

A segment goes from its base b to its top t: everything above t depends on x through t alone. The last segment goes to
the energy and has no top. With ġ_v = ∂g_v/∂g_b, one row a unit of b, and δ̇_v = ∂δ_v/∂g_b,

    ġ_k = Σ_p J_p ġ_p,   δ̇_p = Σ_k J_pᵀ δ̇_k + δ_k Σ_q f_pq ġ_q,   δ̇_t = ġ_t H_t,   H_b = δ̇_b

where H is the Hessian of the energy, equation (2) and [+] 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from smgen.ir import ZERO, Buffer, Contribution, Name, term
from smgen.layers.letters import Quantity
from smgen.lower.hessian_state import Values
from smgen.lower.names import DELTA_TANGENT, TANGENT
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: its base, the `members` above the base in order, and its top, None for the last segment.

    `bent` are the members whose second derivatives it has; None means all.
    """

    base: Vertex
    members: tuple[Vertex, ...]
    top: Vertex | None
    bent: frozenset[str] | None = None

    def bends(self, k: Vertex) -> bool:
        """Whether it has the second derivatives of a member."""
        return self.bent is None or k.name in self.bent


def delta_curvatures(lowering: Lowering, delta: Values, k: Vertex) -> dict[tuple[str, str], sp.Expr]:
    """δ_k f_pq for every pair of inputs of k, computed once for all tangents."""
    curvatures = {}
    for p, q in lowering.lowered[k.name].pairs:
        value = delta[k.name] * lowering.lowered[k.name].partial(p, q) if delta[k.name] != 0 else ZERO
        name = f"delta_curvature_{k.name}" if p == q else f"delta_curvature_{k.name}_by_{p}_by_{q}"
        curvatures[p, q] = lowering.emitter.bind(Name(name), value)
    return curvatures


class SegmentTangents:
    """The tangents of one segment. `base_tangents` are those of the base; None means one for each of its units."""

    def __init__(
        self, lowering: Lowering, tangents: Tangents, segment: Segment, base_tangents: sp.Expr | None = None
    ) -> None:
        self.lowering, self.tangents, self.segment, self.base_tangents = lowering, tangents, segment, base_tangents
        self.names = {v.name for v in segment.members}
        self.tangent: Values = {}
        self.delta_tangent: Values = {}
        self.squares: Values = {}
        self.delta: Values = {}
        self.delta_curvature: dict[str, dict[tuple[str, str], sp.Expr]] = {}

    @property
    def base(self) -> str:
        return self.segment.base.name

    # Backwards: H

    def backward(self, delta: Values, above: sp.Expr) -> sp.Expr:
        """Compute ġ upwards, then δ̇ downwards from the Hessian at the top; returns the Hessian at the base."""
        e, base, top = self.tangents, self.segment.base, self.segment.top
        self.delta = delta
        self.tangent[base.name] = e.identity(base) if self.base_tangents is None else self.base_tangents
        for v in self.segment.members:
            self.tangent[v.name] = self.carry(v, self.tangent, TANGENT)
            if self.segment.bends(v):
                self.delta_curvature[v.name] = delta_curvatures(self.lowering, delta, v)
        for v in reversed((base, *self.segment.members)):
            name = DELTA_TANGENT.of(v.name)
            if top is not None and v.name == top.name:
                self.delta_tangent[v.name] = e.times(self.tangent[v.name], above, name, "[+] 8") if above != 0 else ZERO
                continue
            parts = list(self.delta_tangent_parts(v, self.tangent, self.delta_tangent))
            self.delta_tangent[v.name] = e.sum_of(name, "[+] 8", parts)
        return self.delta_tangent[base.name]

    def carry(self, v: Vertex, values: Values, quantity: Quantity) -> sp.Expr:
        """ġ or ĝ of v from those of its inputs."""
        parts = list(self.lowering.lowered[v.name].forward(self.tangents, values))
        return self.tangents.sum_of(quantity.of(v.name), "[+] 8", parts)

    def delta_tangent_parts(self, v: Vertex, tangents: Values, delta_tangent: Values) -> Iterator[Contribution]:
        """The contributions of the children of v to δ̇_v, for these tangents."""
        for k in self.lowering.network.children(v.name):
            if k.name not in self.names:
                continue
            yield from self.back(v, k, delta_tangent[k.name])
            for (p, q), delta_curvature in self.delta_curvature.get(k.name, {}).items():
                if v.name not in (p, q) or delta_curvature == 0:
                    continue
                if (tangent := tangents.get(q if v.name == p else p, ZERO)) != 0:
                    yield term(self.tangents.scale(delta_curvature, tangent))
            yield from self._product_parts(v, k, tangents)

    def back(self, v: Vertex, k: Vertex, value: sp.Expr) -> Iterator[Contribution]:
        """Jᵀ δ̇_k for an input v of k."""
        yield from self.lowering.lowered[k.name].backward(self.tangents, v.name, value)

    def _product_parts(self, v: Vertex, k: Vertex, tangents: Values) -> Iterator[Contribution]:
        """What a product k of v and another vertex gives: from δ_k and the tangents of the other."""
        for pair in self.lowering.lowered[k.name].products if self.segment.bends(k) else ():
            for source, other in (pair, pair[::-1]):
                if source == v.name and self.delta[k.name] != 0 and (tangent := tangents.get(other, ZERO)) != 0:
                    yield self._product_part(k, v.name, tangent)

    def _product_part(self, k: Vertex, source: str, tangent: sp.Expr) -> Contribution:
        e, lowered, delta = self.tangents, self.lowering.lowered[k.name], self.delta[k.name]
        return lambda name, number: lowered.product_back(e, source, e.row(delta), tangent, name.part("product"), number)

    # The diagonal, and its sum

    def diagonal(self) -> sp.Expr:
        """ġᵀ H ġ of every tangent: Σ_k Σ_pq δ_k f_pq ġ_p ġ_q over the segment, plus ġ_tᵀ H_t ġ_t.

        Without tangents of its own, it has the layout of the base; with them a number for each, (N, C).
        """
        total: sp.Expr = ZERO
        for k, p, q, delta_curvature in self._curvatures():
            name = Name(f"curvature_of_{k.name}")
            if p != q:
                value = self.tangents.scale(delta_curvature, self.tangent[p] * self.tangent[q])
                total += 2 * self.tangents.sum_units(value, name)
            elif self.is_unit(p):
                total += self.tangents.in_a_row(delta_curvature, k, name.part("row"))
            elif self.tangents.is_batched(self.tangent[p]):
                total += self.tangents.sum_units(self.tangents.scale(delta_curvature, self.tangent[p] ** 2), name)
            else:
                row = self.tangents.in_a_row(delta_curvature, k, name.part("row"))
                total += self.tangents.forward(row, self.square(p), name)
        for k, value in self._products():
            total += 2 * self.tangents.sum_units(value, Name(f"curvature_of_{k.name}"))
        if (top := self.segment.top) is not None:
            above = Name(f"curvature_above_{top.name}")
            total += self.tangents.sum_units(self.tangent[top.name] * self.delta_tangent[top.name], above)
        if self.base_tangents is not None:
            return total
        return self.tangents.in_places(total, self.segment.base, Name(f"curvatures_of_{self.base}"))

    def trace(self) -> sp.Expr:
        """The total of the diagonal. Tangents are summed first, which costs less."""
        total: sp.Expr = ZERO
        total_of = self.tangents.total
        for k, p, q, delta_curvature in self._curvatures():
            value = delta_curvature * self.sum_of_products(p, q) * (1 if p == q else 2)
            total += total_of(value, k.units, Name(f"sum_curvature_{k.name}"))
        for k, value in self._products():
            summed = self.tangents.sum_tangents(value, Name(f"sum_products_{k.name}"))
            total += 2 * total_of(summed, k.units, Name(f"sum_curvature_{k.name}"))
        if (top := self.segment.top) is not None and self.delta_tangent[top.name] * self.tangent[top.name] != 0:
            above = Name(f"sum_curvature_above_{top.name}")
            total += total_of(self.tangent[top.name] * self.delta_tangent[top.name], 1, above)
        return total

    def _curvatures(self) -> Iterator[tuple[Vertex, str, str, sp.Expr]]:
        """Every δ_k f_pq that is not 0 and whose inputs p and q have tangents."""
        for k in self.segment.members:
            for (p, q), delta_curvature in self.delta_curvature.get(k.name, {}).items():
                if delta_curvature != 0 and self.tangent.get(p, ZERO) != 0 and self.tangent.get(q, ZERO) != 0:
                    yield k, p, q, delta_curvature

    def _products(self) -> Iterator[tuple[Vertex, sp.Expr]]:
        """δ_k times the product of the tangents of its factors, for every product k of two inputs."""
        for k in self.segment.members:
            lowered = self.lowering.lowered[k.name]
            for p, q in lowered.products if self.segment.bends(k) else ():
                first, second = self.tangent.get(p, ZERO), self.tangent.get(q, ZERO)
                if self.delta[k.name] != 0 and first != 0 and second != 0:
                    name = Name(f"product_of_tangents_{k.name}")
                    product = lowered.product(self.tangents, first, second, name, "")
                    yield k, self.tangents.scale(self.delta[k.name], product)

    def is_unit(self, name: str) -> bool:
        """Whether the tangents of a vertex are the identity, one for each of its own units."""
        return name == self.base and self.base_tangents is None

    def square(self, name: str) -> Buffer:
        """ġ ∘ ġ, for tangents that do not vary over the batch."""
        e, v = self.tangents, self.lowering.network[name]
        squares = e.square(e.buffer(e.in_buffer(self.tangent[name], "tangent_arg")))
        return e.buffer(e.in_a_row(squares.symbol, v, squares.part("row")))

    def sum_of_products(self, p: str, q: str) -> sp.Expr:
        """Σ_c ġ_p ġ_q, (N, M) or (M,)."""
        if p == q and self.is_unit(p):
            return sp.S.One
        key = p if p == q else f"{p}_{q}"
        if key not in self.squares:
            name = Name(f"sum_tangent_squared_{p}" if p == q else f"sum_tangents_{key}")
            self.squares[key] = self.tangents.sum_tangents(self.tangent[p] * self.tangent[q], name)
        return self.squares[key]
