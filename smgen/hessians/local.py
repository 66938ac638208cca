"""The terms of curved vertices whose units depend on few inputs each: fewer tangents than inputs ([+] 18).

Each tangent of a unit is along one input. So in Σ_d ν_d δ′_d = Σ_k δ_k f″_k Σ_c ĝ_kc ġ_kc, ĝ_kc is ġ_kc times the ν of
that input, and the adjoints of `SegmentAdjoints` hold as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import sympy as sp

from smgen.analysis.exactness import ancestors
from smgen.ir import ZERO, Name
from smgen.lower.hessian_state import Values
from smgen.lower.segment_adjoints import SegmentAdjoints
from smgen.lower.segment_tangents import Segment
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


class Local(SegmentAdjoints, ABC):
    """Tangents from x up to some curved vertices."""

    word = "tangents"

    def __init__(self, lowering: Lowering, bent: Iterable[str]) -> None:
        super().__init__(lowering, Tangents(lowering.emitter), below(lowering.network, bent), ZERO)

    @abstractmethod
    def vectors(self) -> sp.Expr:
        """ġ at x."""

    @abstractmethod
    def weighted(self, v: Vertex) -> sp.Expr:
        """ĝ, from ν at x."""

    def compute(self, delta: Values) -> None:
        """ġ upwards, then δ̇ downwards."""
        self.base_tangents = self.vectors()
        self.backward(delta, ZERO)

    def begin(self, base_adjoint: sp.Expr) -> None:
        """Begin with ν at x: a number, or an array of the shape of x."""
        if self.tangents.is_constant(base_adjoint):
            super().begin(base_adjoint)
        else:
            super().begin(ZERO)
            self.base_adjoint = base_adjoint

    def forward(self, v: Vertex) -> None:
        if not self.tangents.is_constant(self.base_adjoint) and (v.name in self.names or v.name == self.base):
            self.weighted_tangent[v.name] = self.weighted(v)
        elif v.name in self.names:
            super().forward(v)

    def _nu(self, name: str) -> sp.Expr:
        if self.tangents.is_constant(self.base_adjoint):
            return self.base_adjoint * self.sum_of_products(name, name)
        value = self.weighted_tangent[name] * self.tangent[name]
        return self.tangents.sum_tangents(value, Name(f"weighted_square_{name}"))


def below(network: Network, bent: Iterable[str]) -> Segment:
    """The segment from x to these curved vertices: all that they depend on."""
    names = frozenset(bent)
    members = (v for v in ancestors(network, *(network[name] for name in names)) if v is not network.input)
    return Segment(network.input, tuple(members), None, names)
