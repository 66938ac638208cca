"""The order of the Taylor remainder: 2 for the gradient of a loss, and less for anything else."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from smgen.network import Network
from tests.support import Array, Params, module_of, random_case, random_conditions

STEPS = 2.0 ** -np.arange(9, 14)


def taylor_remainders(
    module: ModuleType, params: Params, x: Array, lam: float, key: str, direction: Array, **given: Array
) -> npt.NDArray[np.float64]:
    """|J(θ + h d) − J(θ) − h⟨∇J, d⟩| at each step h."""
    J, gradient = module.loss_and_grad(params, x, lam, **given)
    slope = float(np.sum(gradient[key] * direction))
    moved = (module.loss(params | {key: params[key] + h * direction}, x, lam, **given) for h in STEPS)
    return np.array([abs(float(value) - J - h * slope) for value, h in zip(moved, STEPS, strict=True)])


def observed_order(remainders: npt.NDArray[np.float64]) -> float:
    """The slope of log remainder against log step."""
    return float(np.polyfit(np.log(STEPS), np.log(remainders), 1)[0])


def assert_order_two(
    network: Network, lam: float, backend: str = "numpy", hessian: str = "diagonal", seed: int = 2
) -> None:
    """For every tensor, in a random direction."""
    module = module_of(network, backend=backend, hessian=hessian)
    params, x = random_case(network, seed=1, samples=8)
    given = random_conditions(network, seed=1, samples=8)
    J, _ = module.loss_and_grad(params, x, lam, **given)
    for key, value in params.items():
        direction = np.random.default_rng(seed).standard_normal(value.shape)
        direction /= np.linalg.norm(direction)
        remainders = taylor_remainders(module, params, x, lam, key, direction, **given)
        if remainders.max() > 1e-12 * max(abs(J), 1.0):
            assert observed_order(remainders) == pytest.approx(2.0, abs=0.1), f"{key}: {remainders}"
        # Otherwise J is linear in this tensor here, to rounding, with the slope that the gradient says.
