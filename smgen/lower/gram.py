"""The first segment at λ = 0, when it is one linear layer and one nonlinearity: W Wᵀ says it all.

With N = −1 at the input, N at the layer is −W Wᵀ, the same for all samples, and no tangent along an input is formed:

    Σ_d δ′_d = Σ_j δ_j f″_j (W Wᵀ)_jj + Σ_jk (W Wᵀ)_jk f′_j f′_k H_jk,   ∂L/∂W = −2 (Σ_n F H F + diag(δ f″)) W.

H is the Hessian at the layer above, F = diag f′ ([+] 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from smgen.ir import Product
from smgen.lower.curvature import Term, Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import Contribution, times
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
        self.nu: sp.Expr = ZERO
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
        total = mean(
            self.bent * self._row_squares(), self.curved.units, f"sum_curvature_{name}", "Σ_n Σ_j δ f″ (W Wᵀ)_jj"
        )
        if self._inside() != 0:
            text = "Σ_n Σ_jk (W Wᵀ)_jk f′_j f′_k H_jk"
            total += mean(self._inside() * self.hessian, 1, f"sum_curvature_above_{name}", text)
        return total

    def _gram(self) -> sp.Expr:
        """W Wᵀ, once a call."""

        def product() -> sp.Expr:
            math, units = f"{self.weight.math} {self.weight.math}ᵀ", self.linear.units
            out = self.low.emitter.new(f"tangent_gram_{self.weight.name}", (units, units), math)
            return self.low.emitter.emit(Product(out, self.weight, self.weight, "md,kd->mk"))

        return self._once("gram", product)

    def _row_squares(self) -> sp.Expr:
        def squares() -> sp.Expr:
            square = self.low.emitter.square(self.weight)
            return self.low.emitter.forward(sp.S.One, square, f"row_squares_{self.weight.name}", f"Σ_d {square.math}")

        return self._once("row_squares", squares)

    def _inside(self) -> sp.Expr:
        """N at the top, but for the sign: f′_j f′_k (W Wᵀ)_jk, (N, M, M)."""
        if self.hessian == 0 or self.scaled == 0:
            return ZERO

        def inside() -> sp.Expr:
            name, math = self.curved.name, f"−N_{self.curved.name} = F W Wᵀ F"
            return self.low.emitter.let(f"curvature_adjoint_{name}", self.scaled * self._gram(), math)

        return self._once("inside", inside)

    def _once(self, key: str, make: Callable[[], sp.Expr]) -> sp.Expr:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def begin(self, nu: sp.Expr) -> None:
        self.nu = nu

    def forward(self, v: Vertex) -> None:
        return

    def above(self) -> sp.Expr:
        return self.nu * self._inside()

    def bend(self, name: str) -> sp.Expr:
        return self.nu * self._row_squares()

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """2 f″ Σ_k N_jk H_jk f′_k."""
        bend = self.low.derivative(k, 2)
        if self._inside() == 0 or bend == 0:
            return
        text = "Σ_k (W Wᵀ)_jk f′_k H_jk"
        value = self._gram() * self.tangents.row(self.low.derivative(k, 1)) * self.hessian
        total = self.tangents.sum_units(value, f"weighted_product_{k.name}", text)
        yield term(2 * bend * self.nu * total, times("−2", self.low.derivative_text(k, 2), text))

    def weight_term(self, v: Vertex, name: str) -> Term:
        """−2 (Σ_n F H F + diag(δ f″)) W."""
        emitter, text = self.low.emitter, "−2 (F H F + diag(δ f″)) W"
        total = (
            emitter.column(emitter.batch_sum(self.bent, f"{name}_bent")) * self.weight.symbol
            if self.bent != 0
            else ZERO
        )
        if self._inside() != 0:
            total += self.tangents.batch_times(
                self.scaled * self.hessian, self.weight, name, f"(Σ_n F H F) {self.weight.math}"
            )
        return 2 * self.nu * total, text

    def gain_term(self, v: Vertex) -> Term:
        raise TypeError("no gain in this segment")
