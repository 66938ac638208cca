"""The first segment at λ = 0, if it is one linear layer and one nonlinearity: only W Wᵀ is needed.

N is −1 at the input, so N at the layer is −W Wᵀ for all samples, and no tangent along an input is formed:

    Σ_d δ′_d = Σ_j δ_j f″_j (W Wᵀ)_jj + Σ_jk (W Wᵀ)_jk f′_j f′_k H_jk,   ∂L/∂W = −2 (Σ_n F H F + diag(δ f″)) W.

H is the Hessian at the layer above, F = diag f′ ([+] 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import sympy as sp

from smgen.ir import ZERO, Buffer, Contribution, Form, Name
from smgen.layers.protocol import Naming
from smgen.lower.hessian_state import Values
from smgen.lower.segment_tangents import Segment, delta_curvatures
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex


def is_collapsible(segment: Segment) -> bool:
    """Whether the segment is one linear layer and one nonlinearity below another segment."""
    if len(segment.members) != 2:
        return False
    linear, nonlinear = segment.members
    kinds = linear.layer.equations, nonlinear.layer.equations
    plain = all(v.layout.places is None for v in (segment.base, *segment.members))
    return (
        plain and kinds == ("linear", "pointwise") and segment.top == nonlinear and nonlinear.inputs == (linear.name,)
    )


class Gram:
    """Takes the place of `SegmentAdjoints` in this one case. `base_adjoint` is N at the input, a number."""

    def __init__(self, lowering: Lowering, tangents: Tangents, segment: Segment) -> None:
        self.lowering, self.tangents = lowering, tangents
        self.linear, self.nonlinear = segment.members
        self.base, self.names = segment.base.name, {v.name for v in segment.members}
        self.delta_curvature: sp.Expr = ZERO
        self.hessian: sp.Expr = ZERO
        self.f_prime_products: sp.Expr = ZERO
        self.base_adjoint: sp.Expr = ZERO
        self._known: dict[str, sp.Expr] = {}

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        return ()

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        return ()

    @property
    def weight(self) -> Buffer:
        """W."""
        return self.tangents.buffer(self.lowering.g[self.linear.operands[1]])

    @property
    def f_prime(self) -> sp.Expr:
        """f′."""
        return self.lowering.lowered[self.nonlinear.name].partial(self.linear.name)

    def backward(self, delta: Values, above: sp.Expr) -> sp.Expr:
        """Keep f′, δ f″ and the Hessian above the layer. No Hessian is passed to the input."""
        self.delta_curvature = sp.Add(*delta_curvatures(self.lowering, delta, self.nonlinear).values())
        slope = self.f_prime
        self.f_prime_products = self.tangents.row(slope) * self.tangents.tangent_column(slope, self.linear)
        self.hessian = above
        return ZERO

    def diagonal(self) -> sp.Expr:
        raise TypeError("no tangents along the inputs are formed")

    def trace(self) -> sp.Expr:
        """The total of δ′."""
        total_of, name = self.tangents.total, self.nonlinear.name
        total = total_of(
            self.delta_curvature * self._row_squares(), self.nonlinear.units, Name(f"sum_curvature_{name}")
        )
        if self._inside() != 0:
            total += total_of(self._inside() * self.hessian, 1, Name(f"sum_curvature_above_{name}"))
        return total

    def _gram(self) -> sp.Expr:
        """W Wᵀ, once a call."""

        def product() -> sp.Expr:
            name = f"tangent_gram_{self.weight.name}"
            return self.tangents.product(self.weight, self.weight, Form.TIMES_TRANSPOSED, name)

        return self._once("gram", product)

    def _row_squares(self) -> sp.Expr:
        def squares() -> sp.Expr:
            square = self.tangents.square(self.weight)
            return self.tangents.forward(sp.S.One, square, Name(f"row_squares_{self.weight.name}"))

        return self._once("row_squares", squares)

    def _inside(self) -> sp.Expr:
        """N at the top divided by N at the input: f′_j f′_k (W Wᵀ)_jk, (N, M, M)."""
        if self.hessian == 0 or self.f_prime_products == 0:
            return ZERO

        def inside() -> sp.Expr:
            name = Name(f"curvature_adjoint_{self.nonlinear.name}")
            return self.tangents.bind(name, self.f_prime_products * self._gram())

        return self._once("inside", inside)

    def _once(self, key: str, make: Callable[[], sp.Expr]) -> sp.Expr:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def begin(self, base_adjoint: sp.Expr) -> None:
        self.base_adjoint = base_adjoint

    def forward(self, v: Vertex) -> None:
        return

    def above(self) -> sp.Expr:
        return self.base_adjoint * self._inside()

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return self.base_adjoint * self._row_squares()

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """2 Σ_k N_jk H_jk f′_k."""
        if self._inside() == 0:
            return ZERO
        value = self._gram() * self.tangents.row(self.f_prime) * self.hessian
        return 2 * self.base_adjoint * self.tangents.sum_units(value, Name(f"weighted_product_{k.name}"))

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """−2 (Σ_n F H F + diag(δ f″)) W."""
        if k != self.linear:
            return {}
        e, total, key = self.tangents, ZERO, self.linear.operands[1]
        if self.delta_curvature != 0:
            total += e.column(e.batch_sum(self.delta_curvature, name(key).part("bent"))) * self.weight.symbol
        if self._inside() != 0:
            total += e.batch_times(self.f_prime_products * self.hessian, self.weight, name(key))
        return {key: 2 * self.base_adjoint * total}
