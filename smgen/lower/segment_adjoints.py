"""The adjoints of a segment, from the loss's derivative by the Hessian at its base up to its top.

With N_b = ∂L/∂H_b and ĝ = N_b ġ,

    ν_j = Σ_c ĝ_j ġ_j,   N_t = Σ_c ĝ_t ġ_tᵀ,   γ_j gains 2 f″ Σ_c ĝ_j δ̇_k,   ∂L/∂W gains 2 Σ_c δ̇ ĝᵀ.

([+] 8. One segment from x to the energy is the forward form, one segment for each layer is the backward form.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp

from smgen.ir import ZERO, Contribution, Letter, Name
from smgen.layers.protocol import Naming
from smgen.lower.hessian_state import Values
from smgen.lower.names import WEIGHTED
from smgen.lower.segment_tangents import Segment, SegmentTangents
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex


class SegmentAdjoints(SegmentTangents):
    """The tangents of a segment and their adjoints."""

    def __init__(
        self, lowering: Lowering, tangents: Tangents, segment: Segment, base_tangents: sp.Expr | None = None
    ) -> None:
        super().__init__(lowering, tangents, segment, base_tangents)
        self.weighted_tangent: Values = {}
        self.base_adjoint: sp.Expr = ZERO
        self._adjoints: dict[tuple[str, str], sp.Expr] = {}

    # Forwards: N

    def begin(self, base_adjoint: sp.Expr) -> None:
        """Begin with N_b: a number for a multiple of the identity, (N, C) for a diagonal, (N, C, C) for a matrix."""
        self.base_adjoint, self._adjoints, self.weighted_tangent = base_adjoint, {}, {}
        if self._is_matrix:
            self.weighted_tangent[self.base] = base_adjoint
        elif self.base_tangents is not None:
            self.weighted_tangent[self.base] = self._column(self.segment.base) * self.base_tangents

    def _column(self, v: Vertex) -> sp.Expr:
        """N_b of each tangent, beside the tangents of a vertex."""
        row = self.base_adjoint
        if self.base_tangents is None:
            row = self.tangents.in_a_row(row, self.segment.base, Name(f"adjoint_of_{self.base}"))
        return self.tangents.tangent_column(row, v)

    @property
    def _is_matrix(self) -> bool:
        return self.tangents.layout(self.base_adjoint).tangents is not None

    @property
    def weighted_is_multiple(self) -> bool:
        """Whether each tangent ĝ is a multiple of ġ, so that ĝ_p ġ_q = ĝ_q ġ_p."""
        return not self._is_matrix

    def forward(self, v: Vertex) -> None:
        """ĝ_v."""
        if self._is_matrix:
            self.weighted_tangent[v.name] = self.carry(v, self.weighted_tangent, WEIGHTED)
        else:
            value = self._column(v) * self.tangent[v.name]
            if not self.tangents.is_constant(self.base_adjoint) and value != 0:
                value = self.tangents.bind(WEIGHTED.of(v.name), value, "[+] 8")
            self.weighted_tangent[v.name] = value

    def above(self) -> sp.Expr:
        """N at the top: Σ_c ĝ ġᵀ."""
        assert self.segment.top is not None
        top = self.segment.top.name
        if self.weighted_tangent[top] == 0 or self.tangent[top] == 0:
            return ZERO
        name = Name(f"curvature_adjoint_{top}", Letter(f"N_{top}", 4, "N"))
        return self.tangents.grams(self.weighted_tangent[top], self.tangent[top], name)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        """ν_pq = Σ_c ½ (ĝ_p ġ_q + ĝ_q ġ_p)."""
        if not self.segment.bends(k):
            return ZERO
        if (p, q) not in self._adjoints:
            self._adjoints[p, q] = self._nu(p) if p == q else self._mixed(p, q)
        return self._adjoints[p, q]

    def _nu(self, name: str) -> sp.Expr:
        e, code = self.tangents, Name(f"weighted_square_{name}")
        if self.is_unit(name) and not self._is_matrix:
            return self.base_adjoint
        if self.tangent[name] == 0 or self.weighted_tangent[name] == 0:
            return ZERO
        if e.is_constant(self.base_adjoint):
            return self.base_adjoint * self.sum_of_products(name, name)
        if not self._is_matrix and not e.is_batched(self.tangent[name]):
            row = e.in_a_row(self.base_adjoint, self.segment.base, code.part("row"))
            return e.in_places(
                e.backward(row, self.square(name), code), self.lowering.network[name], code.part("places")
            )
        return e.sum_tangents(self.weighted_tangent[name] * self.tangent[name], code)

    def _mixed(self, p: str, q: str) -> sp.Expr:
        value, name = self.weighted_array(p) * self.tangent[q], Name(f"weighted_products_{p}_{q}")
        if self.weighted_is_multiple:
            return self.tangents.sum_tangents(value, name)
        return self.tangents.sum_tangents(value + self.weighted_array(q) * self.tangent[p], name) / 2

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """2 Σ_c ĝ_p δ̇_k."""
        delta_tangent = self.delta_tangent.get(k.name, ZERO)
        if delta_tangent == 0 or self.weighted_array(p) == 0:
            return ZERO
        value = self.weighted_array(p) * delta_tangent
        return 2 * self.tangents.sum_tangents(value, Name(f"weighted_product_{k.name}"))

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterator[Contribution]:
        """Σ_c B(ĝ_p, ġ_q) + B(ġ_p, ĝ_q)."""
        if p not in k.inputs or q not in k.inputs or not self.segment.bends(k):
            return
        for first, second in ((self.weighted_array(p), self.tangent[q]), (self.tangent[p], self.weighted_array(q))):
            if first != 0 and second != 0:
                yield self._summed(self._product_of(k, first, second))

    def _product_of(self, k: Vertex, first: sp.Expr, second: sp.Expr) -> Contribution:
        lowered = self.lowering.lowered[k.name]
        return lambda name, number: lowered.product(self.tangents, first, second, name, number)

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterator[Contribution]:
        """2 Σ_c of what δ̇_k and ĝ of the other factor give."""
        value = self.delta_tangent.get(k.name, ZERO)
        if value != 0:
            for part in self.product_back_parts(k, a, value, self.weighted_array(other), "weighted"):
                yield _twice(part)

    def product_back_parts(
        self, k: Vertex, a: str, value: sp.Expr, tangent: sp.Expr, word: str
    ) -> Iterator[Contribution]:
        """Σ_c of ∂(dᵀ B)/∂g_a for tangents d at a product and tangents at its other factor."""
        if value != 0 and tangent != 0:
            lowered, e = self.lowering.lowered[k.name], self.tangents
            yield self._summed(lambda name, number: lowered.product_back(e, a, value, tangent, name.part(word), number))

    def _summed(self, part: Contribution) -> Contribution:
        """The sum over the tangents of a contribution that has them."""
        return lambda name, number: self.tangents.sum_tangents(part(name.part("tangents"), ""), name.part("summed"))

    def weighted_array(self, name: str) -> sp.Expr:
        """ĝ of a vertex, as an array also at the base."""
        if name == self.base and name not in self.weighted_tangent:
            return self._column(self.segment.base) * self.tangent[name]
        return self.weighted_tangent[name]

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """The derivative of 2 Σ_n Σ_c δ̇_kᵀ A ĝ_p by the parameters of A, the map from p to k."""
        if self.delta_tangent.get(k.name, ZERO) == 0:
            return {}
        lowered = self.lowering.lowered[k.name]
        gradients = lowered.gradient(self.tangents, p, self.delta_tangent[k.name], self.weighted_array(p), name)
        return {key: 2 * value for key, value in gradients.items()}


def _twice(part: Contribution) -> Contribution:
    return lambda name, number: 2 * part(name, number)
