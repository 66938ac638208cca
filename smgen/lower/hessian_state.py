"""The part of a hessian mode in the sweeps: the second derivatives, their adjoints, and their terms of the gradients.

The sweeps of δ, μ = ∂J/∂δ and γ = ∂J/∂g are the same in every mode. The mode computes the terms with δ′ and ν.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import sympy as sp

from smgen.ir import ZERO, Contribution, Name
from smgen.layers.protocol import Naming
from smgen.lower.names import LossTerm
from smgen.lower.values import Lowering
from smgen.network import Vertex

Values = dict[str, sp.Expr]
"""A value for each vertex, by the vertex's name."""


class TermAdjoints(Protocol):
    """The adjoints of one loss term that come from second derivatives. `word` is in the names of its gradients."""

    word: str

    def forward(self, v: Vertex) -> None:
        """Compute the adjoints at v. The forward sweep calls this for every vertex in order, after μ of the vertex."""

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        """ν_pq: the derivative of the loss by δ_k f_pq."""

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """The derivative of the loss by the slope f_p of k, through the second derivatives alone."""

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        """The derivative of the loss by δ of a product k of p and q, through the second derivatives alone."""

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        """The derivative of the loss by a factor a of a product k, through the second derivatives alone."""

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """The same derivative by the parameters of a linear k, summed over the batch: the second term of (17)."""


class HessianState(TermAdjoints, Protocol):
    """The second derivatives of one function while it is lowered, from the backward sweep to the gradients."""

    def backward(self) -> Values:
        """Compute δ (1) and the mode's second derivatives of every vertex; returns δ."""

    def diagonal(self) -> sp.Expr:
        """δ′ at the input, (N, D)."""

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """The total of Σ_d first · δ′_d + second · δ′_d², exact or an unbiased estimate: the emitter's kind of total.

        `first` and `second` are numbers, or values at x: one for all units of a sample, or one for each.
        """

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """Begin the adjoints of a term whose derivative by δ′ is first + 2 second · δ′ (7)."""


def moments_of(lowering: Lowering, diagonal: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """The total of Σ_d first · δ′_d + second · δ′_d², for a mode that has δ′ as an array."""
    total: sp.Expr = ZERO
    for factor, power, word in ((first, 1, "sum_delta_prime"), (second, 2, "sum_delta_prime_squared")):
        if factor != 0:
            total += scaled_total(lowering, factor, diagonal**power, Name(word, role=word))
    return total


def scaled_total(lowering: Lowering, factor: sp.Expr, value: sp.Expr, name: Name) -> sp.Expr:
    """The total of a factor times a value at x. A factor that is a number is taken after the sum."""
    e, units = lowering.emitter, lowering.network.input.units
    if e.is_constant(factor):
        return factor * e.total(value, units, name)
    return e.total(factor * value, units, name)
