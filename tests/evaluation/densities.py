"""Densities whose normalisers, scores and samples are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smgen.density import Density

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A density, its log Z, and draws of it."""

    density: Density
    log_z: float
    draw: Callable[[int, np.random.Generator], Array]


def gaussian(dimension: int, seed: int = 0, *, shift: float = 3.0, dtype: type = np.float64) -> Known:
    """E = ½ (x − μ)ᵀ Σ⁻¹ (x − μ) + shift, with a random μ and Σ."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(dimension, dimension)) / np.sqrt(dimension)
    covariance = root @ root.T + 0.1 * np.eye(dimension)
    mean, precision = rng.normal(size=dimension), np.linalg.inv(covariance)

    def energy(x: Array) -> Array:
        return np.asarray((((x - mean) @ precision) * (x - mean)).sum(axis=1) / 2 + shift).astype(x.dtype)

    def draw(count: int, random: np.random.Generator) -> Array:
        return random.multivariate_normal(mean, covariance, count)

    density = Density(
        dimension=dimension, energy=energy, score=lambda x: -((x - mean) @ precision).astype(x.dtype), dtype=dtype
    )
    log_z = dimension / 2 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] / 2 - shift
    return Known(density=density, log_z=float(log_z), draw=draw)


def mixture(dimension: int, *, distance: float = 4.0, width: float = 0.5) -> Known:
    """exp(−E) = N(x; 0, I) + 2 N(x; c, width² I), c = distance in each coordinate over √D: log Z = log 3."""
    centres = np.stack([np.zeros(dimension), np.full(dimension, distance / np.sqrt(dimension))])
    widths, weights = np.array([1.0, width]), np.array([1.0, 2.0])

    def logs(x: Array) -> Array:
        squares = ((x[:, None] - centres) ** 2).sum(axis=2)
        return np.asarray(np.log(weights) - squares / (2 * widths**2) - dimension * np.log(np.sqrt(2 * np.pi) * widths))

    def energy(x: Array) -> Array:
        return np.asarray(-np.logaddexp(*logs(x).T))

    def score(x: Array) -> Array:
        parts = np.exp(logs(x) + energy(x)[:, None]) / widths**2
        return np.asarray(parts @ centres - parts.sum(axis=1, keepdims=True) * x)

    def draw(count: int, random: np.random.Generator) -> Array:
        which = (random.random(count) < 2 / 3).astype(int)
        return np.asarray(centres[which] + widths[which, None] * random.normal(size=(count, dimension)))

    density = Density(dimension=dimension, energy=energy, score=score)
    return Known(density=density, log_z=float(np.log(3)), draw=draw)


def of_energy(dimension: int, energy: Callable[[Array], Array]) -> Density:
    """A density of which only the energy is used."""
    return Density(dimension=dimension, energy=energy, score=lambda x: np.full(x.shape, np.nan))
