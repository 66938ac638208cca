"""The annealed chains: a schedule from pilot chains, and the weights of a run up or down the path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from smgen.evaluation.arguments import Array
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.hamiltonian import Chains, Path

ACCEPTANCE: Final = 0.8
"""The mean acceptance that pilot chains adapt the step to."""

STRIDE: Final = 0.5
"""The standard deviation of a pilot chain's log-weight between two temperatures."""

MOST_STRIDES: Final = 400
"""The most temperatures of the pilot chains."""

TRANSITIONS: Final = 3
"""Transitions of the pilot chains at each temperature; at the first, four times as many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """β_0 = 0 < … < β_K = 1, and the leapfrog step at each β between."""

    betas: Array  # (K + 1,)
    steps: Array  # (K − 1,)
    length: float  # ∫ std_β(log ratio) dβ: the thermodynamic length of the path


def pilot(path: Path, chains: int, temperatures: int, random: np.random.Generator) -> Schedule:
    """A schedule of K = `temperatures` intervals of equal thermodynamic length, from chains that are then thrown away.

    Log-weights have the least variance for so many intervals if each interval has the same ∫ std_β(log ratio) dβ
    (Gelman and Meng, 1998). Steps are adapted here alone: in the run they are fixed, so that its weights are unbiased.
    """
    dimension = len(path.base.mean)
    state = path.at(random.standard_normal((chains, dimension)))
    beta, step = 0.0, dimension**-0.25
    betas, lengths, log_steps = [0.0], [0.0], list[float]()
    while beta < 1:
        ratio = state.log_ratio[np.isfinite(state.log_ratio)]
        if len(ratio) < 2:
            what = f"the energy is not finite at {chains - len(ratio)} of {chains} draws from the starting Gaussian"
            hint = "give a mean and a covariance where the network's energy is finite"
            raise EvaluationError(origin="log_normaliser_ais", what=what, hint=hint)
        spread = float(ratio.std(ddof=1))
        least = (1 - beta) / (MOST_STRIDES + 1 - len(betas))
        stride = min(max(STRIDE / max(spread, 1e-9), least), 1 - beta)
        beta = 1.0 if stride == 1 - beta else beta + stride
        for _ in range(TRANSITIONS if log_steps else 4 * TRANSITIONS):
            state, acceptance = path.transition(state, beta, step, random)
            step *= float(np.exp(acceptance - ACCEPTANCE))
        betas.append(beta)
        lengths.append(lengths[-1] + stride * (spread + 1e-6))
        log_steps.append(float(np.log(step)))
    even = np.interp(np.linspace(0, lengths[-1], temperatures + 1), lengths, betas)
    even[0], even[-1] = 0.0, 1.0
    return Schedule(betas=even, steps=np.exp(np.interp(even[1:-1], betas[1:], log_steps)), length=float(lengths[-1]))


def annealed(
    path: Path, start: Array, schedule: Schedule, random: np.random.Generator, *, down: bool = False
) -> tuple[Array, float]:
    """Σ_k (β_k − β_{k−1}) · log ratio at each step, (N,), and the least mean acceptance at any temperature.

    Up, `start` are draws of N(0, I), and the mean of the exponential is Z / Z_0 (Neal, 2001). Down, they are exact
    draws of the model, whitened, and the mean of the exponential of the negative is Z_0 / Z.
    """
    steps = np.diff(schedule.betas)
    intervals = range(len(steps))
    state: Chains = path.at(start)
    weights, least = np.zeros(len(start)), 1.0
    for position in reversed(intervals) if down else intervals:
        weights += steps[position] * state.log_ratio
        inner = position - 1 if down else position  # the β between this interval and the next one is betas[inner + 1]
        if 0 <= inner < len(schedule.steps):
            beta, step = float(schedule.betas[inner + 1]), float(schedule.steps[inner])
            state, acceptance = path.transition(state, beta, step, random)
            least = min(least, acceptance)
    return weights, least
