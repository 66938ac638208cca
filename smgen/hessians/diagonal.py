"""The diagonal recursion of §1.3: δ′ of every vertex, computed as if each hidden Hessian were diagonal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import sympy as sp

from smgen.analysis.exactness import Verdict
from smgen.hessians.protocol import Array, Method, Mode, Truth
from smgen.ir import ZERO, Contribution, Function, Name, Schedule, term
from smgen.layers.letters import Quantity
from smgen.layers.protocol import Naming
from smgen.lower.functions import schedule
from smgen.lower.hessian_state import Values, moments_of
from smgen.lower.names import DELTA_PRIME, L, LossTerm, d_ddelta_prime
from smgen.lower.sweeps import backward
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


class Diagonal:
    """δ′_j in the backward sweep, and its adjoint ν_j = ∂L/∂δ′_j in the forward one."""

    word = "delta_prime"

    def __init__(self, lowering: Lowering, bent: frozenset[str] | None = None) -> None:
        """`bent` are the vertices whose second derivatives it takes; None means all."""
        self.lowering, self.bent = lowering, bent
        self.delta: Values = {}
        self.delta_prime: Values = {}
        self.nu_values: Values = {}
        self.loss_term: LossTerm = L
        self.nu_start: sp.Expr = ZERO

    def backward(self) -> Values:
        self.delta = backward(self.lowering, self.backward_at)
        return self.delta

    def backward_at(self, v: Vertex, delta: Values) -> None:
        """δ′ of a vertex, after those that read it."""
        name = DELTA_PRIME.of(v.name)
        self.delta_prime[v.name] = self.lowering.emitter.sum_of(name, "(§1.3)", list(self._delta_prime_parts(v, delta)))

    def _delta_prime_parts(self, v: Vertex, delta: Values) -> Iterator[Contribution]:
        """δ′_j = Σ_k δ_k ∂²g_k/∂g_j² + δ′_k (∂g_k/∂g_j)²."""
        for k in self.lowering.network.children(v.name):
            lowered = self.lowering.lowered[k.name]
            if self._bends(k) and delta[k.name] != 0 and (f_second := lowered.partial(v.name, v.name)) != 0:
                yield term(delta[k.name] * f_second)
            yield from lowered.backward(self.lowering.emitter, v.name, self.delta_prime[k.name], squared=True)

    def _bends(self, k: Vertex) -> bool:
        return self.bent is None or k.name in self.bent

    def diagonal(self) -> sp.Expr:
        return self.delta_prime[self.lowering.network.input.name]

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        return moments_of(self.lowering, self.diagonal(), first, second)

    @property
    def quantity(self) -> Quantity:
        """ν."""
        return d_ddelta_prime(self.loss_term.letter)

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂δ′_in = −1 + 2λ δ′_in (7)."""
        self.begin(loss_term, first + 2 * second * self.diagonal())

    def begin(self, loss_term: LossTerm, nu_start: sp.Expr) -> None:
        """Begin with ∂L/∂δ′ at x."""
        self.loss_term, self.nu_values, self.nu_start = loss_term, {}, nu_start

    def forward(self, v: Vertex) -> None:
        """ν_j = Σ_i ν_i (∂g_j/∂g_i)²: (7), (8), (13), (20)."""
        e, name = self.lowering.emitter, self.quantity.of(v.name)
        if v.layer.is_data:
            self.nu_values[v.name] = e.bind(name, self.nu_start, self.loss_term.nu_start)
        else:
            parts = list(self.lowering.lowered[v.name].forward(e, self.nu_values, squared=True))
            self.nu_values[v.name] = e.sum_of(name, self.loss_term.nu[v.layer.equations], parts)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return self.nu_values[p] if p == q and self._bends(k) else ZERO

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """2 ν_p δ′_k f_p."""
        nu_delta_prime = self.nu_values[p] * self.delta_prime[k.name]
        return 2 * nu_delta_prime * self.lowering.lowered[k.name].partial(p) if nu_delta_prime != 0 else ZERO

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterator[Contribution]:
        """Nothing: the recursion has no mixed second derivatives."""
        return iter(())

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterator[Contribution]:
        """2 g_a times what δ′_k and ν of the other factor give: (J ∘ J)ᵀ of that factor has squares of a."""
        delta_prime, nu = self.delta_prime[k.name], self.nu_values[other]
        if delta_prime == 0 or nu == 0:
            return
        lowering, lowered = self.lowering, self.lowering.lowered[k.name]

        def contribution(name: Name, number: str) -> sp.Expr:
            back = lowered.product_back(lowering.emitter, a, delta_prime, nu, name.part("squares"), "")
            return 2 * lowering.g[a] * back

        yield contribution

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """∂/∂θ of Σ_n δ′_kᵀ (A ∘ A) ν_p."""
        e, lowered = self.lowering.emitter, self.lowering.lowered[k.name]
        return lowered.gradient(e, p, self.delta_prime[k.name], self.nu_values[p], name, squared=True)


def recursion(network: Network, method: Method, function: Function) -> Schedule:
    """A function with the diagonal recursion."""
    return schedule(network, function, lambda lowering, lam: Diagonal(lowering))


def _quality(network: Network, verdict: Verdict, method: Method) -> Verdict:
    return verdict


def _verdict_sentence(quality: Verdict) -> str:
    return f"The diagonal recursion is {quality}."


def _scheme(network: Network, method: Method, function: Function) -> str:
    return "the diagonal recursion"


def _truth(recursion: Array, hessians: Array, probes: Array | None, squares: bool) -> Truth:
    return Truth("δ′ by the recursion (§1.3)", recursion, recursion**2)


DIAGONAL: Final = Mode(
    name="diagonal",
    summary="the recursion of Kingma and LeCun: cheapest; exact for one mixing layer, wrong for deep networks",
    hessian_phrase="by the diagonal recursion",
    verdict_sentence=_verdict_sentence,
    quality=_quality,
    schedule=recursion,
    scheme=_scheme,
    truth=_truth,
)
