"""The stages of the demonstration, each from what it needs to what it measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from smgen.demo import baselines, denoising, filters
from smgen.demo.arrays import Array
from smgen.demo.denoising import Denoiser
from smgen.demo.filters import Learned
from smgen.demo.images import HELD_OUT, TRAINING, noisy, photograph
from smgen.demo.patches import sample
from smgen.demo.pictures import draw_denoised, draw_filters
from smgen.demo.plan import Part
from smgen.demo.results import DenoiserNumbers, FilterNumbers, ImageNumbers, Method

NETS: Final = Path(__file__).resolve().parent / "nets"
SIGMA = 25 / 255
WINDOW = (slice(30, 286), slice(110, 366))  # the part of the first held-out photograph that is drawn


@dataclass(frozen=True)
class Photographs:
    """Those to learn from, and those to judge by."""

    training: list[Array]
    held_out: list[Array]

    @classmethod
    def read(cls) -> Photographs:
        """From scikit-image's package."""
        return cls([photograph(name) for name in TRAINING], [photograph(name) for name in HELD_OUT])


def learn_filters(
    part: Part, photographs: Photographs, seed: int, console: Console | None
) -> tuple[Learned, FilterNumbers]:
    """Learn one set of filters and measure it."""
    began = time.perf_counter()
    net = NETS / f"{part.net}.py"
    learned = filters.learn(net, part, photographs.training, photographs.held_out, seed, console)
    overlaps = filters.overlaps(learned.weights)
    _, oriented = filters.orientation(learned.features, part.size)
    units, inputs = learned.weights.shape
    return learned, FilterNumbers(
        patch=part.size,
        inputs=inputs,
        filters=units,
        loss_before=learned.loss_before,
        loss_after=learned.loss_after,
        largest_overlap=float(overlaps.max()),
        overlaps_above_half=int((overlaps > 0.5).sum()),
        pairs=overlaps.size,
        oriented=float((oriented > 0.5).mean()),
        seconds=time.perf_counter() - began,
    )


def learn_denoiser(
    part: Part, photographs: Photographs, seed: int, console: Console | None
) -> tuple[Denoiser, DenoiserNumbers]:
    """Learn the denoiser and measure it on single patches of held-out photographs."""
    began = time.perf_counter()
    net = NETS / f"{part.net}.py"
    denoiser, start = denoising.learn(net, part, photographs.training, SIGMA, seed, console)
    rng = np.random.default_rng([seed, 1])
    clean = sample(photographs.held_out, 20_000, part.size, rng)
    seen = noisy(clean, SIGMA, rng)
    return denoiser, DenoiserNumbers(
        patch=part.size,
        filters=len(denoiser.model.params[filters.WEIGHT]),
        sigma=SIGMA,
        loss_before=denoiser.loss(seen, start),
        loss_after=denoiser.loss(seen),
        psnr_foreseen=float(-10 * np.log10(denoiser.foreseen(seen))),
        psnr_of_patches=baselines.psnr(clean, denoiser.patches(seen)),
        seconds=time.perf_counter() - began,
    )


def compare_denoisers(
    denoiser: Denoiser, photographs: Photographs, seed: int
) -> tuple[tuple[ImageNumbers, ...], list[tuple[str, Array]]]:
    """Ours and scikit-image's on the held-out photographs, and the panels of the picture for the first of them."""
    numbers, panels = [], list[tuple[str, Array]]()
    for n, (name, clean) in enumerate(zip(HELD_OUT, photographs.held_out, strict=True)):
        methods, images = _compare(clean, denoiser, np.random.default_rng([seed, n]))
        numbers.append(ImageNumbers(name, methods))
        if n == 0:
            titles = [f"{m.name}: {m.psnr:.2f} dB, SSIM {m.ssim:.3f}" for m in methods]
            panels = [(f"{name}, not learned from", clean), *zip(titles, images, strict=True)]
    return tuple(numbers), panels


def _compare(clean: Array, denoiser: Denoiser, rng: np.random.Generator) -> tuple[tuple[Method, ...], list[Array]]:
    sigma = denoiser.sigma
    seen = noisy(clean, sigma, rng)
    contestants: dict[str, Callable[[], tuple[Array, str]]] = {
        "smgen": lambda: (denoiser.image(seen), f"trained for σ = {sigma:.4f}"),
        "total variation": lambda: baselines.total_variation(clean, seen),
        "wavelets, BayesShrink": lambda: baselines.wavelet(clean, seen, sigma),
        "non-local means": lambda: baselines.nonlocal_means(clean, seen, sigma),
    }
    methods, images = [Method("noisy", baselines.psnr(clean, seen), baselines.ssim(clean, seen))], [seen]
    for name, denoise in contestants.items():
        image, setting = denoise()
        methods.append(Method(name, baselines.psnr(clean, image), baselines.ssim(clean, image), setting))
        images.append(image)
    return tuple(methods), images


def draw(out_dir: Path, learned: Learned, panels: list[tuple[str, Array]]) -> tuple[Path, ...]:
    """Both pictures; their paths."""
    paths = out_dir / "filters.png", out_dir / "denoised.png"
    draw_filters(paths[0], *filters.arranged(learned), learned.size)
    draw_denoised(paths[1], panels, WINDOW)
    return paths
