"""The field and what it is compared with, on photographs that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from examples.field_of_experts import baselines as enlarging
from examples.field_of_experts.model import Field
from examples.field_of_experts.plan import SIGMA, Plan
from examples.field_of_experts.posterior import halved
from examples.field_of_experts.restoring import Choice, denoised, enlarged
from smgen.demo import baselines as denoising
from smgen.demo.arrays import Array
from smgen.demo.baselines import psnr, ssim
from smgen.demo.images import noisy
from smgen.demo.results import ImageNumbers, Method

Contestants = Mapping[str, Callable[[], tuple[Array, str]]]
METHODS: Final = 11
"""That are ticked off on each photograph."""


@dataclass(frozen=True)
class Fields:
    """One that learned at the noise to be removed, and one that learned at a little noise."""

    denoiser: Field
    prior: Field


def denoise(
    name: str, clean: Array, fields: Fields, choice: Choice, plan: Plan, seed: int, tick: Callable[[], None]
) -> tuple[ImageNumbers, dict[str, Array]]:
    """All denoisers on one photograph (height, width) with the same noise: numbers and images."""
    seen = noisy(clean, SIGMA, np.random.default_rng([seed, 2]))
    prior, steps = fields.prior, plan.steps_denoising
    setting = f"w = {choice.weight:g}, chosen on training photographs"
    contestants: Contestants = {
        "noisy": lambda: (seen, ""),
        "field, posterior mean": lambda: (_mean(fields.denoiser, seen), "learned at this σ"),
        "field, most probable": lambda: (denoised(prior, seen[None], choice.weight, steps)[0], setting),
        "total variation": lambda: denoising.total_variation(clean, seen),
        "wavelets, BayesShrink": lambda: denoising.wavelet(clean, seen, SIGMA),
        "non-local means": lambda: denoising.nonlocal_means(clean, seen, SIGMA),
    }
    return _judged(name, clean, contestants, tick)


def enlarge(
    name: str, clean: Array, fields: Fields, choice: Choice, plan: Plan, tick: Callable[[], None]
) -> tuple[ImageNumbers, dict[str, Array]]:
    """All methods on the means of 2 × 2 pixels of one photograph of even size: numbers and images."""
    small = halved(clean)[None]
    setting = f"s = {255 * choice.width:g}/255, chosen on training photographs"
    contestants: Contestants = {
        "pixels repeated": lambda: (enlarging.repeated(small)[0], ""),
        "bicubic": lambda: (np.clip(enlarging.bicubic(small)[0], 0, 1), ""),
        "bicubic, then right means": lambda: (np.clip(enlarging.back_projected(small)[0], 0, 1), ""),
        "total variation": lambda: enlarging.total_variation(clean, small[0]),
        "field, most probable": lambda: (enlarged(fields.prior, small, choice.width, plan.steps_enlarging)[0], setting),
    }
    return _judged(name, clean, contestants, tick)


def _mean(denoiser: Field, seen: Array) -> Array:
    return np.asarray(np.clip(denoiser.posterior_mean(seen[None])[0], 0, 1))


def _judged(
    name: str, clean: Array, contestants: Contestants, tick: Callable[[], None]
) -> tuple[ImageNumbers, dict[str, Array]]:
    methods, images = [], {}
    for method, restore in contestants.items():
        image, setting = restore()
        methods.append(Method(method, psnr(clean, image), ssim(clean, image), setting))
        images[method] = image
        tick()
    return ImageNumbers(name, tuple(methods)), images
