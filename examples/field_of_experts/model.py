"""A learned field: its parameters and the noise that it was learned with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from examples.field_of_experts.nets import MARGIN, SIDE, image_module
from smgen.demo.arrays import Array, Params

WEIGHT: Final = "filters.weight"
_FREQUENCIES: Final = 64


@dataclass(frozen=True)
class Field:
    """−log p of photographs with noise of standard deviation `noise` on them, up to a constant.

    The module computes in units of the noise, u = x / noise; everything here takes and gives pixels in [0, 1]. Its
    modules are written to `folder`.
    """

    params: Params
    noise: float
    folder: Path

    def score(self, images: Array) -> Array:
        """∇ log p of images (N, height, width), (N, height, width). Windows lie inside the images."""
        count, height, width = images.shape
        module = image_module(self.folder, height, width)
        rows = np.asarray(images.reshape(count, -1) / self.noise, dtype=np.float32)
        return np.asarray(module.score(self.params, rows).reshape(images.shape) / self.noise, dtype=np.float64)

    def posterior_mean(self, images: Array) -> Array:
        """E[x | y] = y + noise² ∇ log p(y) of images y with this noise (Miyasawa 1961), mirrored at their borders."""
        around = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN))
        score = self.score(np.pad(images, around, mode="reflect"))
        return np.asarray(images + self.noise**2 * score[:, MARGIN:-MARGIN, MARGIN:-MARGIN])

    def curvature(self) -> float:
        """A bound on the eigenvalues of the Hessian of E: max_f Σ_j (|a_j| + |b_j|/4) |ŵ_j(f)|² / noise².

        The second derivatives of −exp(−h²/2) and −exp(−h²/8) are at most 1 and 1/4; f runs over a fine grid.
        """
        spectra = np.abs(np.fft.fft2(self.params[WEIGHT][:, 0], (_FREQUENCIES, _FREQUENCIES))) ** 2
        bends = np.abs(self.params["a"]) + np.abs(self.params["b"]) / 4
        return float((bends * spectra).sum(axis=0).max() / self.noise**2)

    def filters(self) -> tuple[Array, Array]:
        """Filters (M, SIDE²) and strengths (a_j + b_j/4) ‖w_j‖², their expert's curvature at 0; the strongest first."""
        rows = self.params[WEIGHT].reshape(-1, SIDE * SIDE).astype(np.float64)
        bends = (self.params["a"] + self.params["b"] / 4).ravel()
        strengths = bends * np.sum(rows**2, axis=1)
        order = np.argsort(-np.abs(strengths), kind="stable")
        return rows[order], strengths[order]
