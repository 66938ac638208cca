"""The adjoints of a stretch: what the loss's derivative by the Hessian at its base becomes on the way up.

With N_b = ∂L/∂H_b and ĝ = N_b ġ,

    ν_j = Σ_c ĝ_j ġ_j,   N_t = Σ_c ĝ_t ġ_tᵀ,   γ_j gains 2 f″ Σ_c ĝ_j δ̇_k,   ∂L/∂W gains 2 Σ_c δ̇ ĝᵀ.

([+] 8; one segment from x to the energy is its forward form, one segment a layer its backward form.)
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.ir import Letter
from smgen.lower.curvature import Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import WEIGHTED, Contribution, Name
from smgen.lower.stretch import Propagation, Stretch
from smgen.lower.sweeps import term
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex


class Segment(Propagation):
    """A stretch and its adjoints."""

    def __init__(self, low: Lowering, tangents: Tangents, stretch: Stretch, start: sp.Expr | None = None) -> None:
        super().__init__(low, tangents, stretch, start)
        self.hat: Values = {}
        self.weight: sp.Expr = ZERO
        self._adjoints: Values = {}

    # Forwards: N

    def begin(self, weight: sp.Expr) -> None:
        """N_b: a number or (N, C) for a multiple of the identity or a diagonal, (N, C, C) for a matrix."""
        self.weight, self._adjoints, self.hat = weight, {}, {}
        if self._is_matrix:
            self.hat[self.base] = weight
        elif self.start is not None:
            self.hat[self.base] = self.tangents.column(weight) * self.start

    @property
    def _is_matrix(self) -> bool:
        return len(self.low.emitter.shape(self.weight)) > 1 + self.low.emitter.is_batched(self.weight)

    def forward(self, v: Vertex) -> None:
        """ĝ_v."""
        if self._is_matrix:
            self.hat[v.name] = self.carry(v, self.hat, WEIGHTED, along_units=False)
        else:
            value = self.tangents.column(self.weight) * self.dot[v.name]
            if not self.low.emitter.is_constant(self.weight) and value != 0:
                value = self.low.emitter.let(WEIGHTED.of(v.name), value, "[+] 8")
            self.hat[v.name] = value

    def above(self) -> sp.Expr:
        """N at the top: Σ_c ĝ ġᵀ."""
        assert self.stretch.top is not None
        top = self.stretch.top.name
        if self.hat[top] == 0 or self.dot[top] == 0:
            return ZERO
        name = Name(f"curvature_adjoint_{top}", Letter(f"N_{top}", 4, "N"))
        return self.tangents.grams(self.hat[top], self.dot[top], name)

    def nu(self, name: str) -> sp.Expr:
        """ν_j = Σ_c ĝ_j ġ_j."""
        if name not in self._adjoints:
            self._adjoints[name] = self._nu(name)
        return self._adjoints[name]

    def _nu(self, name: str) -> sp.Expr:
        emitter, code = self.low.emitter, Name(f"weighted_square_{name}")
        if name == self.base and self.start is None and not self._is_matrix:
            return self.weight
        if self.dot[name] == 0 or self.hat[name] == 0:
            return ZERO
        if emitter.is_constant(self.weight):
            return self.weight * self.sum_of_squares(name)
        if not self._is_matrix and not emitter.is_batched(self.dot[name]):
            return emitter.backward(self.weight, self.square(name), code)
        return self.tangents.sum_tangents(self.hat[name] * self.dot[name], code)

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """2 f″ Σ_c ĝ_j δ̇_k."""
        bend, back = self.low.derivative(k, 2), self.back[k.name]
        if back == 0 or bend == 0 or self.weighted(v.name) == 0:
            return
        value = self.weighted(v.name) * back
        yield term(2 * bend * self.tangents.sum_tangents(value, Name(f"weighted_product_{k.name}")))

    def weighted(self, name: str) -> sp.Expr:
        """ĝ of a vertex as an array."""
        if name == self.base and name not in self.hat:
            return self.tangents.column(self.weight) * self.tangent(name)
        return self.hat[name]

    def weight_term(self, v: Vertex, name: Name) -> sp.Expr:
        """2 Σ_n Σ_c δ̇_v ĝ_iᵀ for the weights of v."""
        (i,) = v.inputs
        back = self.back[v.name]
        if back == 0:
            return ZERO
        if i != self.base or i in self.hat:
            return 2 * self.tangents.outer_sum(back, self.hat[i], name)
        # The tangents are the base's units: the outer product with them is a transpose.
        return 2 * self.tangents.transposed_sum(self.tangents.column(self.weight) * back, name.part("sum"))

    def gain_term(self, v: Vertex) -> sp.Expr:
        """2 Σ_c ĝ_i δ̇_v."""
        (i,) = v.inputs
        if self.back[v.name] == 0 or self.weighted(i) == 0:
            return ZERO
        value = self.weighted(i) * self.back[v.name]
        return 2 * self.tangents.sum_tangents(value, Name(f"weighted_product_{v.name}"))
