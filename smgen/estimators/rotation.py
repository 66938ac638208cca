"""The rotation of whitened samples whose rows are independent sources: L-BFGS on the rotation group.

A step multiplies W by exp(A), A antisymmetric, so that W stays a rotation up to rounding. The first guess of the
inverse Hessian is diagonal, the curvatures at independent sources; the latest steps correct it. On data that are such
sources, a dozen steps suffice. (Ablin, Cardoso and Gramfort, "Faster ICA under orthogonal constraint", 2018, with
another objective.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.estimators.sources import Fitted, Sources

Array = npt.NDArray[Any]

MEMORY: Final = 7
"""Steps that the inverse Hessian remembers."""

SHALLOW: Final = 0.05
"""Curvatures are at least this part of their median: far from the minimum some are negative."""

FARTHEST: Final = 0.7
"""The greatest angle, in radians, that a step turns any pair of sources by: beyond π/4 it would swap them."""

HALVINGS: Final = 12
"""Steps are halved so often before the direction is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A rotation W (D, D), the energies of its sources, the steps taken, and whether the last ones were small."""

    rotation: Array
    fitted: Fitted
    steps: int
    converged: bool


def minimise(sources: Sources, start: Array, steps: int, tolerance: float) -> Found:
    """Lower the loss from a rotation until no step turns any pair of sources by more than `tolerance` radians."""
    from scipy.linalg import expm

    pairs = np.triu_indices(len(start), 1)
    rotation, fitted = start, sources.fit(start)
    if len(start) == 1:
        return Found(rotation=start, fitted=fitted, steps=0, converged=True)
    loss = float(fitted.loss.sum())
    latest: deque[tuple[Array, Array]] = deque(maxlen=MEMORY)
    before: tuple[Array, Array] | None = None
    for step in range(steps):
        slopes, curvatures = (matrix[pairs] for matrix in sources.slopes(rotation, fitted))
        if before is not None and before[0] @ (slopes - before[1]) > 0:
            latest.append((before[0], slopes - before[1]))
        curvatures = np.maximum(np.abs(curvatures), SHALLOW * np.median(np.abs(curvatures)) + 1e-12)
        direction = -_preconditioned(slopes, curvatures, latest)
        if direction @ slopes >= 0:
            latest.clear()
            direction = -slopes / curvatures
        direction *= min(1.0, FARTHEST / max(float(np.abs(direction).max()), 1e-300))
        if np.abs(direction).max() < tolerance:
            return Found(rotation=rotation, fitted=fitted, steps=step, converged=True)
        for halving in range(HALVINGS):
            move = direction * 0.5**halving
            turned = expm(_antisymmetric(move, pairs, len(start))) @ rotation
            there = sources.fit(turned)
            if there.loss.sum() < loss:
                break
        else:  # no lower loss within rounding
            if not latest:
                return Found(rotation=rotation, fitted=fitted, steps=step, converged=True)
            latest.clear()
            before = None
            continue
        rotation, fitted, loss, before = turned, there, float(there.loss.sum()), (move, slopes)
    return Found(rotation=rotation, fitted=fitted, steps=steps, converged=False)


def random_rotation(size: int, rng: np.random.Generator | np.random.RandomState) -> Array:
    """An orthogonal matrix (D, D), all equally probable."""
    factor, triangle = np.linalg.qr(rng.standard_normal((size, size)))
    return np.asarray(factor * np.sign(np.diag(triangle)))


def _antisymmetric(values: Array, pairs: tuple[Array, Array], size: int) -> Array:
    """The matrix A = −Aᵀ with these values above the diagonal."""
    matrix = np.zeros((size, size))
    matrix[pairs] = values
    return matrix - matrix.T


def _preconditioned(slopes: Array, curvatures: Array, latest: Iterable[tuple[Array, Array]]) -> Array:
    """The inverse Hessian times the slopes, by the two loops of L-BFGS (Nocedal and Wright 2006, algorithm 7.4)."""
    q, shares = slopes.copy(), []
    newest_first = list(latest)[::-1]
    for move, change in newest_first:
        share = (move @ q) / (move @ change)
        q -= share * change
        shares.append(share)
    q /= curvatures
    for (move, change), share in zip(newest_first[::-1], shares[::-1], strict=True):
        q += move * (share - (change @ q) / (move @ change))
    return np.asarray(q)
