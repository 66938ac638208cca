"""The diagonal recursion of §1.3: δ′ of every vertex, as if each hidden Hessian were diagonal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import sympy as sp

from smgen.analysis.exactness import Verdict
from smgen.hessians.protocol import Array, Method, Mode, Truth, every
from smgen.ir import ZERO, Contribution, Function, Schedule, term
from smgen.layers.letters import Quantity
from smgen.layers.protocol import Naming
from smgen.lower.curvature import Values, moments_of
from smgen.lower.names import DELTA_PRIME, Adjoint, L, d_ddelta_prime
from smgen.lower.sweeps import backward
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


class Diagonal:
    """δ′_j and, forwards, its adjoint ν_j = ∂L/∂δ′_j."""

    word = "delta_prime"

    def __init__(self, low: Lowering) -> None:
        self.low = low
        self.delta: Values = {}
        self.prime: Values = {}
        self.adjoints: Values = {}
        self.adjoint: Adjoint = L
        self.nu_start: sp.Expr = ZERO

    def backward(self) -> Values:
        self.delta = backward(self.low, self._backward_at)
        return self.delta

    def _backward_at(self, v: Vertex, delta: Values) -> None:
        name = DELTA_PRIME.of(v.name)
        self.prime[v.name] = self.low.emitter.gather(name, "(§1.3)", list(self._prime_parts(v, delta)))

    def _prime_parts(self, v: Vertex, delta: Values) -> Iterator[Contribution]:
        """δ′_j = Σ_k δ_k ∂²g_k/∂g_j² + δ′_k (∂g_k/∂g_j)²."""
        for k in self.low.network.children(v.name):
            at, d = self.low.at[k.name], delta[k.name]
            if d != 0 and (bend := at.partial(v.name, v.name)) != 0:
                yield term(d * bend)
            yield from at.backward(self.low.emitter, v.name, self.prime[k.name], squared=True)

    def diagonal(self) -> sp.Expr:
        return self.prime[self.low.network.input.name]

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        return moments_of(self.low, self.diagonal(), first, second)

    @property
    def quantity(self) -> Quantity:
        """ν."""
        return d_ddelta_prime(self.adjoint.of)

    def start(self, adjoint: Adjoint, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂δ′_in = −1 + 2λ δ′_in (7)."""
        self.adjoint, self.adjoints = adjoint, {}
        self.nu_start = first + 2 * second * self.diagonal()

    def forward(self, v: Vertex) -> None:
        """ν_j = Σ_i ν_i (∂g_j/∂g_i)²: (7), (8), (13), (20)."""
        e, name = self.low.emitter, self.quantity.of(v.name)
        if v.layer.is_data:
            self.adjoints[v.name] = e.let(name, self.nu_start, self.adjoint.start_curvature)
        else:
            parts = list(self.low.at[v.name].forward(e, self.adjoints, squared=True))
            self.adjoints[v.name] = e.gather(name, self.adjoint.curvature[v.layer.equations], parts)

    def nu(self, p: str, q: str) -> sp.Expr:
        return self.adjoints[p] if p == q else ZERO

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """2 ν_p δ′_k f_p."""
        bent = self.adjoints[p] * self.prime[k.name]
        return 2 * bent * self.low.at[k.name].partial(p) if bent != 0 else ZERO

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """∂/∂θ of Σ_n δ′_kᵀ (A ∘ A) ν_p."""
        at = self.low.at[k.name]
        return at.gradient(self.low.emitter, p, self.prime[k.name], self.adjoints[p], name, squared=True)


def recursion(network: Network, method: Method, wanted: tuple[Function, ...]) -> tuple[Schedule, ...]:
    """Functions with the diagonal recursion."""
    return every(network, wanted, lambda low, function, lam: Diagonal(low))


def _quality(verdict: Verdict, method: Method) -> Verdict:
    return verdict


def _statement(quality: Verdict) -> str:
    return f"The diagonal recursion is {quality}."


def _scheme(network: Network, method: Method, function: Function) -> str:
    return "the diagonal recursion"


def _truth(recursion: Array, hessians: Array, probes: Array | None, squares: bool) -> Truth:
    return Truth("δ′ by the recursion (§1.3)", recursion, recursion**2)


DIAGONAL: Final = Mode(
    name="diagonal",
    summary="the recursion of Kingma and LeCun: cheapest; exact for one mixing layer, wrong for deep networks",
    way="by the diagonal recursion",
    statement=_statement,
    quality=_quality,
    schedules=recursion,
    scheme=_scheme,
    truth=_truth,
)
