"""The adjoints of a stretch: what the loss's derivative by the Hessian at its base becomes on the way up.

With N_b = ∂L/∂H_b and ĝ = N_b ġ,

    ν_j = Σ_c ĝ_j ġ_j,   N_t = Σ_c ĝ_t ġ_tᵀ,   γ_j gains 2 f″ Σ_c ĝ_j δ̇_k,   ∂L/∂W gains 2 Σ_c δ̇ ĝᵀ.

([+] 8; one segment from x to the energy is its forward form, one segment a layer its backward form.)
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.lower.curvature import Term, Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import DELTA_TANGENT, TANGENT, WEIGHTED, Contribution, times
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
        self.nu: sp.Expr = ZERO
        self._adjoints: Values = {}

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
            self.hat[v.name] = self.carry(v, self.hat, WEIGHTED, along_units=False)
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
            return self.nu * self.sum_of_squares(name)
        if not self._is_matrix and not emitter.is_batched(self.dot[name]):
            return emitter.backward(self.nu, self.square(name), code, math)
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
