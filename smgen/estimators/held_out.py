"""The loss of a trained model on samples, in coordinates that do not depend on how it was trained."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.data.batches import Batch
from smgen.data.transform import Transform
from smgen.models import Model
from smgen.models.device import on_host
from smgen.objectives import HYVARINEN
from smgen.training.problem import Problem, difference_step
from smgen.training.settings import Settings

Array = npt.NDArray[Any]

PROBES: Final = 4
_SEED: Final = 0x5EED


def losses(model: Model, x: Array) -> Array:
    """J of each sample at λ = 0, (N,), true whatever mode the module has.

    Of a model trained by Hyvärinen's loss, it is Σ_d ½ δ_d² − δ′_d by the coordinates of x, the data: models are
    compared on the same footing whatever they were whitened with. With z = A (x − m), δ is Aᵀ δ_z and Σ_d δ′_d the
    trace of A Aᵀ H_z. Where A Aᵀ is diagonal and the module's δ′ exact, that is Σ_d (A Aᵀ)_dd δ′_zd; elsewhere it is
    estimated along random directions, the same in every call. Of a model trained by another loss, it is that loss in
    the network's coordinates, with the noise of the training, the same in every call.
    """
    module, training = model.needs_module(), model.record.training
    problem = Problem.of(module, Settings(sigma=training["sigma"]))
    z = model.inner(x)
    if problem.objective.name != HYVARINEN.name:
        return problem.true_losses(model.params, Batch(z.reshape(-1, *model.record.shape), {}))
    kinetic = 0.5 * (model.score(x) ** 2).reshape(len(x), -1).sum(axis=1)
    weights = _diagonal(model.transform)
    if weights is None or problem.takes_probes or not problem.is_true or not hasattr(module, "hessian_diagonal"):
        return np.asarray(kinetic - _trace(model, z))
    diagonal = on_host(module.hessian_diagonal(model.params, z.reshape(-1, *model.record.shape)))
    return np.asarray(kinetic - diagonal.reshape(len(z), -1).astype(np.float64) @ weights)


def _trace(model: Model, z: Array) -> Array:
    """Estimates of the trace of A Aᵀ H_z, (N,): uᵀ (score(z − h u) − score(z + h u)) / 2h, u = A v, v random signs.

    They are unbiased up to O(h²). h is the cube root of the rounding error of z, in units of the spread of z over u.
    """
    transform, density, rng = model.transform, model.density(), np.random.default_rng(_SEED)
    origin = transform.forward(np.zeros((1, transform.inputs)))
    total = np.zeros(len(z))
    for _ in range(PROBES):
        signs = rng.integers(0, 2, (len(z), transform.inputs)) * 2.0 - 1.0
        u = transform.forward(signs) - origin
        h = float((difference_step(z) / np.maximum(np.abs(u).max(axis=0), 1e-300)).min())
        behind, ahead = (density.score((z + sign * h * u).astype(z.dtype)).astype(np.float64) for sign in (-1, 1))
        total += (u * (behind - ahead)).sum(axis=1) / (2 * h)
    return total / PROBES


def _diagonal(transform: Transform) -> Array | None:
    """The diagonal of A Aᵀ, (D,), or None if it has other entries."""
    if transform.without_mean or transform.kind == "zca":
        return None
    if transform.matrix is not None:
        return np.asarray((transform.matrix**2).sum(axis=1))
    return np.ones(transform.outputs) if transform.scale is None else np.asarray(transform.scale**2)
