"""The diagonal recursion of §1.3: δ′ of every vertex, as if each hidden Hessian were diagonal."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.lower.curvature import Values, loss_of
from smgen.lower.emitter import ZERO
from smgen.lower.names import DELTA_PRIME, Adjoint, Contribution, L, Quantity, d_ddelta_prime, gradient_of
from smgen.lower.sweeps import backward, forward_edges, linear_back, term
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Input, Linear, Pointwise


class Diagonal:
    """δ′_j and, forwards, its adjoint ν_j = ∂L/∂δ′_j."""

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
        self.prime[v.name] = self.low.gather(DELTA_PRIME.of(v.name), "(§1.3)", list(self._prime_parts(v, delta)))

    def _prime_parts(self, v: Vertex, delta: Values) -> Iterator[Contribution]:
        """δ′_j = Σ_k δ_k ∂²g_k/∂g_j² + δ′_k (∂g_k/∂g_j)²."""
        low = self.low
        for k in low.network.children(v.name):
            d, p = delta[k.name], self.prime[k.name]
            if not isinstance(k.op, Pointwise):
                yield from linear_back(low, v, k, p, squared=True)
                continue
            if d != 0 and low.derivative(k, 2) != 0:
                yield term(d * low.derivative(k, 2))
            if p != 0:
                yield term(p * low.derivative(k, 1) ** 2)

    def diagonal(self) -> sp.Expr:
        return self.prime[self.low.network.input.name]

    def loss(self, lam: sp.Expr) -> sp.Expr:
        return loss_of(self.low, self.diagonal(), lam)

    @property
    def quantity(self) -> Quantity:
        """ν."""
        return d_ddelta_prime(self.adjoint.of)

    def start(self, adjoint: Adjoint, lam: sp.Expr) -> None:
        """∂L/∂δ′_in = −1 + 2λ δ′_in (7)."""
        self.adjoint, self.adjoints = adjoint, {}
        self.nu_start = -1 + 2 * lam * self.diagonal()

    def forward(self, v: Vertex) -> None:
        """ν_j = Σ_i ν_i (∂g_j/∂g_i)²: (7), (8), (13), (20)."""
        self.adjoints[v.name] = self._forward(v)

    def _forward(self, v: Vertex) -> sp.Expr:
        low, nu, name = self.low, self.adjoints, self.quantity.of(v.name)
        match v.op:
            case Input():
                return low.emitter.let(name, self.nu_start, self.adjoint.start_curvature)
            case Linear():
                (i,) = v.inputs
                if nu[i] == 0:
                    return ZERO
                square, number = low.emitter.square(low.parameter(v, "weight")), self.adjoint.linear_curvature
                return low.emitter.let(name, low.emitter.forward(nu[i], square, name, number), number)
            case Pointwise():
                (i,) = v.inputs
                return low.emitter.let(name, nu[i] * low.derivative(v, 1) ** 2, self.adjoint.pointwise_curvature)
            case _:
                return forward_edges(low, v, nu, self.quantity, "(8)", squared=True)

    def nu(self, name: str) -> sp.Expr:
        return self.adjoints[name]

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """2 ν_j δ′_k f′ f″."""
        low, bent = self.low, self.adjoints[v.name] * self.prime[k.name]
        if bent != 0 and low.derivative(k, 2) != 0:
            yield term(2 * bent * low.derivative(k, 1) * low.derivative(k, 2))

    def weight_term(self, v: Vertex, at: str) -> sp.Expr:
        """2 w_ji ν_i δ′_j."""
        (i,) = v.inputs
        weight = self.low.parameter(v, "weight")
        name = gradient_of(self.adjoint.of, weight).part(f"delta_prime{at}")
        return 2 * weight.symbol * self.low.emitter.outer_sum(self.prime[v.name], self.adjoints[i], name)

    def gain_term(self, v: Vertex) -> sp.Expr:
        """2 s_j ν_j δ′_j."""
        (i,) = v.inputs
        return 2 * self.low.parameter(v, "gain").symbol * self.adjoints[i] * self.prime[v.name]
