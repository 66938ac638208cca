"""scikit-image's denoisers, given every advantage.

They are told σ, and their settings are the best for the very image they are judged by. Ours has one setting for all
images; its network learned from others, but which energy and how long to train were chosen by looking at these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import skimage.metrics
import skimage.restoration

from smgen.demo.arrays import Array

Setting = TypeVar("Setting")

# scikit-image has types for some of its functions and not for others.
metrics: Any = skimage.metrics
restoration: Any = skimage.restoration


def psnr(clean: Array, image: Array) -> float:
    """Peak signal-to-noise ratio in dB, −10 log₁₀ of the mean squared error; the peak is 1."""
    return float(-10 * np.log10(np.mean((clean - image) ** 2)))


def ssim(clean: Array, image: Array) -> float:
    """Structural similarity (Wang et al. 2004), Gaussian windows."""
    return float(
        metrics.structural_similarity(clean, image, data_range=1.0, gaussian_weights=True, use_sample_covariance=False)
    )


def total_variation(clean: Array, noisy: Array) -> tuple[Array, str]:
    """Chambolle's total variation (2004); the weight that is best for this image, to 0.01."""
    weights = np.arange(0.04, 0.145, 0.01)
    image, weight = _best(clean, weights, lambda w: restoration.denoise_tv_chambolle(noisy, weight=w, max_num_iter=200))
    return image, f"weight {weight:.2f}, the best of {weights[0]:.2f} to {weights[-1]:.2f}"


def wavelet(clean: Array, noisy: Array, sigma: float) -> tuple[Array, str]:
    """BayesShrink (Chang et al. 2000), soft; averaged over 16 shifts, worth 1 dB; the wavelet best for this image."""

    def shrink(image: Array, name: str) -> Array:
        return np.asarray(
            restoration.denoise_wavelet(
                image, sigma=sigma, wavelet=name, mode="soft", method="BayesShrink", rescale_sigma=True
            )
        )

    def spun(name: str) -> Array:
        shifts = [(i, j) for i in range(4) for j in range(4)]
        back = (np.roll(shrink(np.roll(noisy, s, (0, 1)), name), (-s[0], -s[1]), (0, 1)) for s in shifts)
        return np.asarray(sum(back)) / len(shifts)

    image, name = _best(clean, ("haar", "db2", "sym4"), spun)
    return image, f"{name}, the best of haar, db2, sym4; 16 shifts"


def nonlocal_means(clean: Array, noisy: Array, sigma: float) -> tuple[Array, str]:
    """Non-local means (Buades et al. 2005) that knows σ; the best h/σ for this image, to 0.1."""
    factors = np.arange(0.5, 0.95, 0.1)

    def means(factor: float) -> Array:
        return np.asarray(
            restoration.denoise_nl_means(noisy, patch_size=5, patch_distance=6, h=factor * sigma, sigma=sigma)
        )

    image, factor = _best(clean, factors, means)
    return image, f"h = {factor:.1f} σ, the best of {factors[0]:.1f} to {factors[-1]:.1f}"


def _best(clean: Array, settings: Iterable[Setting], denoise: Callable[[Setting], Array]) -> tuple[Array, Setting]:
    """The outcome of highest PSNR, clipped to [0, 1], and its setting."""
    outcomes = [(np.clip(denoise(setting), 0, 1), setting) for setting in settings]
    return max(outcomes, key=lambda outcome: psnr(clean, outcome[0]))
