"""Adaptation of the step size by dual averaging."""

from __future__ import annotations

from typing import Final

import numpy as np

from smgen.sampling.box import Floats
from smgen.sampling.hamiltonian import HamiltonianChains

GAMMA, T0, KAPPA = 0.05, 10.0, 0.75
LEAST_STEP: Final = 1e-10
GREATEST_STEP: Final = 1e6
"""Where all proposals are accepted, as for a constant energy within bounds, steps would grow for ever."""


class DualAveraging:
    """Steps ε (G,) that bring the acceptance to `target` α (Hoffman and Gelman 2014, section 3.2, equation 6).

    After t transitions, with the acceptance α_t, the mean over chains, and μ = log 10 ε_1:

        H_t = (1 − 1/(t + t₀)) H_{t−1} + (α − α_t)/(t + t₀),
        log ε_{t+1} = μ − √t/γ H_t,    log ε̄_{t+1} = t^−κ log ε_{t+1} + (1 − t^−κ) log ε̄_t.

    `steps` is ε, for the next transition; `averaged` is ε̄, to be kept after warm-up.
    """

    def __init__(self, first: Floats, target: float) -> None:
        self._target, self._mu = target, np.log(10 * first)
        self._error, self._average, self._count = np.zeros_like(first), np.log(first), 0
        self.steps = first.copy()

    def update(self, acceptance: Floats) -> None:
        """Take in the acceptance (G,) of a transition."""
        self._count += 1
        weight = 1 / (self._count + T0)
        self._error += weight * (self._target - acceptance - self._error)
        log_step = self._mu - np.sqrt(self._count) / GAMMA * self._error
        log_step = np.clip(log_step, np.log(LEAST_STEP), np.log(GREATEST_STEP))
        self._average += self._count**-KAPPA * (log_step - self._average)
        self.steps = np.exp(log_step)

    @property
    def averaged(self) -> Floats:
        """ε̄, (G,)."""
        return np.asarray(np.exp(self._average))


def first_steps(chains: HamiltonianChains) -> Floats:
    """Steps (G,) to start from: doubled or halved from `chains.steps` until the acceptance crosses ½ (algorithm 4)."""
    direction = np.where(chains.propose(1).mean(axis=1) > 0.5, 1.0, -1.0)
    moving = np.ones_like(direction, dtype=np.bool_)
    while moving.any():
        chains.steps = np.where(moving, chains.steps * 2.0**direction, chains.steps)
        moving &= (chains.propose(1).mean(axis=1) > 0.5) == (direction > 0)
        moving &= (chains.steps > LEAST_STEP) & (chains.steps < GREATEST_STEP)
    return chains.steps.copy()
