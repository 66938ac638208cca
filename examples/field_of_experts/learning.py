"""Score matching on noisy patches, each given the frame around it.

Noise is what makes this well posed. A photograph has grey levels that are multiples of 1/255 and areas of one value:
its density has atoms, where the loss at λ = 0 is unbounded below. With Gaussian noise on it the density is smooth, and
its score is what denoising needs (Vincent 2011). λ (Kingma and LeCun 2010) penalises curvature, which tames atoms too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from examples.field_of_experts.model import WEIGHT, Field
from examples.field_of_experts.nets import FILTERS, MARGIN, SIDE, patch_module
from smgen.demo.arrays import Array, Batch, Floats, Params
from smgen.demo.optimise import Training, adam
from smgen.demo.patches import sample, without_mean
from smgen.demo.whitening import Axes


@dataclass(frozen=True)
class Part:
    """What one field learns from: `patches` of `side` × `side` pixels and their frames, with `noise` on them."""

    noise: float
    side: int
    patches: int
    training: Training


@dataclass(frozen=True)
class Coordinates:
    """Filters as w = C B: C (M, SIDE² − 1) is learned, B holds the principal axes of noisy windows without their mean.

    So every filter sums to 0 and the energy does not see brightness. `spread` is the standard deviation along each
    axis: a step in inverse proportion to it changes the responses alike in all directions.
    """

    basis: Batch
    spread: Array

    @classmethod
    def fit(cls, images: list[Array], noise: float, rng: np.random.Generator) -> Coordinates:
        """The axes of windows of the images in units of the noise, with unit noise on them."""
        windows = without_mean(sample(images, 50_000, SIDE, rng) / noise)[0]
        axes = Axes.fit(windows + without_mean(rng.standard_normal(windows.shape))[0])
        return cls(axes.directions.T.astype(np.float32), np.sqrt(axes.variances))

    def start(self, rng: np.random.Generator) -> Batch:
        """Random C that respond to every direction alike, with responses around 1, where the experts bend."""
        white = rng.standard_normal((FILTERS, len(self.spread)))
        return np.asarray(1.4 * white / np.linalg.norm(white, axis=1, keepdims=True) / self.spread, dtype=np.float32)

    def filters(self, params: Params) -> Params:
        """Parameters with C as the module takes them, with w of shape (M, 1, SIDE, SIDE)."""
        return {**params, WEIGHT: (params[WEIGHT] @ self.basis).reshape(-1, 1, SIDE, SIDE)}

    def gradient(self, gradient: Params) -> Params:
        """∂J/∂C = ∂J/∂w Bᵀ."""
        return {**gradient, WEIGHT: gradient[WEIGHT].reshape(-1, SIDE * SIDE) @ self.basis.T}


def framed(patches: Floats) -> tuple[Batch, Batch]:
    """Patches (N, S, S) as the module takes them: the pixels inside (N, side²), and the frame, with zeros inside."""
    middle = np.s_[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    frame = patches[:, None].astype(np.float32)
    inside = frame[:, 0][middle].reshape(len(patches), -1)
    frame[:, 0][middle] = 0
    return inside, frame


def learn(
    part: Part, images: list[Array], folder: Path, seed: int, tick: Callable[[], None] = lambda: None
) -> tuple[Field, float]:
    """The field of the images with noise, and J per pixel of new noisy patches of them at λ = 0."""
    rng = np.random.default_rng([seed, round(1e6 * part.noise)])
    module = patch_module(folder, part.side, part.training.batch)
    coordinates = Coordinates.fit(images, part.noise, rng)
    start = {**module.init_params(seed), WEIGHT: coordinates.start(rng)}
    scales: dict[str, Floats] = {WEIGHT: (1 / coordinates.spread).astype(np.float32)}
    batches = _batches(part, images, rng)
    learned = adam(_of(module, coordinates), start, batches, part.training, scales=scales, tick=tick)
    field = Field(coordinates.filters(learned), part.noise, folder)
    return field, loss(field, part, images, rng)


def loss(field: Field, part: Part, images: list[Array], rng: np.random.Generator) -> float:
    """J per pixel of noisy patches of the images, λ = 0."""
    module = patch_module(field.folder, part.side, part.training.batch)
    count = min(part.patches, 1024)
    noisy = _patches(part, images, count, rng)
    noisy += rng.standard_normal(noisy.shape, dtype=np.float32)
    inside, frame = framed(noisy)
    return float(module.loss(field.params, inside, 0.0, frame=frame)) / part.side**2


def foreseen(loss_of_a_pixel: float, noise: float) -> float:
    """PSNR of the posterior mean in dB, from J alone: E(x̂ − x)² = noise² (1 + 2 J/D) (Stein 1981)."""
    return float(-10 * np.log10(noise**2 * (1 + 2 * loss_of_a_pixel)))


def _patches(part: Part, images: list[Array], count: int, rng: np.random.Generator) -> Batch:
    whole = part.side + 2 * MARGIN
    return np.asarray(sample(images, count, whole, rng) / part.noise, dtype=np.float32).reshape(count, whole, whole)


def _batches(part: Part, images: list[Array], rng: np.random.Generator) -> Iterator[Batch]:
    """The patches, over and over, with new noise each time."""
    clean, size = _patches(part, images, part.patches, rng), part.training.batch
    while True:
        for start in range(0, part.patches - size + 1, size):
            batch = clean[start : start + size]
            yield batch + rng.standard_normal(batch.shape, dtype=np.float32)


def _of(module: ModuleType, coordinates: Coordinates) -> ModuleType:
    """The module for `adam`, which knows nothing of frames or coordinates."""

    def loss_and_grad(params: Params, patches: Batch, lam: float) -> tuple[float, Params]:
        inside, frame = framed(patches)
        value, gradient = module.loss_and_grad(coordinates.filters(params), inside, lam, frame=frame)
        return value, coordinates.gradient(gradient)

    adapted = ModuleType(module.__name__)
    adapted.__dict__["loss_and_grad"] = loss_and_grad
    return adapted
