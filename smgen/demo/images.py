"""The photographs: those that scikit-image carries in its wheel, so nothing is downloaded."""

from __future__ import annotations

from typing import Final

import numpy as np
from skimage import color, data

from smgen.demo.arrays import Array

TRAINING: Final = ("astronaut", "chelsea", "coffee", "rocket", "grass", "gravel", "moon", "motorcycle")
HELD_OUT: Final = ("camera", "coins")


def photograph(name: str) -> Array:
    """One photograph in grey, (height, width), values in [0, 1]."""
    loaded = getattr(data, "stereo_motorcycle" if name == "motorcycle" else name)()
    image = np.asarray(loaded[0] if name == "motorcycle" else loaded)  # the left view of a stereo pair
    grey = color.rgb2gray(image) if image.ndim == 3 else image / 255.0
    return np.asarray(grey, dtype=np.float64)


def noisy(image: Array, sigma: float, rng: np.random.Generator) -> Array:
    """The image plus white Gaussian noise, not clipped: clipping would make the noise other than Gaussian."""
    return image + sigma * rng.standard_normal(image.shape)
