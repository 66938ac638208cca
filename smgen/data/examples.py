"""Data to try smgen with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def two_moons(count: int, seed: int = 0, noise: float = 0.1) -> npt.NDArray[Any]:
    """Points on two half circles of radius 1, with Gaussian noise: (count, 2), float32."""
    rng = np.random.default_rng(seed)
    angles = np.pi * rng.random(count)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    clean = np.where(rng.random((count, 1)) < 0.5, upper, np.array([1.0, 0.5]) - upper)
    return (clean + noise * rng.standard_normal((count, 2))).astype(np.float32)
