"""The density that is to be learned: four equal Gaussians at the corners of a square. Its score is known."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import logsumexp, softmax

from smgen.demo.arrays import Array, Batch, Floats

CENTRES: Final[Array] = np.array([[-1.5, -1.5], [-1.5, 1.5], [1.5, -1.5], [1.5, 1.5]])
SIGMA: Final = 0.5


def sample(count: int, rng: np.random.Generator) -> Batch:
    """(count, 2) points of the mixture, in the modules' float32."""
    corners = CENTRES[rng.integers(len(CENTRES), size=count)]
    return (corners + SIGMA * rng.standard_normal((count, 2))).astype(np.float32)


def log_density(x: Floats) -> Array:
    """The logarithm of p(x) = ¼ Σ_k exp(−‖x − c_k‖²/2σ²) / 2πσ², of shape (N,)."""
    return np.asarray(logsumexp(_exponents(x), axis=1) - np.log(len(CENTRES) * 2 * np.pi * SIGMA**2))


def score(x: Floats) -> Array:
    """∇ log p(x) = Σ_k r_k(x) (c_k − x) / σ², of shape (N, 2); r_k is the share of corner k in p at x."""
    shares: Array = softmax(_exponents(x), axis=1)
    return np.asarray((shares @ CENTRES - x) / SIGMA**2)


def divergence(learned: Floats, x: Floats) -> float:
    """The Fisher divergence F = ½ E‖s − ∇ log p‖² of scores s `learned`, (N, 2), at points x of the mixture."""
    difference = learned - score(x)
    return float(0.5 * np.mean(np.sum(difference**2, axis=1)))


def unlearned(x: Floats) -> float:
    """½ E‖∇ log p‖²: the divergence of a score that is 0 everywhere."""
    return divergence(np.zeros_like(x), x)


def _exponents(x: Floats) -> Array:
    return np.asarray(-np.sum((x[:, None] - CENTRES) ** 2, axis=2) / (2 * SIGMA**2))
