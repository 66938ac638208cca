"""The Gaussian from which annealed importance sampling starts, and coordinates in which it is standard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from smgen.evaluation.arguments import Array, numbers, rows, values
from smgen.evaluation.errors import EvaluationError

ENOUGH: Final = 5
"""A full covariance is fitted to at least so many samples a dimension; to fewer, the variances alone."""

FLOOR: Final = 1e-6
"""The least variance of any direction, as a part of the mean of the variances: an isotropic part is added."""


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """x = μ + L z with z standard normal: N(μ, L Lᵀ). L is diagonal where `factor` has one axis."""

    mean: Array  # (D,)
    factor: Array  # L, lower triangular (D, D), or its diagonal, (D,)

    @classmethod
    def fit(cls, x: Array, origin: str) -> Gaussian:
        """The mean and covariance of samples (N, D), or the variances alone where N < `ENOUGH` D."""
        constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
        if len(constant):
            what = f"column {constant[0]} of {x.shape[1]} is constant"
            raise EvaluationError(origin=origin, what=what, hint="give mean= and covariance= instead of data=")
        if len(x) < ENOUGH * x.shape[1]:
            return cls(x.mean(axis=0), x.std(axis=0))
        covariance = np.atleast_2d(np.cov(x, rowvar=False))
        covariance += FLOOR * float(np.mean(np.diag(covariance))) * np.eye(x.shape[1])
        return cls(x.mean(axis=0), np.asarray(np.linalg.cholesky(covariance), dtype=np.float64))

    @classmethod
    def of(cls, origin: str, dimension: int, mean: object, covariance: object) -> Gaussian:
        """From a mean (D,) and a covariance (D, D), variances (D,) or one variance."""
        middle = values(f"{origin}(mean)", mean)
        spread = numbers(f"{origin}(covariance)", covariance, "(D, D), (D,) or ()")
        hint = f"for {dimension} dimensions, give a mean (D,) and variances above 0, or a symmetric, positive matrix"
        what = f"a mean of shape {middle.shape} and a covariance of shape {spread.shape}"
        if middle.shape != (dimension,) or spread.shape not in ((), (dimension,), (dimension, dimension)):
            raise EvaluationError(origin=origin, what=what, hint=hint)
        if spread.ndim < 2:
            if not (np.isfinite(spread).all() and (spread > 0).all()):
                raise EvaluationError(origin=f"{origin}(covariance)", what="has variances not above 0", hint=hint)
            return cls(middle, np.sqrt(np.broadcast_to(spread, (dimension,))))
        if not np.isfinite(spread).all() or not np.allclose(spread, spread.T, rtol=1e-6, atol=0):
            raise EvaluationError(origin=f"{origin}(covariance)", what="is not symmetric and finite", hint=hint)
        try:
            return cls(middle, np.asarray(np.linalg.cholesky(spread), dtype=np.float64))
        except np.linalg.LinAlgError:
            raise EvaluationError(origin=f"{origin}(covariance)", what="is not positive", hint=hint) from None

    @property
    def log_volume(self) -> float:
        """log |det L|."""
        diagonal = self.factor if self.factor.ndim == 1 else np.diag(self.factor)
        return float(np.log(diagonal).sum())

    @property
    def log_z(self) -> float:
        """log ∫ exp(−½ ‖z(x)‖²) dx = (D/2) log 2π + log |det L|."""
        return len(self.mean) / 2 * math.log(2 * math.pi) + self.log_volume

    def place(self, z: Array) -> Array:
        """x = μ + L z, by rows."""
        return np.asarray(self.mean + (z * self.factor if self.factor.ndim == 1 else z @ self.factor.T))

    def whiten(self, x: Array) -> Array:
        """z = L⁻¹ (x − μ), by rows."""
        centred = x - self.mean
        return np.asarray(centred / self.factor if self.factor.ndim == 1 else np.linalg.solve(self.factor, centred.T).T)

    def pull(self, slope: Array) -> Array:
        """∂E/∂z = Lᵀ ∂E/∂x, by rows."""
        return np.asarray(slope * self.factor if self.factor.ndim == 1 else slope @ self.factor)


def start(origin: str, dimension: int, data: object, mean: object, covariance: object) -> Gaussian:
    """The Gaussian that the arguments describe."""
    if data is not None and mean is None and covariance is None:
        return Gaussian.fit(rows(f"{origin}(data)", data, columns=dimension, least=2), f"{origin}(data)")
    if data is None and mean is not None and covariance is not None:
        return Gaussian.of(origin, dimension, mean, covariance)
    what = "not one Gaussian to start from"
    raise EvaluationError(origin=origin, what=what, hint="give data=, or mean= and covariance=")
