"""The adjoints of a stretch: what the loss's derivative by the Hessian at its base becomes on the way up.

With N_b = ∂L/∂H_b and ĝ = N_b ġ,

    ν_j = Σ_c ĝ_j ġ_j,   N_t = Σ_c ĝ_t ġ_tᵀ,   γ_j gains 2 f″ Σ_c ĝ_j δ̇_k,   ∂L/∂W gains 2 Σ_c δ̇ ĝᵀ.

([+] 8; one segment from x to the energy is its forward form, one segment a layer its backward form.)
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from smgen.ir import ZERO, Letter, Name
from smgen.layers.protocol import Naming
from smgen.lower.curvature import Values
from smgen.lower.names import WEIGHTED
from smgen.lower.stretch import Propagation, Stretch
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex


class Segment(Propagation):
    """A stretch and its adjoints."""

    def __init__(self, low: Lowering, tangents: Tangents, stretch: Stretch, start: sp.Expr | None = None) -> None:
        super().__init__(low, tangents, stretch, start)
        self.hat: Values = {}
        self.weight: sp.Expr = ZERO
        self._adjoints: dict[tuple[str, str], sp.Expr] = {}

    # Forwards: N

    def begin(self, weight: sp.Expr) -> None:
        """N_b: a number or (N, C) for a multiple of the identity or a diagonal, (N, C, C) for a matrix."""
        self.weight, self._adjoints, self.hat = weight, {}, {}
        if self._is_matrix:
            self.hat[self.base] = weight
        elif self.start is not None:
            self.hat[self.base] = self.tangents.tangent_column(weight) * self.start

    @property
    def _is_matrix(self) -> bool:
        return self.tangents.layout(self.weight).tangents is not None

    def forward(self, v: Vertex) -> None:
        """ĝ_v."""
        if self._is_matrix:
            self.hat[v.name] = self.carry(v, self.hat, WEIGHTED)
        else:
            value = self.tangents.tangent_column(self.weight) * self.dot[v.name]
            if not self.tangents.is_constant(self.weight) and value != 0:
                value = self.tangents.let(WEIGHTED.of(v.name), value, "[+] 8")
            self.hat[v.name] = value

    def above(self) -> sp.Expr:
        """N at the top: Σ_c ĝ ġᵀ."""
        assert self.stretch.top is not None
        top = self.stretch.top.name
        if self.hat[top] == 0 or self.dot[top] == 0:
            return ZERO
        name = Name(f"curvature_adjoint_{top}", Letter(f"N_{top}", 4, "N"))
        return self.tangents.grams(self.hat[top], self.dot[top], name)

    def nu(self, p: str, q: str) -> sp.Expr:
        """ν_pq = Σ_c ½ (ĝ_p ġ_q + ĝ_q ġ_p)."""
        if (p, q) not in self._adjoints:
            self._adjoints[p, q] = self._nu(p) if p == q else self._mixed(p, q)
        return self._adjoints[p, q]

    def _nu(self, name: str) -> sp.Expr:
        e, code = self.tangents, Name(f"weighted_square_{name}")
        if self.is_unit(name) and not self._is_matrix:
            return self.weight
        if self.dot[name] == 0 or self.hat[name] == 0:
            return ZERO
        if e.is_constant(self.weight):
            return self.weight * self.sum_of_products(name, name)
        if not self._is_matrix and not e.is_batched(self.dot[name]):
            return e.backward(self.weight, self.square(name), code)
        return e.sum_tangents(self.hat[name] * self.dot[name], code)

    def _mixed(self, p: str, q: str) -> sp.Expr:
        value = (self.weighted(p) * self.dot[q] + self.weighted(q) * self.dot[p]) / 2
        return self.tangents.sum_tangents(value, Name(f"weighted_products_{p}_{q}"))

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """2 Σ_c ĝ_p δ̇_k."""
        back = self.back[k.name]
        if back == 0 or self.weighted(p) == 0:
            return ZERO
        value = self.weighted(p) * back
        return 2 * self.tangents.sum_tangents(value, Name(f"weighted_product_{k.name}"))

    def weighted(self, name: str) -> sp.Expr:
        """ĝ of a vertex as an array."""
        if name == self.base and name not in self.hat:
            return self.tangents.tangent_column(self.weight) * self.dot[name]
        return self.hat[name]

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """2 Σ_n Σ_c of δ̇_k and ĝ_p, by the parameters of the map between them."""
        found = self.low.at[k.name].gradient(self.tangents, p, self.back[k.name], self.weighted(p), name)
        return {key: 2 * value for key, value in found.items()}
