"""What a hessian mode adds to the sweeps: the second derivatives, their adjoints, and their part of the gradients.

The sweeps of δ, μ = ∂J/∂δ and γ = ∂J/∂g are the same in every mode; where the equations have a term with δ′ or ν, they
ask the mode for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import sympy as sp

from smgen.lower.emitter import ZERO
from smgen.lower.names import Adjoint, Contribution, Name
from smgen.lower.values import Lowering
from smgen.network import Vertex

Values = dict[str, sp.Expr]
"""By vertex."""


class Adjoints(Protocol):
    """What the adjoint sweeps ask of a term of the loss."""

    def forward(self, v: Vertex) -> None:
        """The adjoints that reach v; called for every vertex in order, after its μ."""

    def nu(self, name: str) -> sp.Expr:
        """ν: what multiplies f″ in (19) and δ f‴ in (22) for the nonlinearities that read the vertex."""

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        """The third term of (22) for the nonlinearity k that reads v."""

    def weight_term(self, v: Vertex, at: str) -> sp.Expr:
        """The second term of (17) for the linear vertex v, summed over the batch; `at` ends the names."""

    def gain_term(self, v: Vertex) -> sp.Expr:
        """The same for a gain, not yet summed over the batch."""


class Curvature(Adjoints, Protocol):
    """The state of one function's second derivatives, from the backward sweep to the gradients."""

    def backward(self) -> Values:
        """δ of every vertex (1), and what the mode needs beside it."""

    def diagonal(self) -> sp.Expr:
        """δ′ at the input, (N, D)."""

    def loss(self, lam: sp.Expr) -> sp.Expr:
        """L, the mean over the batch."""

    def start(self, adjoint: Adjoint, lam: sp.Expr) -> None:
        """Begin the adjoints of L for this λ."""


class Flat:
    """No curvature: the K term."""

    def forward(self, v: Vertex) -> None:
        return

    def nu(self, name: str) -> sp.Expr:
        return ZERO

    def cross(self, v: Vertex, k: Vertex) -> Iterator[Contribution]:
        return iter(())

    def weight_term(self, v: Vertex, at: str) -> sp.Expr:
        return ZERO

    def gain_term(self, v: Vertex) -> sp.Expr:
        return ZERO


def loss_of(low: Lowering, diagonal: sp.Expr, lam: sp.Expr) -> sp.Expr:
    """L = Σ (−δ′_in + λ δ′_in²), the mean over the batch, for a mode that has δ′ as an array."""
    units, mean = low.network.input.units, low.emitter.mean_sum
    value = -mean(diagonal, units, Name("sum_delta_prime"))
    if lam == 0:
        return value
    return value + lam * mean(diagonal**2, units, Name("sum_delta_prime_squared"))
