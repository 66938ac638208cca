"""The exact second derivatives of a stretch of the graph, with one tangent for each unit of the vertex it begins at.

A segment goes from its base b to its top t, through which everything above depends on x (or to the energy: no top).
With ġ_v = ∂g_v/∂g_b, one row a unit of b, and δ̇_v = ∂δ_v/∂g_b,

    ġ_v = Σ_i ġ_i ∂g_v/∂g_i,   δ̇_j = Σ_k δ̇_k ∂g_k/∂g_j + δ_k ∂²g_k/∂g_j² ġ_j,   δ̇_t = ġ_t H_t,   H_b = δ̇_b

where H is the Hessian of the energy. Its adjoint N_b = ∂L/∂H_b goes the other way: with ĝ = N_b ġ,

    ν_j = Σ_c ĝ_j ġ_j,   N_t = Σ_c ĝ_t ġ_tᵀ,   γ_j gains 2 f″ Σ_c ĝ_j δ̇_k,   ∂L/∂W gains 2 Σ_c δ̇ ĝᵀ.

([+] 8; one segment from x to the energy is its forward form, one segment a layer its backward form.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from smgen.lower.curvature import Term, Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import DELTA, DELTA_TANGENT, TANGENT, WEIGHTED, Contribution, Quantity, times
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


class Segment:
    """Tangents of one stretch. `start` are the tangents of the base; without them they are its units."""

    def __init__(self, low: Lowering, tangents: Tangents, stretch: Stretch, start: sp.Expr | None = None) -> None:
        self.low, self.tangents, self.stretch, self.start = low, tangents, stretch, start
        self.names = {v.name for v in stretch.members}
        self.dot: Values = {}
        self.back: Values = {}
        self.hat: Values = {}
        self.nu: sp.Expr = ZERO
        self._bends: Values = {}
        self._adjoints: Values = {}
        self._squares: Values = {}
        self._curved: Values = {}

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
            self.dot[v.name] = self._forward(v, self.dot, TANGENT, self.start is None)
            if isinstance(v.op, Pointwise):
                curved = delta[v.name] * low.derivative(v, 2) if delta[v.name] != 0 else ZERO
                text = times(DELTA.text(v.name, delta[v.name]), low.derivative_text(v, 2))
                self._curved[v.name] = low.emitter.let(f"delta_curvature_{v.name}", curved, text)
        for v in reversed((self.stretch.base, *self.stretch.members)):
            name, math = DELTA_TANGENT.name(v.name), DELTA_TANGENT.text(v.name)
            if top is not None and v.name == top.name:
                math += f" = {TANGENT.text(v.name)} H_{v.name}  [+] 8"
                self.back[v.name] = self.tangents.times(self.dot[v.name], above, name, math) if above != 0 else ZERO
                continue
            parts = list(self._back_parts(v, self.dot, TANGENT, self.back, DELTA_TANGENT))
            self.back[v.name] = low.gather(name, math, "[+] 8", parts)
        return self.back[self.base]

    def tangent(self, name: str) -> sp.Expr:
        """ġ of a vertex as an array, also where it is the identity."""
        if name not in self.dot:
            self.dot[name] = self.tangents.identity(self.stretch.base.units)
        return self.dot[name]

    def _forward(self, v: Vertex, values: Values, quantity: Quantity, along_units: bool) -> sp.Expr:
        """What reaches v of ġ or ĝ. `along_units`: those of the base are the identity, which only what needs it forms."""
        low, name, math = self.low, quantity.name(v.name), quantity.text(v.name)
        match v.op:
            case Linear():
                weight = low.parameter(v, "weight")
                (i,) = v.inputs
                if along_units and i == self.base:
                    return self.tangents.transposed(weight)
                return low.emitter.forward(values[i], weight, name, f"{math} = {weight.math} {quantity.text(i)}")
            case Pointwise():
                (i,) = v.inputs
                value = self._at(values, i, along_units)
                slope = low.derivative(v, 1)
                if value * slope == 0:
                    return ZERO
                equation = f"{math} = {times(quantity.text(i), low.derivative_text(v, 1))}"
                return low.emitter.let(name, self.tangents.row(slope) * value, equation)
            case _:
                found = {s: self._at(values, s, along_units) for s in v.inputs}
                return forward_edges(low, v, found, quantity, "[+] 8")

    def _at(self, values: Values, name: str, along_units: bool) -> sp.Expr:
        return self.tangent(name) if along_units and name == self.base else values[name]

    def _back_parts(
        self, v: Vertex, tangents: Values, of: Quantity, back: Values, quantity: Quantity
    ) -> Iterator[Contribution]:
        """What the children of v pass back to δ̇_v for these tangents."""
        for k in self.low.network.children(v.name):
            if k.name not in self.names:
                continue
            if not isinstance(k.op, Pointwise):
                yield from linear_back(self.low, v, k, back[k.name], quantity)
                continue
            slope, curved = self.low.derivative(k, 1), self._curved[k.name]
            if back[k.name] * slope != 0:
                text = times(quantity.text(k.name), self.low.derivative_text(k, 1))
                yield term(back[k.name] * self.tangents.row(slope), text)
            tangent = self.tangent(v.name) if tangents is self.dot and curved != 0 else tangents.get(v.name, ZERO)
            if curved * tangent != 0:
                text = times(DELTA.text(k.name), self.low.derivative_text(k, 2), of.text(v.name))
                yield term(self.tangents.row(curved) * tangent, text)

    # The diagonal, and its sum

    def diagonal(self) -> sp.Expr:
        """ġᵀ H ġ of every tangent, (N, C): Σ over the segment's nonlinearities of δ f″ ġ², and ġ_tᵀ H_t ġ_t."""
        total: sp.Expr = ZERO
        for k, i in self._curved_vertices():
            name, text = f"curvature_of_{k.name}", f"Σ_j {self._curved_text(k)} {TANGENT.text(i)}²"
            if i == self.base and self.start is None:
                total += self._curved[k.name]
            elif self.low.emitter.is_batched(self.dot[i]):
                total += self.tangents.sum_units(self.tangents.row(self._curved[k.name]) * self.dot[i] ** 2, name, text)
            else:
                total += self.low.emitter.forward(self._curved[k.name], self._square(i), name, text)
        if (top := self.stretch.top) is not None:
            text = f"Σ_j {TANGENT.text(top.name)} {DELTA_TANGENT.text(top.name)}"
            total += self.tangents.sum_units(
                self.dot[top.name] * self.back[top.name], f"curvature_above_{top.name}", text
            )
        return total

    def trace(self) -> sp.Expr:
        """(1/N) Σ_n Σ_c of the diagonal, summed over the tangents first."""
        total: sp.Expr = ZERO
        mean = self.low.emitter.mean_sum
        for k, i in self._curved_vertices():
            units = self.low.network[i].units
            text = f"Σ_n Σ_j {self._curved_text(k)} Σ_c {TANGENT.text(i)}²"
            total += mean(self._curved[k.name] * self._sum_of_squares(i), units, f"sum_curvature_{k.name}", text)
        if (top := self.stretch.top) is not None and self.back[top.name] * self.dot[top.name] != 0:
            text = f"Σ_n Σ_c Σ_j {TANGENT.text(top.name)} {DELTA_TANGENT.text(top.name)}"
            total += mean(self.dot[top.name] * self.back[top.name], 1, f"sum_curvature_above_{top.name}", text)
        return total

    def _curved_vertices(self) -> Iterator[tuple[Vertex, str]]:
        """Nonlinearities with f″, and what they read."""
        for k in self.stretch.members:
            if self._curved.get(k.name, ZERO) != 0 and self.dot.get(k.inputs[0]) != 0:
                yield k, k.inputs[0]

    def _curved_text(self, k: Vertex) -> str:
        return times(DELTA.text(k.name), self.low.derivative_text(k, 2))

    def _square(self, name: str) -> sp.Symbol:
        """ġ ∘ ġ of tangents that do not vary over the batch."""
        return self.low.emitter.square(self.low.emitter.buffer(self.low.emitter.named(self.dot[name], "tangent_arg")))

    def _sum_of_squares(self, name: str) -> sp.Expr:
        """Σ_c ġ², (N, M) or (M,)."""
        if name == self.base and self.start is None:
            return sp.S.One
        if name not in self._squares:
            text = f"Σ_c {TANGENT.text(name)}²"
            self._squares[name] = self.tangents.sum_tangents(self.dot[name] ** 2, f"sum_tangent_squared_{name}", text)
        return self._squares[name]

    # Forwards: N

    def begin(self, nu: sp.Expr) -> None:
        """N_b: a number or (N, C) for a multiple of the identity or a diagonal, (N, C, C) for a matrix."""
        self.nu, self._adjoints, self.hat = nu, {}, {}
        if self._is_matrix:
            self.hat[self.base] = nu
        elif self.start is not None:
            self.hat[self.base] = self.tangents.column(nu) * self.start

    @property
    def _is_matrix(self) -> bool:
        return len(self.low.emitter.shape(self.nu)) > 1 + self.low.emitter.is_batched(self.nu)

    def forward(self, v: Vertex) -> None:
        """ĝ_v."""
        if self._is_matrix:
            self.hat[v.name] = self._forward(v, self.hat, WEIGHTED, along_units=False)
        else:
            value = self.tangents.column(self.nu) * self.dot[v.name]
            if not self.low.emitter.is_constant(self.nu) and value != 0:
                math = f"{WEIGHTED.text(v.name)} = ν {TANGENT.text(v.name)}"
                value = self.low.emitter.let(WEIGHTED.name(v.name), value, math)
            self.hat[v.name] = value

    def above(self) -> sp.Expr:
        """N at the top: Σ_c ĝ ġᵀ."""
        assert self.stretch.top is not None
        top = self.stretch.top.name
        if self.hat[top] == 0 or self.dot[top] == 0:
            return ZERO
        return self.tangents.grams(self.hat[top], self.dot[top], f"curvature_adjoint_{top}", f"N_{top} = Σ_c ĝ ġᵀ")

    def bend(self, name: str) -> sp.Expr:
        """ν_j = Σ_c ĝ_j ġ_j."""
        if name not in self._adjoints:
            self._adjoints[name] = self._bend(name)
        return self._adjoints[name]

    def _bend(self, name: str) -> sp.Expr:
        code, math = f"weighted_square_{name}", f"Σ_c ν {TANGENT.text(name)}²"
        emitter = self.low.emitter
        if name == self.base and self.start is None and not self._is_matrix:
            return self.nu
        if self.dot[name] == 0 or self.hat[name] == 0:
            return ZERO
        if emitter.is_constant(self.nu):
            return self.nu * self._sum_of_squares(name)
        if not self._is_matrix and not emitter.is_batched(self.dot[name]):
            return emitter.backward(self.nu, self._square(name), code, math)
        return self.tangents.sum_tangents(self.hat[name] * self.dot[name], code, math)

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """2 f″ Σ_c ĝ_j δ̇_k."""
        bend, back = self.low.derivative(k, 2), self.back[k.name]
        if back == 0 or bend == 0 or self.weighted(v.name) == 0:
            return
        text = f"Σ_c ν {TANGENT.text(v.name)} {DELTA_TANGENT.text(k.name)}"
        total = self.tangents.sum_tangents(self.weighted(v.name) * back, f"weighted_product_{k.name}", text)
        yield term(2 * bend * total, times("2", self.low.derivative_text(k, 2), text))

    def weighted(self, name: str) -> sp.Expr:
        """ĝ of a vertex as an array."""
        if name == self.base and name not in self.hat:
            return self.tangents.column(self.nu) * self.tangent(name)
        return self.hat[name]

    def weight_term(self, v: Vertex, name: str) -> Term:
        """2 Σ_n Σ_c δ̇_v ĝ_iᵀ for the weights of v."""
        (i,) = v.inputs
        back = self.back[v.name]
        text = f"2 Σ_c {DELTA_TANGENT.text(v.name)} ν {TANGENT.text(i)}ᵀ"
        if back == 0:
            return ZERO, text
        if i != self.base or i in self.hat:
            return 2 * self.tangents.outer_sum(back, self.hat[i], name, f"Σ_n {text[2:]}"), text
        # The tangents are the base's units: the outer product with them is a transpose.
        weighted = self.tangents.column(self.nu) * back
        return 2 * self.tangents.transposed_sum(weighted, f"{name}_sum"), text

    def gain_term(self, v: Vertex) -> Term:
        """2 Σ_c ĝ_i δ̇_v."""
        (i,) = v.inputs
        text = f"2 Σ_c ν {TANGENT.text(i)} {DELTA_TANGENT.text(v.name)}"
        if self.back[v.name] == 0 or self.weighted(i) == 0:
            return ZERO, text
        value = self.weighted(i) * self.back[v.name]
        return 2 * self.tangents.sum_tangents(value, f"weighted_product_{v.name}", text[2:]), text
