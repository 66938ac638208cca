"""The first segment at λ = 0, when it is one linear layer and one nonlinearity: W Wᵀ says it all.

With N = −1 at the input, N at the layer is −W Wᵀ, the same for all samples, and no tangent along an input is formed:

    Σ_d δ′_d = Σ_j δ_j f″_j (W Wᵀ)_jj + Σ_jk (W Wᵀ)_jk f′_j f′_k H_jk,   ∂L/∂W = −2 (Σ_n F H F + diag(δ f″)) W.

H is the Hessian at the layer above, F = diag f′ ([+] 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from smgen.ir import Form
from smgen.lower.curvature import Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import Contribution, Name
from smgen.lower.stretch import Stretch, delta_curvature
from smgen.lower.sweeps import term
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Linear, Pointwise


def is_collapsible(stretch: Stretch) -> bool:
    """Whether the stretch is one linear layer and one nonlinearity, with more above."""
    match stretch.members:
        case (Vertex(op=Linear()) as linear, Vertex(op=Pointwise()) as curved):
            return stretch.top == curved and curved.inputs == (linear.name,)
    return False


class Gram:
    """What `Segment` does, for this one case."""

    def __init__(self, low: Lowering, tangents: Tangents, stretch: Stretch) -> None:
        self.low, self.tangents = low, tangents
        self.linear, self.curved = stretch.members
        self.base, self.names = stretch.base.name, {v.name for v in stretch.members}
        self.weight = low.parameter(self.linear, "weight")
        self.bent: sp.Expr = ZERO
        self.hessian: sp.Expr = ZERO
        self.scaled: sp.Expr = ZERO
        self.start: sp.Expr = ZERO
        self._known: dict[str, sp.Expr] = {}

    def backward(self, delta: Values, above: sp.Expr) -> sp.Expr:
        """F H F at the layer; nothing is passed on."""
        self.bent = delta_curvature(self.low, delta, self.curved)
        slope = self.low.derivative(self.curved, 1)
        self.scaled = self.tangents.row(slope) * self.tangents.column(slope)
        self.hessian = above
        return ZERO

    def diagonal(self) -> sp.Expr:
        raise TypeError("the tangents along the inputs are not there")

    def trace(self) -> sp.Expr:
        """(1/N) Σ_n Σ_d δ′_d."""
        mean, name = self.low.emitter.mean_sum, self.curved.name
        total = mean(self.bent * self._row_squares(), self.curved.units, Name(f"sum_curvature_{name}"))
        if self._inside() != 0:
            total += mean(self._inside() * self.hessian, 1, Name(f"sum_curvature_above_{name}"))
        return total

    def _gram(self) -> sp.Expr:
        """W Wᵀ, once a call."""

        def product() -> sp.Expr:
            name = f"tangent_gram_{self.weight.name}"
            return self.low.emitter.product(self.weight, self.weight, Form.TIMES_TRANSPOSED, name)

        return self._once("gram", product)

    def _row_squares(self) -> sp.Expr:
        def squares() -> sp.Expr:
            square = self.low.emitter.square(self.weight)
            return self.low.emitter.forward(sp.S.One, square, Name(f"row_squares_{self.weight.name}"))

        return self._once("row_squares", squares)

    def _inside(self) -> sp.Expr:
        """N at the top, but for the sign: f′_j f′_k (W Wᵀ)_jk, (N, M, M)."""
        if self.hessian == 0 or self.scaled == 0:
            return ZERO

        def inside() -> sp.Expr:
            return self.low.emitter.let(Name(f"curvature_adjoint_{self.curved.name}"), self.scaled * self._gram())

        return self._once("inside", inside)

    def _once(self, key: str, make: Callable[[], sp.Expr]) -> sp.Expr:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def begin(self, weight: sp.Expr) -> None:
        self.start = weight

    def forward(self, v: Vertex) -> None:
        return

    def above(self) -> sp.Expr:
        return self.start * self._inside()

    def nu(self, name: str) -> sp.Expr:
        return self.start * self._row_squares()

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """2 f″ Σ_k N_jk H_jk f′_k."""
        bend = self.low.derivative(k, 2)
        if self._inside() == 0 or bend == 0:
            return
        value = self._gram() * self.tangents.row(self.low.derivative(k, 1)) * self.hessian
        total = self.tangents.sum_units(value, Name(f"weighted_product_{k.name}"))
        yield term(2 * bend * self.start * total)

    def weight_term(self, v: Vertex, name: Name) -> sp.Expr:
        """−2 (Σ_n F H F + diag(δ f″)) W."""
        emitter, total = self.low.emitter, ZERO
        if self.bent != 0:
            total += emitter.column(emitter.batch_sum(self.bent, name.part("bent"))) * self.weight.symbol
        if self._inside() != 0:
            total += self.tangents.batch_times(self.scaled * self.hessian, self.weight, name)
        return 2 * self.start * total

    def gain_term(self, v: Vertex) -> sp.Expr:
        raise TypeError("no gain in this segment")
