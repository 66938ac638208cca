"""Coordinates for patches: the principal axes, and whitened ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smgen.demo.arrays import Array, Batch, Floats


@dataclass(frozen=True)
class Axes:
    """Principal axes of mean-free patches: `directions` (P², P² − 1), orthonormal columns; `variances` (P² − 1,).

    Mean-free patches do not fill the last axis, the constant patch: its eigenvalue is 0 and it is left out. Nothing
    else is: the smallest of the others is the variance of the finest grating, which for these photographs is several
    grey levels squared, far above the 1/12 that dequantisation puts under all of them. So none is floored or cut off.
    """

    directions: Array
    variances: Array

    @classmethod
    def fit(cls, patches: Array) -> Axes:
        """The eigenvectors of the covariance of mean-free `patches` (N, P²), largest variance first."""
        variances, directions = np.linalg.eigh(patches.T @ patches / len(patches))
        return cls(directions[:, :0:-1], variances[:0:-1])

    def whiten(self, patches: Floats) -> Batch:
        """Λ^(−½) Uᵀ x, (N, P² − 1): uncorrelated, of unit variance."""
        return (patches @ (self.directions / np.sqrt(self.variances))).astype(np.float32)

    def filters(self, weights: Floats) -> Array:
        """The rows of weights on z as filters on pixels: w·z = (U Λ^(−½) w)·x. (M, P² − 1) → (M, P²)."""
        return np.asarray(weights @ (self.directions / np.sqrt(self.variances)).T)

    def features(self, weights: Floats) -> Array:
        """What each filter looks for, U Λ^½ w: the covariance times the filter, its patch-shaped correlation with x.

        A filter of whitened data weighs fine detail up as much as nature weighs it down, and so looks finer than
        what it answers to. (M, P² − 1) → (M, P²).
        """
        return np.asarray(weights @ (self.directions * np.sqrt(self.variances)).T)
