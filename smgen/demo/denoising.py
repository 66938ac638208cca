"""Second part: a denoiser from the score of noisy patches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from smgen.applications import denoise
from smgen.data.sources import open_source
from smgen.data.split import look
from smgen.data.transform import Transform, fitted
from smgen.demo.arrays import Array, Batch
from smgen.demo.patches import sample
from smgen.demo.plan import Part
from smgen.models import Model
from smgen.training import fit


@dataclass(frozen=True, kw_only=True)
class Denoiser:
    """A model of patches with noise of standard deviation `sigma`, in principal axes with one scale.

    Those leave the noise white. The mean of a patch is kept as it is; its noise is only σ²/P².
    """

    model: Model
    sigma: float

    def patches(self, noisy: Array) -> Array:
        """Posterior means of noisy patches, (N, P²)."""
        return denoise(self.model, noisy, self.sigma)

    def image(self, noisy: Array) -> Array:
        """Every patch denoised, overlaps averaged, clipped to [0, 1]."""
        return np.clip(denoise(self.model, noisy, self.sigma), 0, 1)

    def loss(self, noisy: Array, params: dict[str, Batch] | None = None) -> float:
        """J of noisy patches (N, P²) in units of the noise, in which its standard deviation is 1."""
        module = self.model.needs_module()
        inner = module.loss(dict(self.model.params) if params is None else params, self.model.inner(noisy))
        return float((self.sigma * scale_of(self.model.transform)) ** 2 * inner)

    def foreseen(self, noisy: Array) -> float:
        """Mean squared error per pixel of denoised `noisy` patches (N, P²), from these alone.

        For unit noise E‖u + s(u) − x‖² = D + E[‖s‖² + 2 tr ∂s/∂u] = D + 2J: score matching on noisy data *is* Stein's
        unbiased risk estimate (Stein 1981; Raphan and Simoncelli 2011), so J predicts the error without a clean patch.
        The noise of the mean adds one more unit.
        """
        transform = self.model.transform
        return float(self.sigma**2 * (transform.outputs + 2 * self.loss(noisy) + 1) / transform.inputs)


def learn(
    net: Path, part: Part, images: list[Array], sigma: float, seed: int, console: Console | None
) -> tuple[Denoiser, dict[str, Batch]]:
    """The denoiser, and the parameters that it started from.

    It minimises the denoising loss on clean patches, whose minimiser is the score of noisy ones.
    """
    patches = sample(images, part.patches, part.size, np.random.default_rng(seed)).astype(np.float32)
    transform = fitted(look(open_source(patches)), "rotate", part.size**2 - 1, without_mean=True)  # as `fit` will
    model = fit(
        net,
        patches,
        backend="numpy",
        objective="denoising,hyvarinen",
        sigma=sigma * scale_of(transform),
        whiten="rotate",
        without_mean=True,
        patience=0,
        evaluations=10,
        steps=part.steps,
        batch_size=part.batch,
        rate=part.rate,
        seed=seed,
        console=console,
    )
    return Denoiser(model=model, sigma=sigma), model.needs_module().init_params(seed)


def scale_of(transform: Transform) -> float:
    """The one scale of a rotation: what noise of the pixels is multiplied by."""
    assert transform.matrix is not None
    return float(np.linalg.norm(transform.matrix[0]))
