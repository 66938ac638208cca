"""Random probes: an unbiased estimate of the Hessian's diagonal from its products with random vectors ([+] 9).

With independent v_p whose entries have mean 0 and variance 1 (±1, or normal), z_p = v_p ∘ H v_p has the mean diag H:

    δ′ ≈ (1/P) Σ_p z_p,   tr H ≈ (1/P) Σ_p v_pᵀ H v_p,   Σ_d (H_dd)² ≈ 1/(P (P − 1)) Σ_{p≠q} z_pᵀ z_q,

where Σ_{p≠q} z_p z_q = (Σ_p z_p)² − Σ_p z_p². K is exact. ġ is propagated from v, and vᵀHv = Σ_j δ_j f″_j ġ_j². For
the square's gradient, ĝ is propagated from u_p = ∂L/∂(H v_p); δ̇ and δ̂ are what H makes of the two:

    ν_j = Σ_p ĝ_j ġ_j,   γ_j gains f″ Σ_p (ĝ_j δ̇_k + ġ_j δ̂_k),   ∂L/∂W gains Σ_p (δ̇ ĝᵀ + δ̂ ġᵀ).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import sympy as sp

from smgen.analysis.exactness import Verdict
from smgen.hessians.protocol import Array, Method, Mode, Truth, every
from smgen.ir import ZERO, Buffer, Emitter, Function, Layout, Letter, Name, Schedule
from smgen.layers.protocol import Naming
from smgen.lower.curvature import Values
from smgen.lower.names import DELTA_WEIGHTED, WEIGHTED, Adjoint, L
from smgen.lower.segment import Segment
from smgen.lower.stretch import Stretch
from smgen.lower.sweeps import backward
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


def probes_buffer(network: Network, probes: int) -> Buffer:
    """v, the argument: (N, P, D), or (N, D) for a single probe."""
    layout = Layout(batch=True, tangents=probes if probes > 1 else None, units=network.input.shape)
    return Buffer("probes", layout, Letter("v", 1, "v"))


class Hutchinson:
    """One segment from x to the energy whose tangents at x are the probes."""

    word = "tangents"

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
        self.low.emitter.sweep("second derivatives, by tangents from the probes")
        self.segment.backward(delta, ZERO)
        return delta

    def diagonal(self) -> sp.Expr:
        """(1/P) Σ_p v ∘ Hv."""
        x = self.low.network.input.name
        return self.tangents.sum_tangents(self.v * self.segment.back[x], Name(f"sum_probed_{x}")) / self.probes

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """Without bias."""
        if second == 0:
            return first * self.segment.trace() / self.probes
        units, mean = self.low.network.input.units, self.low.emitter.mean_sum
        _, total, squares = self._probed()
        value = first * mean(total, units, Name("sum_quadratic_forms")) / self.probes
        pairs = mean(total**2 - squares, units, Name("sum_pairs"))
        return value + second * pairs / (self.probes * (self.probes - 1))

    def _probed(self) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """z = v ∘ Hv, (N, P, D), its sum over the probes and the sum of its square."""
        if self._squares is None:
            x = self.low.network.input.name
            z = self.low.emitter.let(Name("probed", Letter("z", 8, "z")), self.v * self.segment.back[x], "[+] 9")
            total = self.tangents.sum_tangents(z, Name("sum_probed"))
            self._squares = z, total, self.tangents.sum_tangents(z**2, Name("sum_probed_squared"))
        return self._squares

    def start(self, adjoint: Adjoint, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂(vᵀHv) = −1/P, or u = ∂L/∂(Hv)."""
        self.adjoint = adjoint
        if second == 0:
            self.segment.begin(first / self.probes)
            return
        z, total, _ = self._probed()
        pairs = self.probes * (self.probes - 1)
        pull = 2 * second / pairs * (self.tangents.row(total) - z) + first / self.probes
        x = self.low.network.input.name
        self.segment = Pairs(self.segment, self.low.emitter.let(WEIGHTED.of(x), self.v * pull, "[+] 9"))

    def forward(self, v: Vertex) -> None:
        if v.name != self.segment.base:
            self.segment.forward(v)

    def nu(self, p: str, q: str) -> sp.Expr:
        return self.segment.nu(p, q)

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return self.segment.slope(p, k)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        return self.segment.gradient(p, k, name)


class Pairs(Segment):
    """The adjoints of Σ_p u_pᵀ H v_p, for tangents ĝ that start from u and not from a multiple of v."""

    def __init__(self, probed: Segment, start: sp.Expr) -> None:
        super().__init__(probed.low, probed.tangents, probed.stretch, probed.start)
        self.dot, self.back, self.curved = probed.dot, probed.back, probed.curved
        self.hat = {self.base: start}
        self._hat_back: Values | None = None

    def forward(self, v: Vertex) -> None:
        self.hat[v.name] = self.carry(v, self.hat, WEIGHTED)

    def _nu(self, name: str) -> sp.Expr:
        return self.tangents.sum_tangents(self.hat[name] * self.dot[name], Name(f"weighted_square_{name}"))

    def hat_back(self) -> Values:
        """δ̂ of every vertex: what H makes of ĝ."""
        if self._hat_back is None:
            found = self._hat_back = {}
            for v in reversed(self.stretch.members):
                parts = list(self.back_parts(v, self.hat, found))
                found[v.name] = self.tangents.gather(DELTA_WEIGHTED.of(v.name), "[+] 9", parts)
        return self._hat_back

    def _both(self, name: str, k: str) -> sp.Expr:
        """Σ_p (ĝ δ̇ + ġ δ̂)."""
        value = self.hat[name] * self.back[k] + self.dot[name] * self.hat_back()[k]
        return self.tangents.sum_tangents(value, Name(f"weighted_product_{k}"))

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return self._both(p, k.name)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """Of Σ_p (δ̇ ĝᵀ + δ̂ ġᵀ)."""
        at, hat = self.low.at[k.name], self.hat_back()[k.name]
        found = dict(at.gradient(self.tangents, p, self.back[k.name], self.hat[p], name))
        others = at.gradient(self.tangents, p, hat, self.dot[p], lambda key: name(key).part("weighted"))
        return {key: found.get(key, ZERO) + others.get(key, ZERO) for key in {**found, **others}}


class OneTangent(Tangents):
    """A single tangent needs no axis of its own: everything is a value of the sample, (N, M)."""

    def row(self, value: sp.Expr) -> sp.Expr:
        return value

    def tangent_column(self, value: sp.Expr) -> sp.Expr:
        return value

    def sum_tangents(self, value: sp.Expr, name: Name) -> sp.Expr:
        return value

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        (f, a), (g, b) = left.as_coeff_Mul(), right.as_coeff_Mul()
        return f * g * Emitter.outer_sum(self, a, b, name)


def estimates(network: Network, method: Method, wanted: tuple[Function, ...]) -> tuple[Schedule, ...]:
    """Functions with random probes; a single one says nothing of squares, so that there is no λ > 0."""
    possible = tuple(function for function in wanted if method.probes > 1 or function.lam != "any")
    arguments = (probes_buffer(network, method.probes),)
    return every(network, possible, lambda low, function, lam: Hutchinson(low, method.probes), arguments)


def _quality(verdict: Verdict, method: Method) -> Verdict:
    return Verdict(False, f"an unbiased estimate from {method.probes} random probes a sample; K is exact")


def _statement(quality: Verdict) -> str:
    return f"δ′ is {quality.reason}."


def _scheme(network: Network, method: Method, function: Function) -> str:
    return f"{method.probes} tangent{'s' * (method.probes > 1)} a sample, from the probes"


def _truth(recursion: Array, hessians: Array, probes: Array | None, squares: bool) -> Truth:
    assert probes is not None
    z = probes * np.einsum("nde,npe->npd", hessians, probes)
    unbiased = (z.sum(axis=1) ** 2 - (z**2).sum(axis=1)) / (z.shape[1] * (z.shape[1] - 1)) if squares else 0.0
    return Truth("δ′ from given probes ([+] 9)", z.mean(axis=1), unbiased)


HUTCHINSON: Final = Mode(
    name="hutchinson",
    summary="random probes: unbiased for every network at a cost that does not grow with D, with noise",
    way="by its unbiased estimate, the mean over the probes of v ∘ Hv",
    statement=_statement,
    quality=_quality,
    schedules=estimates,
    scheme=_scheme,
    truth=_truth,
    draws=True,
)
