"""Random probes: an unbiased estimate of the Hessian's diagonal from its products with random vectors ([+] 9).

With independent v_p whose entries have mean 0 and variance 1 (±1, or normal), z_p = v_p ∘ H v_p has the mean diag H:

    δ′ ≈ (1/P) Σ_p z_p,   tr H ≈ (1/P) Σ_p v_pᵀ H v_p,   Σ_d (H_dd)² ≈ 1/(P (P − 1)) Σ_{p≠q} z_pᵀ z_q,

where Σ_{p≠q} z_p z_q = (Σ_p z_p)² − Σ_p z_p². K is exact. ġ is propagated from v, and vᵀHv = Σ_j δ_j f″_j ġ_j². For
the square's gradient, ĝ is propagated from u_p = ∂L/∂(H v_p); δ̇ and δ̂ are what H makes of the two:

    ν_j = Σ_p ĝ_j ġ_j,   γ_j gains f″ Σ_p (ĝ_j δ̇_k + ġ_j δ̂_k),   ∂L/∂W gains Σ_p (δ̇ ĝᵀ + δ̂ ġᵀ).
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.ir import BATCH, Buffer
from smgen.lower.curvature import Term, Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import (
    DELTA_TANGENT,
    DELTA_WEIGHTED,
    TANGENT,
    WEIGHTED,
    Adjoint,
    Contribution,
    L,
    times,
)
from smgen.lower.segment import Segment
from smgen.lower.stretch import Stretch
from smgen.lower.sweeps import backward, term
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


def probes_buffer(network: Network, probes: int) -> Buffer:
    """v, the argument: (N, P, D), or (N, D) for a single probe."""
    count = (probes,) if probes > 1 else ()
    return Buffer("probes", (BATCH, *count, network.input.units), "v, the probes")


class Probes:
    """One segment from x to the energy whose tangents at x are the probes."""

    def __init__(self, low: Lowering, probes: int) -> None:
        self.low, self.probes = low, probes
        self.tangents = Tangents(low.emitter) if probes > 1 else OneTangent(low.emitter)
        network = low.network
        stretch = Stretch(network.input, network.vertices[1:], None)
        self.v = low.emitter.buffers["probes"].symbol
        self.segment: Segment = Segment(low, self.tangents, stretch, self.v)
        self.adjoint: Adjoint = L
        self._squares: tuple[sp.Expr, sp.Expr, sp.Expr] | None = None

    def backward(self) -> Values:
        delta = backward(self.low)
        self.low.emitter.sweep("second derivatives: tangents ġ from the probes, and δ̇")
        self.segment.backward(delta, ZERO)
        return delta

    def diagonal(self) -> Term:
        x = self.low.network.input.name
        total = self.tangents.sum_tangents(self.v * self.segment.back[x], f"sum_probed_{x}", "Σ_p v ∘ Hv")
        return total / self.probes, "(1/P) Σ_p v ∘ Hv"

    def loss(self, lam: sp.Expr) -> Term:
        """L, without bias."""
        if lam == 0:
            return -self.segment.trace() / self.probes, "−(1/N) Σ_n (1/P) Σ_p vᵀHv  [+] 9"
        units, mean = self.low.network.input.units, self.low.emitter.mean_sum
        _, total, squares = self._probed()
        value = -mean(total, units, "sum_quadratic_forms", "Σ_n Σ_p vᵀHv") / self.probes
        pairs = mean(total**2 - squares, units, "sum_pairs", "Σ_n Σ_d Σ_{p≠q} z_p z_q")
        value += lam * pairs / (self.probes * (self.probes - 1))
        return value, "(1/N) Σ_n (−(1/P) Σ_p vᵀHv + λ/(P (P − 1)) Σ_{p≠q} z_pᵀ z_q), z = v ∘ Hv  [+] 9"

    def _probed(self) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """Z = v ∘ Hv, (N, P, D), its sum over the probes and the sum of its square."""
        if self._squares is None:
            x = self.low.network.input.name
            z = self.low.emitter.let("probed", self.v * self.segment.back[x], "z = v ∘ Hv")
            total = self.tangents.sum_tangents(z, "sum_probed", "Σ_p z")
            self._squares = z, total, self.tangents.sum_tangents(z**2, "sum_probed_squared", "Σ_p z²")
        return self._squares

    @property
    def title(self) -> str:
        return f" and the adjoints ∂{self.adjoint.of}/∂(Hv)"

    def start(self, adjoint: Adjoint, lam: sp.Expr) -> None:
        """∂L/∂(vᵀHv) = −1/P, or u = ∂L/∂(Hv)."""
        self.adjoint = adjoint
        if lam == 0:
            self.segment.begin(-sp.S.One / self.probes)
            return
        z, total, _ = self._probed()
        pull = 2 * lam / (self.probes * (self.probes - 1)) * (self.tangents.row(total) - z) - sp.S.One / self.probes
        x = self.low.network.input.name
        math = f"{WEIGHTED.text(x)} = u = v ∘ (2λ/(P (P − 1)) (Σ_q z_q − z) − 1/P)"
        self.segment = Pairs(self.segment, self.low.emitter.let(WEIGHTED.name(x), self.v * pull, math))

    def forward(self, v: Vertex) -> None:
        if v.name != self.segment.base:
            self.segment.forward(v)

    def bend(self, name: str) -> Term:
        return self.segment.bend(name), f"Σ ν ġ_{name}²"

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        return self.segment.cross(v, k)

    def weight_term(self, v: Vertex, at: str) -> Term:
        return self.segment.weight_term(v, f"d{self.adjoint.of}_d{self.low.parameter(v, 'weight').name}_tangents{at}")

    def gain_term(self, v: Vertex) -> Term:
        return self.segment.gain_term(v)


class Pairs(Segment):
    """The adjoints of Σ_p u_pᵀ H v_p, for tangents ĝ that start from u and not from a multiple of v."""

    def __init__(self, probed: Segment, start: sp.Expr) -> None:
        super().__init__(probed.low, probed.tangents, probed.stretch, probed.start)
        self.dot, self.back, self.curved = probed.dot, probed.back, probed.curved
        self.hat = {self.base: start}
        self._hat_back: Values | None = None

    def forward(self, v: Vertex) -> None:
        self.hat[v.name] = self.carry(v, self.hat, WEIGHTED, along_units=False)

    def _bend(self, name: str) -> sp.Expr:
        value = self.hat[name] * self.dot[name]
        return self.tangents.sum_tangents(
            value, f"weighted_square_{name}", f"Σ_p {WEIGHTED.text(name)} {TANGENT.text(name)}"
        )

    def hat_back(self) -> Values:
        """δ̂ of every vertex: what H makes of ĝ."""
        if self._hat_back is None:
            found = self._hat_back = {}
            for v in reversed(self.stretch.members):
                parts = list(self.back_parts(v, self.hat, WEIGHTED, found, DELTA_WEIGHTED))
                found[v.name] = self.low.gather(
                    DELTA_WEIGHTED.name(v.name), DELTA_WEIGHTED.text(v.name), "[+] 9", parts
                )
        return self._hat_back

    def _both(self, name: str, k: str) -> tuple[sp.Expr, str]:
        """Σ_p (ĝ δ̇ + ġ δ̂)."""
        text = f"Σ_p ({WEIGHTED.text(name)} {DELTA_TANGENT.text(k)} + {TANGENT.text(name)} {DELTA_WEIGHTED.text(k)})"
        value = self.hat[name] * self.back[k] + self.dot[name] * self.hat_back()[k]
        return self.tangents.sum_tangents(value, f"weighted_product_{k}", text), text

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        bend = self.low.derivative(k, 2)
        if bend != 0:
            total, text = self._both(v.name, k.name)
            if total != 0:
                yield term(bend * total, times(self.low.derivative_text(k, 2), text))

    def weight_term(self, v: Vertex, name: str) -> Term:
        (i,) = v.inputs
        text = (
            f"Σ_p ({DELTA_TANGENT.text(v.name)} {WEIGHTED.text(i)}ᵀ + {DELTA_WEIGHTED.text(v.name)} {TANGENT.text(i)}ᵀ)"
        )
        value = self.tangents.outer_sum(self.back[v.name], self.hat[i], name, f"Σ_n {text}")
        return value + self.tangents.outer_sum(self.hat_back()[v.name], self.dot[i], f"{name}_weighted", text), text

    def gain_term(self, v: Vertex) -> Term:
        return self._both(v.inputs[0], v.name)


class OneTangent(Tangents):
    """A single tangent needs no axis of its own: everything is a value of the sample, (N, M)."""

    def row(self, value: sp.Expr) -> sp.Expr:
        return value

    def column(self, value: sp.Expr) -> sp.Expr:
        return value

    def sum_tangents(self, value: sp.Expr, name: str, math: str) -> sp.Expr:
        return value

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: str, math: str) -> sp.Expr:
        (f, a), (g, b) = left.as_coeff_Mul(), right.as_coeff_Mul()
        return f * g * self.emitter.outer_sum(a, b, name, math)
