"""The most probable image given what was observed of it, y = A x + noise: the least of w E(x) + ‖A x − y‖²/2s².

Both matrices A here satisfy A Aᵀ = c I, so the data term has a proximal map in closed form. The images are larger than
what is observed by a margin on each side that A cuts off: a pixel at the border has as many experts as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from examples.field_of_experts.nets import MARGIN
from smgen.demo.arrays import Array


@dataclass(frozen=True)
class Observation:
    """y = A x + noise, the noise of standard deviation s. `forward` is A, `adjoint` Aᵀ, `gram` the c of A Aᵀ = c I."""

    forward: Callable[[Array], Array]
    adjoint: Callable[[Array], Array]
    gram: float

    def gradient(self, x: Array, y: Array, s: float) -> Array:
        """Of the data term: Aᵀ(A x − y)/s²."""
        return self.adjoint(self.forward(x) - y) / s**2

    def proximal(self, v: Array, y: Array, s: float, step: float) -> Array:
        """The x with the least ‖x − v‖²/2 + step ‖A x − y‖²/2s²: v − r/(1 + c r) Aᵀ(A v − y), r = step/s²."""
        r = step / s**2
        return np.asarray(v - r / (1 + self.gram * r) * self.adjoint(self.forward(v) - y))


def cropped(images: Array) -> Array:
    """Images without their margins."""
    return images[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def margined(images: Array) -> Array:
    """The adjoint of `cropped`: zeros around."""
    return np.pad(images, [(0, 0)] * (images.ndim - 2) + [(MARGIN, MARGIN)] * 2)


def mirrored(images: Array) -> Array:
    """Images with a margin to start from."""
    return np.pad(images, [(0, 0)] * (images.ndim - 2) + [(MARGIN, MARGIN)] * 2, mode="reflect")


def halved(images: Array) -> Array:
    """The means of blocks of 2 × 2 pixels."""
    *count, height, width = images.shape
    return np.asarray(images.reshape(*count, height // 2, 2, width // 2, 2).mean(axis=(-3, -1)))


def quartered(small: Array) -> Array:
    """The adjoint of `halved`: a quarter of each pixel in each pixel of its block."""
    return np.repeat(np.repeat(small, 2, axis=-2), 2, axis=-1) / 4


NOISY = Observation(cropped, margined, 1.0)
SMALL = Observation(lambda x: halved(cropped(x)), lambda y: margined(quartered(y)), 0.25)
SMALL_WITHOUT_MARGIN = Observation(halved, quartered, 0.25)


def most_probable(
    observation: Observation,
    y: Array,
    s: float,
    score: Callable[[Array], Array],
    curvature: float,
    start: Array,
    steps: int,
) -> Array:
    """Accelerated proximal gradient steps (Beck and Teboulle 2009) on an energy with −∇E = `score`.

    The step is 1/`curvature`, a bound on E's Hessian. Momentum starts anew where it points uphill (O'Donoghue and
    Candès 2015). E of the field is not convex: this finds the minimum that it descends into from `start`.
    """
    x, ahead, t = start, start, 1.0
    for _ in range(steps):
        new = observation.proximal(ahead + score(ahead) / curvature, y, s, 1 / curvature)
        if np.sum((ahead - new) * (new - x)) > 0:
            t = 1.0
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = new + (t - 1) / following * (new - x)
        x, t = new, following
    return x
