"""What a hessian mode adds to the sweeps: the second derivatives, their adjoints, and their part of the gradients.

The sweeps of δ, μ = ∂J/∂δ and γ = ∂J/∂g are the same in every mode; where the equations have a term with δ′ or ν, they
ask the mode for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import sympy as sp

from smgen.lower.emitter import ZERO
from smgen.lower.names import Adjoint, Contribution
from smgen.lower.values import Lowering
from smgen.network import Vertex

Values = dict[str, sp.Expr]
Term = tuple[sp.Expr, str]
"""A value and its text."""


class Adjoints(Protocol):
    """What the adjoint sweeps ask of a term of the loss."""

    @property
    def title(self) -> str:
        """What the forward adjoint sweep is called after ∂J/∂δ."""

    def forward(self, v: Vertex) -> None:
        """The adjoints that reach v; called for every vertex in order, after its μ."""

    def bend(self, name: str) -> Term:
        """ν: what multiplies f″ in (19) and δ f‴ in (22) for the nonlinearities that read the vertex."""

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """The third term of (22) for the nonlinearity k that reads v."""

    def weight_term(self, v: Vertex, at: str) -> Term:
        """The second term of (17) for the linear vertex v, summed over the batch; `at` ends the names."""

    def gain_term(self, v: Vertex) -> Term:
        """The same for a gain, not yet summed over the batch."""


class Curvature(Adjoints, Protocol):
    """The state of one function's second derivatives, from the backward sweep to the gradients."""

    def backward(self) -> Values:
        """δ of every vertex (1), and what the mode needs beside it."""

    def diagonal(self) -> Term:
        """δ′ at the input, (N, D), and its symbol."""

    def loss(self, lam: sp.Expr) -> Term:
        """L, the mean over the batch, and its equation."""

    def start(self, adjoint: Adjoint, lam: sp.Expr) -> None:
        """Begin the adjoints of L for this λ."""


class Flat:
    """No curvature: the K term."""

    title = ""

    def forward(self, v: Vertex) -> None:
        return

    def bend(self, name: str) -> Term:
        return ZERO, "0"

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        return iter(())

    def weight_term(self, v: Vertex, at: str) -> Term:
        return ZERO, "0"

    def gain_term(self, v: Vertex) -> Term:
        return ZERO, "0"


def loss_of(low: Lowering, diagonal: Term, lam: sp.Expr) -> Term:
    """L = Σ (−δ′_in + λ δ′_in²) of a δ′ that is there, the mean over the batch."""
    p, text = diagonal
    units, mean = low.network.input.units, low.emitter.mean_sum
    value = -mean(p, units, "sum_delta_prime", f"Σ_n Σ_i {text}")
    if lam == 0:
        return value, f"(1/N) Σ_n Σ_i (−{text})"
    value += lam * mean(p**2, units, "sum_delta_prime_squared", f"Σ_n Σ_i {text}²")
    return value, f"(1/N) Σ_n Σ_i (−{text} + λ {text}²)"
