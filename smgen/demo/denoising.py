"""Second part: a denoiser from the score of noisy patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from smgen.demo.arrays import Array, Batch, Params
from smgen.demo.optimise import Training, adam
from smgen.demo.patches import average_overlaps, sample, without_mean
from smgen.demo.whitening import Axes

WEIGHT = "filters.weight"


def tweedie(score: Callable[[Batch], Batch], noisy: Batch) -> Batch:
    """The posterior mean E[x | y] = y + ∇ log p(y) for y = x + noise of unit variance (Miyasawa 1961; Robbins 1956)."""
    return noisy + score(noisy)


@dataclass(frozen=True)
class Denoiser:
    """A module, its parameters and the coordinates they live in: u = Uᵀ(y − mean)/σ, so the noise on u is unit.

    U (P², P² − 1) has orthonormal columns: unlike whitening, it leaves the noise white and the error of u the error
    of the pixels, up to σ². The mean of a patch is kept as it is; its noise is only σ²/P².
    """

    module: ModuleType
    params: Params
    directions: Array
    sigma: float

    def __call__(self, patches: Array) -> Array:
        """Posterior means of noisy patches, (N, P²)."""
        rest, mean = without_mean(patches)
        clean = tweedie(lambda u: self.module.score(self.params, u), _coordinates(rest, self.directions, self.sigma))
        return np.asarray(mean + self.sigma * (clean @ self.directions.T.astype(np.float32)))

    def image(self, noisy: Array) -> Array:
        """Every patch denoised, overlaps averaged, clipped to [0, 1]."""
        size = round(np.sqrt(len(self.directions)))
        return np.clip(average_overlaps(noisy, size, self), 0, 1)

    def loss(self, noisy: Array) -> float:
        """J of noisy patches (N, P²)."""
        u = _coordinates(without_mean(noisy)[0], self.directions, self.sigma)
        return float(self.module.loss(self.params, u))

    def foreseen(self, noisy: Array) -> float:
        """Mean squared error per pixel of denoised `noisy` patches (N, P²), from these alone.

        For unit noise E‖u + s(u) − x‖² = D + E[‖s‖² + 2 tr ∂s/∂u] = D + 2J: score matching on noisy data *is* Stein's
        unbiased risk estimate (Stein 1981; Raphan and Simoncelli 2011), so J predicts the error without a clean patch.
        The noise of the mean adds one more unit.
        """
        pixels, inputs = self.directions.shape
        return float(self.sigma**2 * (inputs + 2 * self.loss(noisy) + 1) / pixels)


def _coordinates(rest: Array, directions: Array, sigma: float) -> Batch:
    return np.asarray(rest @ directions / sigma, dtype=np.float32)


@dataclass(frozen=True)
class Supply:
    """What noisy patches are made from: clean ones in the coordinates of `Denoiser`, (N, P² − 1).

    `spread` (P² − 1,) is the standard deviation of the noisy ones along each axis.
    """

    clean: Batch
    directions: Array
    spread: Array
    sigma: float

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """The patches, `size` at a time, over and over. Their noise is new each time; nobody sees a clean one."""
        while True:
            for start in range(0, len(self.clean) - size + 1, size):
                batch = self.clean[start : start + size]
                yield batch + rng.standard_normal(batch.shape, dtype=np.float32)


def prepare(images: list[Array], size: int, sigma: float, count: int, rng: np.random.Generator) -> Supply:
    """Patches of the training images; the axes are the principal ones of noisy patches."""
    clean = without_mean(sample(images, count, size, rng))[0]
    axes = Axes.fit(clean + sigma * without_mean(rng.standard_normal(clean.shape))[0])
    return Supply(_coordinates(clean, axes.directions, sigma), axes.directions, np.sqrt(axes.variances) / sigma, sigma)


def untrained(module: ModuleType, supply: Supply, seed: int) -> Denoiser:
    """Random filters that respond to every direction alike, with responses around 1, where the bumps bend."""
    params: Params = module.init_params(seed)
    directions = params[WEIGHT] / supply.spread
    length = np.sqrt(np.sum(directions**2) / len(supply.spread))
    params[WEIGHT] = (1.4 * directions / length).astype(np.float32)
    return Denoiser(module, params, supply.directions, supply.sigma)


def train(
    denoiser: Denoiser,
    supply: Supply,
    training: Training,
    rng: np.random.Generator,
    tick: Callable[[], None] = lambda: None,
) -> Denoiser:
    """Score matching on noisy patches.

    A weight's step is in inverse proportion to the data's spread along its axis: no axis dominates the responses.
    """
    scales = {WEIGHT: (1 / supply.spread).astype(np.float32)}
    batches = supply.batches(training.batch, rng)
    return replace(denoiser, params=adam(denoiser.module, denoiser.params, batches, training, scales=scales, tick=tick))
