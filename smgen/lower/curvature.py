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
from smgen.lower.names import Adjoint
from smgen.lower.values import Lowering
from smgen.network import Vertex

Values = dict[str, sp.Expr]
"""By vertex."""


class Adjoints(Protocol):
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

    word = ""

    def forward(self, v: Vertex) -> None:
        return

    def nu(self, p: str, q: str) -> sp.Expr:
        return ZERO

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return ZERO

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        return {}


def loss_of(low: Lowering, diagonal: sp.Expr, lam: sp.Expr) -> sp.Expr:
    """L = Σ (−δ′_in + λ δ′_in²), the mean over the batch, for a mode that has δ′ as an array."""
    units, mean = low.network.input.units, low.emitter.mean_sum
    value = -mean(diagonal, units, Name("sum_delta_prime"))
    if lam == 0:
        return value
    return value + lam * mean(diagonal**2, units, Name("sum_delta_prime_squared"))
