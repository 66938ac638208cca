"""A stretch of the graph with one tangent for each unit of the vertex it begins at: ġ up it, δ̇ down it.

A stretch goes from its base b to its top t, through which everything above depends on x (or to the energy: no top).
With ġ_v = ∂g_v/∂g_b, one row a unit of b, and δ̇_v = ∂δ_v/∂g_b,

    ġ_v = Σ_i ġ_i ∂g_v/∂g_i,   δ̇_j = Σ_k δ̇_k ∂g_k/∂g_j + δ_k ∂²g_k/∂g_j² ġ_j,   δ̇_t = ġ_t H_t,   H_b = δ̇_b

where H is the Hessian of the energy: equation (2), [+] 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from smgen.ir import Buffer
from smgen.lower.curvature import Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import DELTA_TANGENT, TANGENT, Contribution, Name, Quantity
from smgen.lower.sweeps import forward_edges, linear_back, term
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Linear, Pointwise


@dataclass(frozen=True, slots=True)
class Stretch:
    """The vertices of a segment: its base, those above it in order, and its top if others follow."""

    base: Vertex
    members: tuple[Vertex, ...]
    top: Vertex | None


def delta_curvature(low: Lowering, delta: Values, v: Vertex) -> sp.Expr:
    """δ f″ of a nonlinearity, which every tangent needs."""
    value = delta[v.name] * low.derivative(v, 2) if delta[v.name] != 0 else ZERO
    return low.emitter.let(Name(f"delta_curvature_{v.name}"), value)


class Propagation:
    """Tangents of one stretch, both ways. `start` are the tangents of the base; without them they are its units."""

    def __init__(self, low: Lowering, tangents: Tangents, stretch: Stretch, start: sp.Expr | None = None) -> None:
        self.low, self.tangents, self.stretch, self.start = low, tangents, stretch, start
        self.names = {v.name for v in stretch.members}
        self.dot: Values = {}
        self.back: Values = {}
        self.squares: Values = {}
        self.curved: Values = {}

    @property
    def base(self) -> str:
        return self.stretch.base.name

    # Backwards: H

    def backward(self, delta: Values, above: sp.Expr) -> sp.Expr:
        """ġ up the segment, δ̇ down it from the Hessian at its top; returns the Hessian at its base."""
        low, top = self.low, self.stretch.top
        if self.start is not None:
            self.dot[self.base] = self.start
        for v in self.stretch.members:
            self.dot[v.name] = self.carry(v, self.dot, TANGENT, self.start is None)
            if isinstance(v.op, Pointwise):
                self.curved[v.name] = delta_curvature(low, delta, v)
        for v in reversed((self.stretch.base, *self.stretch.members)):
            name = DELTA_TANGENT.of(v.name)
            if top is not None and v.name == top.name:
                self.back[v.name] = self.tangents.times(self.dot[v.name], above, name, "[+] 8") if above != 0 else ZERO
                continue
            self.back[v.name] = low.gather(name, "[+] 8", list(self.back_parts(v, self.dot, self.back)))
        return self.back[self.base]

    def tangent(self, name: str) -> sp.Expr:
        """ġ of a vertex as an array, also where it is the identity."""
        if name not in self.dot:
            self.dot[name] = self.tangents.identity(self.stretch.base.units)
        return self.dot[name]

    def carry(self, v: Vertex, values: Values, quantity: Quantity, along_units: bool) -> sp.Expr:
        """What reaches v of ġ or ĝ. `along_units`: those of the base are the identity, formed only where needed."""
        low, name = self.low, quantity.of(v.name)
        match v.op:
            case Linear():
                weight = low.parameter(v, "weight")
                (i,) = v.inputs
                if along_units and i == self.base:
                    return self.tangents.transposed(weight)
                return low.emitter.forward(values[i], weight, name, "[+] 8")
            case Pointwise():
                (i,) = v.inputs
                value, slope = self._at(values, i, along_units), low.derivative(v, 1)
                return low.emitter.let(name, self.tangents.row(slope) * value, "[+] 8") if value * slope != 0 else ZERO
            case _:
                found = {s: self._at(values, s, along_units) for s in v.inputs}
                return forward_edges(low, v, found, quantity, "[+] 8")

    def _at(self, values: Values, name: str, along_units: bool) -> sp.Expr:
        return self.tangent(name) if along_units and name == self.base else values[name]

    def back_parts(self, v: Vertex, tangents: Values, back: Values) -> Iterator[Contribution]:
        """What the children of v pass back to δ̇_v for these tangents."""
        for k in self.low.network.children(v.name):
            if k.name not in self.names:
                continue
            if not isinstance(k.op, Pointwise):
                yield from linear_back(self.low, v, k, back[k.name])
                continue
            slope, curved = self.low.derivative(k, 1), self.curved[k.name]
            if back[k.name] * slope != 0:
                yield term(back[k.name] * self.tangents.row(slope))
            tangent = self.tangent(v.name) if tangents is self.dot and curved != 0 else tangents.get(v.name, ZERO)
            if curved * tangent != 0:
                yield term(self.tangents.row(curved) * tangent)

    # The diagonal, and its sum

    def diagonal(self) -> sp.Expr:
        """ġᵀ H ġ of every tangent, (N, C): Σ over the segment's nonlinearities of δ f″ ġ², and ġ_tᵀ H_t ġ_t."""
        total: sp.Expr = ZERO
        for k, i in self._curved_vertices():
            name = Name(f"curvature_of_{k.name}")
            if i == self.base and self.start is None:
                total += self.curved[k.name]
            elif self.low.emitter.is_batched(self.dot[i]):
                total += self.tangents.sum_units(self.tangents.row(self.curved[k.name]) * self.dot[i] ** 2, name)
            else:
                total += self.low.emitter.forward(self.curved[k.name], self.square(i), name)
        if (top := self.stretch.top) is not None:
            above = Name(f"curvature_above_{top.name}")
            total += self.tangents.sum_units(self.dot[top.name] * self.back[top.name], above)
        return total

    def trace(self) -> sp.Expr:
        """(1/N) Σ_n Σ_c of the diagonal, summed over the tangents first."""
        total: sp.Expr = ZERO
        mean = self.low.emitter.mean_sum
        for k, i in self._curved_vertices():
            value = self.curved[k.name] * self.sum_of_squares(i)
            total += mean(value, self.low.network[i].units, Name(f"sum_curvature_{k.name}"))
        if (top := self.stretch.top) is not None and self.back[top.name] * self.dot[top.name] != 0:
            above = Name(f"sum_curvature_above_{top.name}")
            total += mean(self.dot[top.name] * self.back[top.name], 1, above)
        return total

    def _curved_vertices(self) -> Iterator[tuple[Vertex, str]]:
        """Nonlinearities with f″, and what they read."""
        for k in self.stretch.members:
            if self.curved.get(k.name, ZERO) != 0 and self.dot.get(k.inputs[0]) != 0:
                yield k, k.inputs[0]

    def square(self, name: str) -> Buffer:
        """ġ ∘ ġ of tangents that do not vary over the batch."""
        return self.low.emitter.square(self.low.emitter.buffer(self.low.emitter.named(self.dot[name], "tangent_arg")))

    def sum_of_squares(self, name: str) -> sp.Expr:
        """Σ_c ġ², (N, M) or (M,)."""
        if name == self.base and self.start is None:
            return sp.S.One
        if name not in self.squares:
            self.squares[name] = self.tangents.sum_tangents(self.dot[name] ** 2, Name(f"sum_tangent_squared_{name}"))
        return self.squares[name]
