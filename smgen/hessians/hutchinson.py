"""Random probes: an unbiased estimate of the Hessian's diagonal from its products with random vectors ([+] 9).

With independent v_p whose entries have mean 0 and variance 1 (±1, or normal), z_p = v_p ∘ H v_p has the mean diag H:

    δ′ ≈ (1/P) Σ_p z_p,   tr H ≈ (1/P) Σ_p v_pᵀ H v_p,   Σ_d (H_dd)² ≈ 1/(P (P − 1)) Σ_{p≠q} z_pᵀ z_q,

where Σ_{p≠q} z_p z_q = (Σ_p z_p)² − Σ_p z_p². K is exact. ġ is propagated from v, and vᵀHv = Σ_j δ_j f″_j ġ_j². For
the gradient of the square, ĝ is propagated from u_p = ∂L/∂(H v_p). δ̇ and δ̂ are the products of H with ġ and ĝ:

    ν_j = Σ_p ĝ_j ġ_j,   γ_j gains f″ Σ_p (ĝ_j δ̇_k + ġ_j δ̂_k),   ∂L/∂W gains Σ_p (δ̇ ĝᵀ + δ̂ ġᵀ).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
import sympy as sp

from smgen.analysis.exactness import Verdict
from smgen.errors import counted
from smgen.hessians.protocol import Array, Method, Mode, Truth
from smgen.ir import ZERO, Buffer, Contribution, Emitter, Function, Layout, Letter, Name, Schedule
from smgen.layers.data import from_rows
from smgen.layers.protocol import Naming
from smgen.lower.functions import schedule
from smgen.lower.hessian_state import Values, scaled_total
from smgen.lower.names import DELTA_WEIGHTED, WEIGHTED, L, LossTerm
from smgen.lower.segment_adjoints import SegmentAdjoints
from smgen.lower.segment_tangents import Segment
from smgen.lower.sweeps import backward
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


def probes_buffer(network: Network, probes: int) -> Buffer:
    """The argument v: (N, P, D), or (N, D) for a single probe."""
    layout = Layout(batch=True, tangents=probes if probes > 1 else None, units=(network.input.units,))
    return Buffer("probes", layout, Letter("v", 1, "v"))


class Hutchinson:
    """One segment from x to the energy whose tangents at x are the probes."""

    word = "tangents"

    def __init__(self, lowering: Lowering, probes: int) -> None:
        self.lowering, self.probes = lowering, probes
        self.tangents = Tangents(lowering.emitter) if probes > 1 else OneTangent(lowering.emitter)
        network = lowering.network
        segment = Segment(network.input, network.vertices[1:], None)
        self.v: sp.Expr = lowering.emitter.buffers["probes"].symbol
        self.segment: SegmentAdjoints = SegmentAdjoints(lowering, self.tangents, segment, self.v)
        self.loss_term: LossTerm = L
        self._squares: tuple[sp.Expr, sp.Expr, sp.Expr] | None = None

    def backward(self) -> Values:
        delta = backward(self.lowering)
        self.lowering.emitter.sweep("second derivatives, by tangents from the probes")
        x = self.lowering.network.input
        if x.layout.places is not None:
            self.v = from_rows(self.tangents, self.v, x, Name("probes_at_x", Letter("v", 1, "v")))
            self.segment.base_tangents = self.v
        self.segment.backward(delta, ZERO)
        return delta

    def diagonal(self) -> sp.Expr:
        """(1/P) Σ_p v ∘ Hv."""
        x = self.lowering.network.input.name
        return self.tangents.sum_tangents(self.v * self.segment.delta_tangent[x], Name(f"sum_probed_{x}")) / self.probes

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """Unbiased estimates of both sums."""
        e = self.lowering.emitter
        if second == 0 and e.is_constant(first):
            return first * self.segment.trace() / self.probes
        _, total, squares = self._probed()
        value = scaled_total(self.lowering, first, total, Name("sum_quadratic_forms")) / self.probes
        if second == 0:
            return value
        pairs = scaled_total(self.lowering, second, total**2 - squares, Name("sum_pairs"))
        return value + pairs / (self.probes * (self.probes - 1))

    def _probed(self) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """z = v ∘ Hv, (N, P, D), with Σ_p z and Σ_p z²."""
        if self._squares is None:
            x = self.lowering.network.input.name
            name = Name("probed", Letter("z", 8, "z"))
            z = self.lowering.emitter.bind(name, self.v * self.segment.delta_tangent[x], "[+] 9")
            total = self.tangents.sum_tangents(z, Name("sum_probed"))
            self._squares = z, total, self.tangents.sum_tangents(z**2, Name("sum_probed_squared"))
        return self._squares

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂(vᵀHv) = −1/P where all δ′ have one factor, otherwise u = ∂L/∂(Hv)."""
        self.loss_term = loss_term
        if second == 0 and self.lowering.emitter.is_constant(first):
            self.segment.begin(first / self.probes)
            return
        pull = self.tangents.row(first) / self.probes
        if second != 0:
            z, total, _ = self._probed()
            pairs = self.probes * (self.probes - 1)
            pull += 2 * self.tangents.row(second) / pairs * (self.tangents.row(total) - z)
        x = self.lowering.network.input.name
        self.segment = PairAdjoints(self.segment, self.lowering.emitter.bind(WEIGHTED.of(x), self.v * pull, "[+] 9"))

    def forward(self, v: Vertex) -> None:
        if v.name != self.segment.base:
            self.segment.forward(v)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return self.segment.nu(k, p, q)

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return self.segment.slope(p, k)

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        return self.segment.product_nu(k, p, q)

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        return self.segment.product_slope(k, a, other)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        return self.segment.gradient(p, k, name)


class PairAdjoints(SegmentAdjoints):
    """The adjoints of Σ_p u_pᵀ H v_p: the tangents ĝ start from u instead of a multiple of v."""

    weighted_is_multiple = False

    def __init__(self, probed: SegmentAdjoints, weighted_base: sp.Expr) -> None:
        super().__init__(probed.lowering, probed.tangents, probed.segment, probed.base_tangents)
        self.tangent, self.delta_tangent, self.delta_curvature = (
            probed.tangent,
            probed.delta_tangent,
            probed.delta_curvature,
        )
        self.delta = probed.delta
        self.weighted_tangent = {self.base: weighted_base}
        self._delta_weighted: Values | None = None

    def forward(self, v: Vertex) -> None:
        self.weighted_tangent[v.name] = self.carry(v, self.weighted_tangent, WEIGHTED)

    def _nu(self, name: str) -> sp.Expr:
        value = self.weighted_tangent[name] * self.tangent[name]
        return self.tangents.sum_tangents(value, Name(f"weighted_square_{name}"))

    def delta_weighted(self) -> Values:
        """δ̂ of every vertex: the derivative of δ along ĝ."""
        if self._delta_weighted is None:
            delta_weighted = self._delta_weighted = {}
            for v in reversed(self.segment.members):
                parts = list(self.delta_tangent_parts(v, self.weighted_tangent, delta_weighted))
                delta_weighted[v.name] = self.tangents.sum_of(DELTA_WEIGHTED.of(v.name), "[+] 9", parts)
        return self._delta_weighted

    def _both(self, name: str, k: str) -> sp.Expr:
        """Σ_p (ĝ δ̇ + ġ δ̂)."""
        value = self.weighted_tangent[name] * self.delta_tangent[k] + self.tangent[name] * self.delta_weighted()[k]
        return self.tangents.sum_tangents(value, Name(f"weighted_product_{k}"))

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return self._both(p, k.name)

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterator[Contribution]:
        """Σ_p of what δ̇ and ĝ, and δ̂ and ġ, of the other factor give."""
        pairs = (
            (self.delta_tangent[k.name], self.weighted_tangent[other]),
            (self.delta_weighted()[k.name], self.tangent[other]),
        )
        for position, (value, tangent) in enumerate(pairs):
            yield from self.product_back_parts(k, a, value, tangent, f"pair_{position + 1}")

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """The gradient terms of Σ_p (δ̇ ĝᵀ + δ̂ ġᵀ)."""
        lowered, delta_weighted = self.lowering.lowered[k.name], self.delta_weighted()[k.name]
        first = lowered.gradient(self.tangents, p, self.delta_tangent[k.name], self.weighted_tangent[p], name)

        def weighted_name(key: str) -> Name:
            return name(key).part("weighted")

        second = lowered.gradient(self.tangents, p, delta_weighted, self.tangent[p], weighted_name)
        return {key: first.get(key, ZERO) + second.get(key, ZERO) for key in {**first, **second}}


class OneTangent(Tangents):
    """A single tangent has no axis of tangents: every value is a value of the sample, (N, M)."""

    def row(self, value: sp.Expr) -> sp.Expr:
        return value

    def tangent_column(self, value: sp.Expr, v: Vertex) -> sp.Expr:
        return value

    def sum_tangents(self, value: sp.Expr, name: Name) -> sp.Expr:
        return value

    def outer_sum(self, left: sp.Expr, right: sp.Expr, name: Name, places: int | None = None) -> sp.Expr:
        (f, a), (g, b) = left.as_coeff_Mul(), right.as_coeff_Mul()
        return f * g * Emitter.outer_sum(self, a, b, name, places)


def estimates(network: Network, method: Method, function: Function) -> Schedule:
    """A function with random probes."""
    arguments = (probes_buffer(network, method.probes),)
    return schedule(network, function, lambda lowering, lam: Hutchinson(lowering, method.probes), arguments)


def _possible(method: Method, function: Function) -> bool:
    """A single probe says nothing of squares, so that there is no λ > 0."""
    objective = function.objective
    return method.probes > 1 or function.lam != "any" or objective is None or not objective.takes_lam


def _quality(network: Network, verdict: Verdict, method: Method) -> Verdict:
    return Verdict(False, f"an unbiased estimate from {counted(method.probes, 'random probe')} a sample; K is exact")


def _verdict_sentence(quality: Verdict) -> str:
    return f"δ′ is {quality.reason}."


def _scheme(network: Network, method: Method, function: Function) -> str:
    return f"{counted(method.probes, 'tangent')} a sample, from the probes"


def _truth(recursion: Array, hessians: Array, probes: Array | None, squares: bool) -> Truth:
    assert probes is not None
    z = probes * np.einsum("nde,npe->npd", hessians, probes)
    unbiased = (z.sum(axis=1) ** 2 - (z**2).sum(axis=1)) / (z.shape[1] * (z.shape[1] - 1)) if squares else 0.0
    return Truth("δ′ from given probes ([+] 9)", z.mean(axis=1), unbiased)


HUTCHINSON: Final = Mode(
    name="hutchinson",
    summary="random probes: unbiased for every network at a cost that does not grow with D, with noise",
    hessian_phrase="by its unbiased estimate, the mean over the probes of v ∘ Hv",
    verdict_sentence=_verdict_sentence,
    quality=_quality,
    schedule=estimates,
    possible=_possible,
    scheme=_scheme,
    truth=_truth,
    takes_probes=True,
)
