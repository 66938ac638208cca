"""The score of a single source, fitted by score matching in closed form, and what follows for a rotation of sources.

A source s of mean 0 and variance 1 has the energy

    E(s) = α f(s) + δ f′(s) + ½ β s² + γ s

with a nonlinearity f such as log cosh. α makes it peaked or flat, δ skewed; β alone is a Gaussian, γ centres the score.
With ψ = E′ the loss is J = ½ E[ψ²] − E[ψ′], quadratic in (α, δ, β, γ). Its minimum over them is

    J = −½ bᵀ A⁻¹ b,    A the covariance of B = (f′(s), f″(s), s),    b = (E[f″(s)], E[f‴(s)], 1),

half the Fisher information of the source that B can express, with the sign changed. It is −½ for a Gaussian source and
lower for any other, peaked or flat, because then a combination of f′ and f″ is uncorrelated with s. Sources s = W z
of whitened z and a rotation W have as loss the sum of theirs: E(z) = Σ_j E_j(w_j·z), and W Wᵀ = 1 leaves no products of
different sources. (Score matching: Hyvärinen 2005. Contrast for rotations: Hyvärinen, Karhunen and Oja 2001, ch. 8.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sympy as sp
from sympy.codegen.rewriting import create_expand_pow_optimization

from smgen.errors import BuildError, did_you_mean, shortened

Array = npt.NDArray[Any]

S, U = sp.symbols("s u")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonlinearity:
    """A function f by its slope: u as a function of s, and u′ and f′ as polynomials in s and u.

    Then all derivatives of f are polynomials, and of the costly functions only u is computed.
    """

    u: sp.Expr
    slope_of_u: sp.Expr
    slope: sp.Expr

    def derivatives(self, count: int) -> list[sp.Expr]:
        """f′, f″, … as polynomials in s and u, by d/ds = ∂/∂s + u′ ∂/∂u."""
        results = [self.slope]
        while len(results) < count:
            latest = results[-1]
            results.append(sp.expand(sp.diff(latest, S) + self.slope_of_u * sp.diff(latest, U)))
        return results


NONLINEARITIES: Final = {
    "logcosh": Nonlinearity(u=sp.tanh(S), slope_of_u=1 - U**2, slope=U),
    "pseudo_huber": Nonlinearity(u=1 / sp.sqrt(1 + S**2), slope_of_u=-S * U**3, slope=S * U),
    "student_t": Nonlinearity(
        u=3 / (3 + S**2), slope_of_u=-sp.Rational(2, 3) * S * U**2, slope=sp.Rational(4, 3) * S * U
    ),
}
"""smgen's nonlinearities that can be f, by name: even, smooth, and growing no faster than |s|."""

ORDERS: Final = 5
"""The derivatives of f that are needed: the slope of the contrast's slope has f to the fifth."""

BLOCK: Final = 1 << 14
"""Numbers of a block of sources: the dozen arrays of that size that are made of it stay in cache."""

RIDGE: Final = 1e-9
"""Added to A, whose diagonal is about 1: a source with two values only leaves A singular."""


Derivatives = Callable[[Array], tuple[Array, ...]]


@cache
def derivatives(nonlinearity: str) -> tuple[Derivatives, Derivatives]:
    """Two functions of s: one returns f′, f″ and f‴, the other all up to the fifth derivative.

    Raises `BuildError` for an unknown nonlinearity.
    """
    if nonlinearity not in NONLINEARITIES:
        what = f"nonlinearity: {shortened(nonlinearity)} is unknown{did_you_mean(str(nonlinearity), NONLINEARITIES)}"
        raise BuildError(what=what, hint=f"one of {', '.join(NONLINEARITIES)}")
    chosen = NONLINEARITIES[nonlinearity]
    products = create_expand_pow_optimization(9)  # NumPy's x**3 takes dozens of times as long as x*x*x
    polynomials = [products(sp.horner(expression, U)) for expression in chosen.derivatives(ORDERS)]
    base = sp.lambdify(S, chosen.u, "numpy")
    first_three, all_five = (sp.lambdify((S, U), polynomials[:count], "numpy", cse=True) for count in (3, ORDERS))
    return (lambda s: first_three(s, base(s))), (lambda s: all_five(s, base(s)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The energies of n sources: `weights` are α, δ, β of each, (n, 3), `centre` is E[B], (n, 3), `loss` J of each."""

    weights: Array
    centre: Array
    loss: Array

    @property
    def experts(self) -> Array:
        """α, δ, β and γ of each source, (n, 4)."""
        gamma = -(self.weights * self.centre).sum(axis=1, keepdims=True)
        return np.hstack([self.weights, gamma])


@dataclass(frozen=True, slots=True)
class Sources:
    """Whitened samples `z`, (D, N) of mean 0 and covariance 1, and the nonlinearity of the sources' energies."""

    z: Array
    nonlinearity: str

    def fit(self, rotation: Array) -> Fitted:
        """The best energies of the sources s = W z, (D, N), W a rotation (D, D)."""
        count = self.z.shape[1]
        first_three, _ = derivatives(self.nonlinearity)
        means, products = np.zeros((4, len(rotation))), np.zeros((5, len(rotation)))
        for block in self._blocks():
            s = rotation @ block
            slope, second, third = first_three(s)
            for total, values in zip(means, (slope, second, s, third), strict=True):
                total += values.sum(axis=1)
            pairs = (slope, slope), (slope, second), (slope, s), (second, second), (second, s)
            for total, (a, b) in zip(products, pairs, strict=True):
                total += np.einsum("dn,dn->d", a, b)
        means, products = means / count, products / count
        centre = means[:3].T
        aa, ab, as_, bb, bs = products
        one = np.ones_like(aa)
        second_moments = np.array([[aa, ab, as_], [ab, bb, bs], [as_, bs, one]]).transpose(2, 0, 1)
        covariance = second_moments - centre[:, :, None] * centre[:, None, :] + RIDGE * np.eye(3)
        slopes = np.stack([means[1], means[3], one], axis=1)
        weights = np.linalg.solve(covariance, slopes[:, :, None])[:, :, 0]
        return Fitted(weights=weights, centre=centre, loss=-0.5 * (slopes * weights).sum(axis=1))

    def slopes(self, rotation: Array, fitted: Fitted) -> tuple[Array, Array]:
        """How J changes when W becomes exp(A) W, A antisymmetric: its slopes by A (D, D), and curvatures (D, D).

        The energies stay at their best, so that only the sources move: with h = ½ ψ² − ψ′, the slopes are R − Rᵀ,
        R = E[h′(s) sᵀ]. The curvature along A_ij alone is taken at independent sources, where it is c_i + c_j,
        c = E[h″(s)] − E[h′(s) s] (as Ablin, Cardoso and Gramfort 2018 do for the likelihood).
        """
        count, size = self.z.shape[1], len(rotation)
        _, all_five = derivatives(self.nonlinearity)
        (alpha, delta, beta), gamma = (fitted.weights.T[:, :, None]), fitted.experts[:, 3:]
        products, curvature = np.zeros((size, size)), np.zeros(size)
        for block in self._blocks():
            s = rotation @ block
            first, second, third, fourth, fifth = all_five(s)
            psi = alpha * first + delta * second + beta * s + gamma
            psi_1 = alpha * second + delta * third + beta
            psi_2 = alpha * third + delta * fourth
            psi_3 = alpha * fourth + delta * fifth
            products += (psi * psi_1 - psi_2) @ s.T
            curvature += (psi_1 * psi_1 + psi * psi_2 - psi_3).sum(axis=1)
        products, curvature = products / count, curvature / count
        curvature -= np.diag(products)
        return products - products.T, curvature[:, None] + curvature[None, :]

    def _blocks(self) -> Iterator[Array]:
        """The samples, so many at a time that what is computed of them stays in cache."""
        size, count = self.z.shape
        step = max(1, BLOCK // size)
        for start in range(0, count, step):
            yield self.z[:, start : start + step]
