"""The diagonal recursion of §1.3: δ′ of every vertex, as if each hidden Hessian were diagonal."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.lower.curvature import Term, Values, loss_of
from smgen.lower.emitter import ZERO
from smgen.lower.names import (
    DELTA,
    DELTA_PRIME,
    Adjoint,
    Contribution,
    L,
    Quantity,
    d_ddelta_prime,
    times,
)
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
        self.nu: Values = {}
        self.adjoint: Adjoint = L
        self.nu_start: sp.Expr = ZERO

    def backward(self) -> Values:
        self.delta = backward(self.low, self._backward_at)
        return self.delta

    def _backward_at(self, v: Vertex, delta: Values) -> None:
        parts = list(self._prime_parts(v, delta))
        self.prime[v.name] = self.low.gather(DELTA_PRIME.name(v.name), DELTA_PRIME.text(v.name), "(§1.3)", parts)

    def _prime_parts(self, v: Vertex, delta: Values) -> Iterator[Contribution]:
        """δ′_j = Σ_k δ_k ∂²g_k/∂g_j² + δ′_k (∂g_k/∂g_j)²."""
        low = self.low
        for k in low.network.children(v.name):
            d, p = delta[k.name], self.prime[k.name]
            if not isinstance(k.op, Pointwise):
                yield from linear_back(low, v, k, p, DELTA_PRIME, squared=True)
                continue
            bend = low.derivative(k, 2)
            if d * bend != 0:
                yield term(d * bend, times(DELTA.text(k.name, d), low.derivative_text(k, 2)))
            if p != 0:
                text = times(DELTA_PRIME.text(k.name, p), f"{low.derivative_text(k, 1)}²")
                yield term(p * low.derivative(k, 1) ** 2, text)

    def diagonal(self) -> Term:
        x = self.low.network.input.name
        return self.prime[x], DELTA_PRIME.text(x)

    def loss(self, lam: sp.Expr) -> Term:
        return loss_of(self.low, self.diagonal(), lam)

    @property
    def quantity(self) -> Quantity:
        """ν."""
        return d_ddelta_prime(self.adjoint.of)

    @property
    def title(self) -> str:
        return f" and ∂{self.adjoint.of}/∂δ′"

    def start(self, adjoint: Adjoint, lam: sp.Expr) -> None:
        """∂L/∂δ′_in = −1 + 2λ δ′_in (7)."""
        self.adjoint, self.nu = adjoint, {}
        self.nu_start = -1 + 2 * lam * self.prime[self.low.network.input.name]

    def forward(self, v: Vertex) -> None:
        """ν_j = Σ_i ν_i (∂g_j/∂g_i)²: (7), (8), (13), (20)."""
        self.nu[v.name] = self._forward(v)

    def _forward(self, v: Vertex) -> sp.Expr:
        low, nu, quantity = self.low, self.nu, self.quantity
        name, math = quantity.name(v.name), quantity.text(v.name)
        match v.op:
            case Input():
                bend = f" + 2λ {DELTA_PRIME.text(v.name)}" if self.nu_start.free_symbols else ""
                return low.emitter.let(name, self.nu_start, f"{math} = −1{bend}  {self.adjoint.start_curvature}")
            case Linear():
                (i,) = v.inputs
                if nu[i] == 0:
                    return ZERO
                square = low.emitter.square(low.parameter(v, "weight"))
                equation = f"{math} = ({square.math}) {quantity.text(i, nu[i])}  {self.adjoint.linear_curvature}"
                return low.emitter.let(name, low.emitter.forward(nu[i], square, name, equation), equation)
            case Pointwise():
                (i,) = v.inputs
                slope = f"{low.derivative_text(v, 1)}²"
                equation = f"{math} = {times(quantity.text(i, nu[i]), slope)}  {self.adjoint.pointwise_curvature}"
                return low.emitter.let(name, nu[i] * low.derivative(v, 1) ** 2, equation)
            case _:
                return forward_edges(low, v, nu, quantity, "(8)", squared=True)

    def bend(self, name: str) -> Term:
        return self.nu[name], self.quantity.text(name, self.nu[name])

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """2 ν_j δ′_k f′ f″."""
        low, nu, prime = self.low, self.nu[v.name], self.prime[k.name]
        if nu * prime != 0 and low.derivative(k, 2) != 0:
            names = self.quantity.text(v.name, nu), DELTA_PRIME.text(k.name, prime)
            text = times("2", *names, low.derivative_text(k, 1), low.derivative_text(k, 2))
            yield term(2 * nu * prime * low.derivative(k, 1) * low.derivative(k, 2), text)

    def weight_term(self, v: Vertex, at: str) -> Term:
        """2 w_ji ν_i δ′_j."""
        (i,) = v.inputs
        weight, prime, nu = self.low.parameter(v, "weight"), self.prime[v.name], self.nu[i]
        p, n = DELTA_PRIME.text(v.name, prime), self.quantity.text(i, nu)
        name = f"d{self.adjoint.of}_d{weight.name}_delta_prime{at}"
        curved = self.low.emitter.outer_sum(prime, nu, name, f"Σ_n {p} {n}ᵀ")
        return 2 * weight.symbol * curved, f"2 {weight.math} ∘ {p} {n}ᵀ"

    def gain_term(self, v: Vertex) -> Term:
        """2 s_j ν_j δ′_j."""
        (i,) = v.inputs
        gain, prime, nu = self.low.parameter(v, "gain"), self.prime[v.name], self.nu[i]
        text = times("2", gain.math, self.quantity.text(i, nu), DELTA_PRIME.text(v.name, prime))
        return 2 * gain.symbol * nu * prime, text
