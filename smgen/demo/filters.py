"""First part: filters of whitened photographs by regularised score matching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from smgen.demo.arrays import Array, Batch, Floats
from smgen.demo.optimise import Training, adam, unit_rows
from smgen.demo.patches import dequantised, sample, without_mean
from smgen.demo.whitening import Axes

WEIGHT, STRENGTH = "filters.weight", "strength.gain"


@dataclass(frozen=True)
class Patches:
    """Whitened patches of one size: to learn from, and of photographs that are not learned from."""

    size: int
    axes: Axes
    training: Batch
    held_out: Batch


@dataclass(frozen=True, kw_only=True)
class Learned:
    """Filters: unit rows `weights` (M, D) on whitened patches, their `strength` α (M,), J on held-out patches."""

    patches: Patches
    weights: Floats
    strength: Floats
    loss_before: float
    loss_after: float


def prepare(training: list[Array], held_out: list[Array], size: int, count: int, rng: np.random.Generator) -> Patches:
    """Dequantised, mean-free, whitened patches; the axes are those of the training patches for both."""

    def draw(images: list[Array], number: int) -> Array:
        return without_mean(dequantised(sample(images, number, size, rng), rng))[0]

    learn = draw(training, count)
    axes = Axes.fit(learn)
    return Patches(size, axes, axes.whiten(learn), axes.whiten(draw(held_out, 10_000)))


def learn(
    module: ModuleType, patches: Patches, training: Training, seed: int, tick: Callable[[], None] = lambda: None
) -> Learned:
    """Minimise J of nets/ica.py with ‖w_j‖ = 1.

    Without that constraint the energy sharpens some filters without bound, for photographs have many flat patches, and
    lets the others die (a filter of length 0 has no gradient). λ tames the same peak; J is reported at λ = 0.
    """
    start = module.init_params(seed)
    start[WEIGHT] = unit_rows(start[WEIGHT])
    end = adam(module, start, _batches(patches.training, training.batch), training, spherical=WEIGHT, tick=tick)
    before, after = (float(module.loss(params, patches.held_out)) for params in (start, end))
    return Learned(patches=patches, weights=end[WEIGHT], strength=end[STRENGTH], loss_before=before, loss_after=after)


def _batches(patches: Batch, size: int) -> Iterator[Batch]:
    """The patches, `size` at a time, over and over."""
    while True:
        for start in range(0, len(patches) - size + 1, size):
            yield patches[start : start + size]


def overlaps(weights: Floats) -> Array:
    """|w_i·w_j| of all pairs i < j of unit vectors."""
    products = np.abs(weights @ weights.T)
    return np.asarray(products[np.triu_indices(len(weights), 1)])


def orientation(features: Array, size: int) -> tuple[Array, Array]:
    """Direction of the grating in each feature, in [0, π), and how oriented it is, 0 (not at all) to 1 (one direction).

    From the second moments of its power spectrum, T = Σ_f |F(f)|² f fᵀ / Σ_f |F(f)|²: the direction is the leading
    eigenvector's, the measure (λ₁ − λ₂)/(λ₁ + λ₂). `features` are (M, size²).
    """
    padded = 4 * size
    power = np.abs(np.fft.fft2(features.reshape(-1, size, size), (padded, padded))) ** 2
    f = np.fft.fftfreq(padded)
    vertical, horizontal = np.meshgrid(f, f, indexing="ij")
    xx, yy, xy = (np.sum(power * t, axis=(1, 2)) for t in (horizontal**2, vertical**2, horizontal * vertical))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) % np.pi
    return angle, np.hypot(xx - yy, 2 * xy) / (xx + yy)


def arranged(learned: Learned) -> tuple[Array, Array]:
    """The filters and the features as pixels, (M, P²): oriented ones by their direction, then the rest."""
    axes, size = learned.patches.axes, learned.patches.size
    features = axes.features(learned.weights)
    angle, oriented = orientation(features, size)
    order = np.lexsort((angle, oriented < 0.5))
    return axes.filters(learned.weights)[order], features[order]
