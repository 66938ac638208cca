"""What enlarging is compared with. Total variation has its setting tuned to the very photograph that judges it."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import skimage.transform

from examples.field_of_experts.posterior import SMALL_WITHOUT_MARGIN, halved, most_probable, quartered
from smgen.demo.arrays import Array
from smgen.demo.baselines import psnr

# scikit-image has types for some of its functions and not for others.
transform: Any = skimage.transform

EDGES: Final = (0.01, 0.03, 0.1, 0.3)
STEPS: Final = 100
EXACT: Final = 1e-6
"""The standard deviation of no noise."""


def repeated(small: Array) -> Array:
    """Every pixel four times."""
    return 4 * quartered(small)


def bicubic(small: Array) -> Array:
    """Images (N, height, width) enlarged twice by scikit-image's cubic splines."""
    height, width = small.shape[-2:]
    return np.stack([transform.resize(image, (2 * height, 2 * width), order=3) for image in small])


def back_projected(small: Array) -> Array:
    """The image nearest to the bicubic one whose 2 × 2 means are what was observed (Irani and Peleg 1991)."""
    x = bicubic(small)
    return np.asarray(x - repeated(halved(x) - small))


def total_variation(clean: Array, small: Array) -> tuple[Array, str]:
    """The least Σ √(‖∇x‖² + ε²) with the observed means, for the ε that is best for this image."""
    start, outcomes = back_projected(small[None])[0], []
    for edge in EDGES:
        x = most_probable(SMALL_WITHOUT_MARGIN, small, EXACT, partial(_flattening, edge=edge), 8 / edge, start, STEPS)
        outcomes.append((np.clip(x, 0, 1), edge))
    image, edge = max(outcomes, key=lambda outcome: psnr(clean, outcome[0]))
    return image, f"ε = {edge:g}, the best of {', '.join(f'{e:g}' for e in EDGES)}"


def _flattening(x: Array, edge: float) -> Array:
    """The divergence of ∇x/√(‖∇x‖² + ε²), minus the gradient of the total variation."""
    down, right = np.diff(x, axis=-2, append=x[..., -1:, :]), np.diff(x, axis=-1, append=x[..., -1:])
    length = np.sqrt(down**2 + right**2 + edge**2)
    down, right = down / length, right / length
    return np.diff(down, axis=-2, prepend=0) + np.diff(right, axis=-1, prepend=0)
