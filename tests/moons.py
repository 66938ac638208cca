"""Two moons: two half circles of radius 1 with Gaussian noise, whose density and score are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NOISE = 0.1
NET = """import smgen as sm

x = sm.input(2)
h = sm.softplus(sm.linear(x, 128))
h = sm.softplus(sm.linear(h, 128))
network = sm.Network(energy=sm.linear(h, 1))
"""


def arcs(angles: Array) -> tuple[Array, Array]:
    """Points of both half circles at these angles."""
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return upper, np.array([1.0, 0.5]) - upper


def samples(count: int, seed: int) -> Array:
    """Samples (count, 2), float64."""
    rng = np.random.default_rng(seed)
    upper, lower = arcs(np.pi * rng.random(count))
    clean = np.where(rng.random((count, 1)) < 0.5, upper, lower)
    return clean + NOISE * rng.standard_normal((count, 2))


def score(x: Array, points: int = 2000) -> Array:
    """The gradient of log p at x (N, 2), by the midpoint rule along the arcs."""
    centres = np.concatenate(arcs(np.pi * (np.arange(points) + 0.5) / points))
    gradient = np.empty_like(x)
    for start in range(0, len(x), 500):
        apart = x[start : start + 500, None] - centres
        exponent = -(apart**2).sum(axis=2) / (2 * NOISE**2)
        weights = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        gradient[start : start + 500] = -(weights[..., None] * apart).sum(axis=1) / NOISE**2
    return gradient
