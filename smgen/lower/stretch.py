"""A stretch of the graph with one tangent for each unit of the vertex it begins at: ġ up it, δ̇ down it.

A stretch goes from its base b to its top t, through which everything above depends on x (or to the energy: no top).
With ġ_v = ∂g_v/∂g_b, one row a unit of b, and δ̇_v = ∂δ_v/∂g_b,

    ġ_k = Σ_p J_p ġ_p,   δ̇_p = Σ_k J_pᵀ δ̇_k + δ_k Σ_q f_pq ġ_q,   δ̇_t = ġ_t H_t,   H_b = δ̇_b

where H is the Hessian of the energy: equation (2), [+] 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from smgen.ir import ZERO, Buffer, Contribution, Name, term
from smgen.layers.letters import Quantity
from smgen.lower.curvature import Values
from smgen.lower.names import DELTA_TANGENT, TANGENT
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex


@dataclass(frozen=True, slots=True)
class Stretch:
    """The vertices of a segment: its base, those above it in order, and its top if others follow."""

    base: Vertex
    members: tuple[Vertex, ...]
    top: Vertex | None


def delta_curvatures(low: Lowering, delta: Values, k: Vertex) -> dict[tuple[str, str], sp.Expr]:
    """δ_k f_pq of the inputs two by two, which every tangent needs."""
    found = {}
    for p, q in low.at[k.name].pairs:
        value = delta[k.name] * low.at[k.name].partial(p, q) if delta[k.name] != 0 else ZERO
        name = f"delta_curvature_{k.name}" if p == q else f"delta_curvature_{k.name}_by_{p}_by_{q}"
        found[p, q] = low.emitter.let(Name(name), value)
    return found


class Propagation:
    """Tangents of one stretch, both ways. `start` are the tangents of the base; without them they are its units."""

    def __init__(self, low: Lowering, tangents: Tangents, stretch: Stretch, start: sp.Expr | None = None) -> None:
        self.low, self.tangents, self.stretch, self.start = low, tangents, stretch, start
        self.names = {v.name for v in stretch.members}
        self.dot: Values = {}
        self.back: Values = {}
        self.squares: Values = {}
        self.curved: dict[str, dict[tuple[str, str], sp.Expr]] = {}

    @property
    def base(self) -> str:
        return self.stretch.base.name

    # Backwards: H

    def backward(self, delta: Values, above: sp.Expr) -> sp.Expr:
        """ġ up the segment, δ̇ down it from the Hessian at its top; returns the Hessian at its base."""
        top = self.stretch.top
        self.dot[self.base] = self.tangents.identity(self.stretch.base.units) if self.start is None else self.start
        for v in self.stretch.members:
            self.dot[v.name] = self.carry(v, self.dot, TANGENT)
            self.curved[v.name] = delta_curvatures(self.low, delta, v)
        for v in reversed((self.stretch.base, *self.stretch.members)):
            name = DELTA_TANGENT.of(v.name)
            if top is not None and v.name == top.name:
                self.back[v.name] = self.tangents.times(self.dot[v.name], above, name, "[+] 8") if above != 0 else ZERO
                continue
            self.back[v.name] = self.tangents.gather(name, "[+] 8", list(self.back_parts(v, self.dot, self.back)))
        return self.back[self.base]

    def carry(self, v: Vertex, values: Values, quantity: Quantity) -> sp.Expr:
        """What reaches v of ġ or ĝ."""
        parts = list(self.low.at[v.name].forward(self.tangents, values))
        return self.tangents.gather(quantity.of(v.name), "[+] 8", parts)

    def back_parts(self, v: Vertex, tangents: Values, back: Values) -> Iterator[Contribution]:
        """What the children of v pass back to δ̇_v for these tangents."""
        for k in self.low.network.children(v.name):
            if k.name not in self.names:
                continue
            yield from self.low.at[k.name].backward(self.tangents, v.name, back[k.name])
            for (p, q), curved in self.curved[k.name].items():
                if v.name not in (p, q) or curved == 0:
                    continue
                if (tangent := tangents.get(q if v.name == p else p, ZERO)) != 0:
                    yield term(self.tangents.scale(curved, tangent))

    # The diagonal, and its sum

    def diagonal(self) -> sp.Expr:
        """ġᵀ H ġ of every tangent, (N, C): Σ_k Σ_pq δ_k f_pq ġ_p ġ_q over the segment, and ġ_tᵀ H_t ġ_t."""
        total: sp.Expr = ZERO
        for k, p, q, curved in self._curvatures():
            name = Name(f"curvature_of_{k.name}")
            if p != q:
                value = self.tangents.scale(curved, self.dot[p] * self.dot[q])
                total += 2 * self.tangents.sum_units(value, name)
            elif self.is_unit(p):
                total += curved
            elif self.tangents.is_batched(self.dot[p]):
                total += self.tangents.sum_units(self.tangents.scale(curved, self.dot[p] ** 2), name)
            else:
                total += self.tangents.forward(curved, self.square(p), name)
        if (top := self.stretch.top) is not None:
            above = Name(f"curvature_above_{top.name}")
            total += self.tangents.sum_units(self.dot[top.name] * self.back[top.name], above)
        return total

    def trace(self) -> sp.Expr:
        """(1/N) Σ_n Σ_c of the diagonal, summed over the tangents first."""
        total: sp.Expr = ZERO
        mean = self.tangents.mean_sum
        for k, p, q, curved in self._curvatures():
            value = curved * self.sum_of_products(p, q) * (1 if p == q else 2)
            total += mean(value, k.units, Name(f"sum_curvature_{k.name}"))
        if (top := self.stretch.top) is not None and self.back[top.name] * self.dot[top.name] != 0:
            above = Name(f"sum_curvature_above_{top.name}")
            total += mean(self.dot[top.name] * self.back[top.name], 1, above)
        return total

    def _curvatures(self) -> Iterator[tuple[Vertex, str, str, sp.Expr]]:
        """δ_k f_pq where it is not 0 and meets tangents."""
        for k in self.stretch.members:
            for (p, q), curved in self.curved.get(k.name, {}).items():
                if curved != 0 and self.dot.get(p, ZERO) != 0 and self.dot.get(q, ZERO) != 0:
                    yield k, p, q, curved

    def is_unit(self, name: str) -> bool:
        """Whether the tangents of a vertex are its own units."""
        return name == self.base and self.start is None

    def square(self, name: str) -> Buffer:
        """ġ ∘ ġ of tangents that do not vary over the batch."""
        return self.tangents.square(self.tangents.buffer(self.tangents.named(self.dot[name], "tangent_arg")))

    def sum_of_products(self, p: str, q: str) -> sp.Expr:
        """Σ_c ġ_p ġ_q, (N, M) or (M,)."""
        if p == q and self.is_unit(p):
            return sp.S.One
        key = p if p == q else f"{p}_{q}"
        if key not in self.squares:
            name = Name(f"sum_tangent_squared_{p}" if p == q else f"sum_tangents_{key}")
            self.squares[key] = self.tangents.sum_tangents(self.dot[p] * self.dot[q], name)
        return self.squares[key]
