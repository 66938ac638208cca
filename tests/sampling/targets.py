"""Densities with known moments, and the errors of means over independent chains."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.density import Array, Density

Floats = npt.NDArray[np.float64]

SIGMAS = 5.0
"""How many standard errors a mean may be off."""


def gaussian(covariance: Any, mean: Any = 0.0, dtype: Any = np.float64) -> Density:
    """N(mean, covariance)."""
    precision = np.linalg.inv(np.atleast_2d(covariance)).astype(dtype)
    mean = np.asarray(mean, dtype)

    def energy(x: Array) -> Array:
        return np.asarray(0.5 * np.einsum("nd,nd->n", (x - mean) @ precision, x - mean))

    return Density(
        dimension=len(precision), energy=energy, score=lambda x: np.asarray((mean - x) @ precision), dtype=dtype
    )


def correlated() -> Floats:
    """A covariance of five coordinates with scales from 0.05 to 3."""
    factor = np.random.default_rng(3).normal(size=(5, 5))
    covariance = factor @ factor.T + 0.3 * np.eye(5)
    scale = np.array([0.05, 0.3, 1.0, 3.0, 0.7]) / np.sqrt(np.diag(covariance))
    return np.asarray(covariance * scale[:, None] * scale)


def mixture(means: Any, weights: Any, deviation: float) -> Density:
    """Σ_k w_k N(m_k, s²)."""
    m, log_w = np.asarray(means, float), np.log(np.asarray(weights, float))
    variance, dimension = deviation**2, m.shape[1]

    def fused(x: Array) -> tuple[Array, Array]:
        logs = log_w - 0.5 * ((x[:, None] - m) ** 2).sum(-1) / variance
        top = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - top)
        total = shares.sum(axis=1, keepdims=True)
        normaliser = 0.5 * dimension * math.log(variance)
        return -(top + np.log(total))[:, 0] + normaliser, (shares / total @ m - x) / variance

    return Density(dimension=dimension, energy=lambda x: fused(x)[0], score=lambda x: fused(x)[1], fused=fused)


def banana(bend: float = 0.4, width: float = 0.5) -> Density:
    """x₁ ~ N(0, 1), x₂ = b x₁² + N(0, w²): E x₂ = b, E x₂² = 3 b² + w², E x₁² x₂ = 3 b.

    Its curvature grows as x₁², so that steps that suit the middle are too long far out, where chains then stick: with
    b = 1, means over 10⁵ draws are off by more than their spread over 64 chains tells. With b = 0.4 they are not.
    """

    def energy(x: Array) -> Array:
        return np.asarray(0.5 * x[:, 0] ** 2 + 0.5 * (x[:, 1] - bend * x[:, 0] ** 2) ** 2 / width**2)

    def score(x: Array) -> Array:
        off = (x[:, 1] - bend * x[:, 0] ** 2) / width**2
        return np.stack([-x[:, 0] + 2 * bend * x[:, 0] * off, -off], axis=1)

    return Density(dimension=2, energy=energy, score=score)


def exponential(rate: float, dimension: int = 1) -> Density:
    """exp(−rate Σ x), for x within bounds."""
    return Density(
        dimension=dimension,
        energy=lambda x: rate * x.sum(axis=1),
        score=lambda x: np.full_like(x, -rate),
    )


def exponential_mean(rate: float, high: float) -> float:
    """The mean of exp(−rate x) on [0, high]: 1/r − h/(e^{rh} − 1)."""
    return 1 / rate - high / math.expm1(rate * high)


def normal_mean(low: float, high: float) -> float:
    """The mean of N(0, 1) on [low, high]: (φ(a) − φ(b)) / (Φ(b) − Φ(a))."""
    bell: Callable[[float], float] = lambda t: math.exp(-t * t / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    mass = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
    return (bell(low) - bell(high)) / mass


def off(chains: Array, expected: Any, function: Callable[[Floats], Any] = lambda x: x) -> Any:
    """How many standard errors the means of function(x), x (chains, draws, D), are off.

    The chains are independent, so the spread of their means gives the error of the mean, whatever the autocorrelation.
    """
    means = np.asarray(function(chains.astype(np.float64))).mean(axis=1)
    error = means.std(axis=0, ddof=1) / math.sqrt(len(means))
    return np.max(np.abs(means.mean(axis=0) - expected) / error)
