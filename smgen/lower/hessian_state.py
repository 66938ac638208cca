"""What a hessian mode adds to the sweeps: the second derivatives, their adjoints, and their part of the gradients.

The sweeps of δ, μ = ∂J/∂δ and γ = ∂J/∂g are the same in every mode; where the equations have a term with δ′ or ν, they
ask the mode for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import sympy as sp

from smgen.ir import ZERO, Name
from smgen.layers.protocol import Naming
from smgen.lower.names import LossTerm
from smgen.lower.values import Lowering
from smgen.network import Vertex

Values = dict[str, sp.Expr]
"""By vertex."""


class TermAdjoints(Protocol):
    """What the adjoint sweeps ask of a term of the loss. `word` is in the names of its gradient terms."""

    word: str

    def forward(self, v: Vertex) -> None:
        """The adjoints that reach v; called for every vertex in order, after its μ."""

    def nu(self, p: str, q: str) -> sp.Expr:
        """ν_pq: the loss's derivative by δ_k f_pq of a vertex k that reads p and q."""

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """The loss's derivative by the slope f_p of k, as far as it comes through second derivatives."""

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """The same for a linear k by the parameters of its map of p, summed over the batch: the second term of (17)."""


class HessianState(TermAdjoints, Protocol):
    """The state of one function's second derivatives, from the backward sweep to the gradients."""

    def backward(self) -> Values:
        """δ of every vertex (1), and what the mode needs beside it."""

    def diagonal(self) -> sp.Expr:
        """δ′ at the input, (N, D)."""

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """The mean over the batch of Σ_d first · δ′_d + second · δ′_d², exact or without bias."""

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """Begin the adjoints of a term with this derivative by δ′: first + 2 second · δ′ (7)."""


class NoHessian:
    """No curvature: the K term."""

    word = ""

    def forward(self, v: Vertex) -> None:
        return

    def nu(self, p: str, q: str) -> sp.Expr:
        return ZERO

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return ZERO

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        return {}


def moments_of(lowering: Lowering, diagonal: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """The mean over the batch of Σ_d first · δ′_d + second · δ′_d², for a mode that has δ′ as an array."""
    units, mean = lowering.network.input.units, lowering.emitter.mean_sum
    value = first * mean(diagonal, units, Name("sum_delta_prime", role="sum_delta_prime")) if first != 0 else ZERO
    if second != 0:
        value += second * mean(diagonal**2, units, Name("sum_delta_prime_squared", role="sum_delta_prime_squared"))
    return value
