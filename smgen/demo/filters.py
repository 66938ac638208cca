"""First part: filters of whitened photographs by regularised score matching."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from smgen.demo.arrays import Array, Floats
from smgen.demo.patches import dequantised, sample
from smgen.demo.plan import LEVEL, Part
from smgen.models import Model
from smgen.training import fit

WEIGHT, STRENGTH = "filters.weight", "strength.gain"


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A model of patches, P² pixels: its filters are the unit rows of `weights` (M, D) on whitened patches.

    J is at λ = 0, of patches of photographs that were not learned from.
    """

    model: Model
    size: int
    loss_before: float
    loss_after: float

    @property
    def weights(self) -> Floats:
        """w_j, (M, D)."""
        return np.asarray(self.model.params[WEIGHT])

    @property
    def filters(self) -> Array:
        """The filters on pixels, w·z = (Aᵀ w)·x with z = A x: (M, P²)."""
        matrix = self.model.transform.matrix
        assert matrix is not None
        return np.asarray(self.weights @ matrix)

    @property
    def features(self) -> Array:
        """What each filter looks for, the covariance times the filter: (M, P²).

        A filter of whitened data weighs fine detail up as much as nature weighs it down, and so looks finer than
        what it answers to.
        """
        inverse = self.model.transform.inverse
        assert inverse is not None
        return np.asarray(self.weights @ inverse.T)


def learn(
    net: Path, part: Part, training: list[Array], held_out: list[Array], seed: int, console: Console | None
) -> Learned:
    """Minimise J of nets/ica.py with ‖w_j‖ = 1 on patches of the training images.

    Without that constraint the energy sharpens some filters without bound, for photographs have many flat patches, and
    lets the others die (a filter of length 0 has no gradient). λ tames the same peak; J is reported at λ = 0.
    """
    rng = np.random.default_rng([seed, part.size])
    patches = sample(training, part.patches, part.size, rng).astype(np.float32)
    model = fit(
        net,
        patches,
        backend="numpy",
        whiten="pca",
        without_mean=True,
        levels=LEVEL,
        unit_rows=WEIGHT,
        patience=0,
        evaluations=10,
        steps=part.steps,
        batch_size=part.batch,
        rate=part.rate,
        lam=part.lam,
        seed=seed,
        console=console,
    )
    module = model.needs_module()
    z = model.inner(dequantised(sample(held_out, 10_000, part.size, rng), rng).astype(np.float32))
    start = module.init_params(seed)
    start[WEIGHT] /= np.linalg.norm(start[WEIGHT], axis=1, keepdims=True)
    before, after = (float(module.loss(params, z)) for params in (start, dict(model.params)))
    return Learned(model=model, size=part.size, loss_before=before, loss_after=after)


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
    features = learned.features
    angle, oriented = orientation(features, learned.size)
    order = np.lexsort((angle, oriented < 0.5))
    return learned.filters[order], features[order]
