"""What is done with the prior: denoising and enlarging, and its two numbers, which training photographs choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from examples.field_of_experts.baselines import back_projected
from examples.field_of_experts.model import Field
from examples.field_of_experts.plan import SIGMA, Plan
from examples.field_of_experts.posterior import NOISY, SMALL, cropped, halved, mirrored, most_probable
from smgen.demo.arrays import Array
from smgen.demo.baselines import psnr
from smgen.demo.images import noisy


@dataclass(frozen=True)
class Choice:
    """The weight w of the prior in denoising, the width s of the data term in enlarging, and the PSNR of all tried."""

    weight: float
    width: float
    psnr_of_weights: dict[str, float]
    psnr_of_widths: dict[str, float]


def denoised(prior: Field, y: Array, weight: float, steps: int) -> Array:
    """The least of w E(x) + ‖x − y‖²/2σ² for noisy images y (N, height, width), clipped to [0, 1]."""
    start = mirrored(y)
    bound = weight * prior.curvature()
    x = most_probable(NOISY, y, SIGMA, lambda image: weight * prior.score(image), bound, start, steps)
    return np.clip(cropped(x), 0, 1)


def enlarged(prior: Field, y: Array, width: float, steps: int) -> Array:
    """The least of E(x) + ‖A x − y‖²/2s², A the mean of 2 × 2 pixels, for small images y; clipped to [0, 1]."""
    start = mirrored(back_projected(y))
    return np.clip(cropped(most_probable(SMALL, y, width, prior.score, prior.curvature(), start, steps)), 0, 1)


def choose(prior: Field, images: list[Array], plan: Plan, seed: int, tick: Callable[[], None]) -> Choice:
    """The candidates of the least squared error on crops of `images`, which are those learned from."""
    rng = np.random.default_rng([seed, 1])
    clean = crops(images, plan.crops, plan.crop, rng)
    seen, small = noisy(clean, SIGMA, rng), halved(clean)
    weights, widths = dict[float, float](), dict[float, float]()
    for weight in plan.weights:
        weights[weight] = psnr(clean, denoised(prior, seen, weight, plan.steps_denoising))
        tick()
    for width in plan.widths:
        widths[width] = psnr(clean, enlarged(prior, small, width, plan.steps_enlarging))
        tick()
    return Choice(
        weight=max(weights, key=weights.__getitem__),
        width=max(widths, key=widths.__getitem__),
        psnr_of_weights={f"{weight:g}": value for weight, value in weights.items()},
        psnr_of_widths={f"{255 * width:g}/255": value for width, value in widths.items()},
    )


def crops(images: list[Array], count: int, side: int, rng: np.random.Generator) -> Array:
    """`count` squares at random places, one image after the other, (count, side, side)."""
    chosen = []
    for n in range(count):
        image = images[n % len(images)]
        top, left = rng.integers(image.shape[0] - side + 1), rng.integers(image.shape[1] - side + 1)
        chosen.append(image[top : top + side, left : left + side])
    return np.stack(chosen)
