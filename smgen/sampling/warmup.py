"""Warm-up: the chains find the density, the steps and the masses are adapted, and then stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from smgen.sampling.box import Floats
from smgen.sampling.dual_averaging import DualAveraging, first_steps
from smgen.sampling.hamiltonian import HamiltonianChains

WINDOWS: Final = (0.1, 0.2, 0.35, 0.55, 0.8)
"""Parts of warm-up. Variances are measured from each of them to the next, and used from there on."""
SHORTEST: Final = 50
"""With fewer transitions than this, variances are not measured."""
PRIOR_WEIGHT: Final = 5.0
"""How many draws the mean variance counts as, in the variance of each coordinate."""


@dataclass(slots=True, eq=False)
class Moments:
    """Count, mean (G, D) and squared deviations (G, D) of all draws so far, from all chains of a temperature."""

    count: int
    mean: Floats
    squares: Floats

    def add(self, x: Floats) -> None:
        """Take in draws (G, C, D) by the update of Chan, Golub and LeVeque (1979)."""
        chains = x.shape[1]
        mean = x.mean(axis=1)
        change = mean - self.mean
        total = self.count + chains
        self.squares += ((x - mean[:, None]) ** 2).sum(axis=1) + change**2 * (self.count * chains / total)
        self.mean += change * (chains / total)
        self.count = total


def scales_of(moments: Moments, present: Floats) -> Floats:
    """Standard deviations (G, 1, D), drawn to their geometric mean; as at `present` where a coordinate did not move."""
    variance = moments.squares / max(1, moments.count - 1)
    usable = np.all(np.isfinite(variance) & (variance > 0), axis=1, keepdims=True)
    logs = np.log(np.where(usable, variance, 1.0))
    weight = moments.count / (moments.count + PRIOR_WEIGHT)
    drawn = weight * np.exp(logs) + (1 - weight) * np.exp(logs.mean(axis=1, keepdims=True))
    return np.where(usable[..., None], np.sqrt(drawn)[:, None], present)


def warm_up(
    chains: HamiltonianChains,
    iterate: Callable[[], Floats],
    *,
    count: int,
    target: float,
    step_size: float | None,
    adapt_scales: bool,
) -> None:
    """Run `iterate` `count` times, and leave `chains` with the steps and scales to sample with.

    `iterate` moves every chain once, and returns the acceptance (G,). A `step_size` is kept as it is. After a change
    of the scales, the search for steps starts again.
    """
    chains.steps[:] = 1.0 if step_size is None else step_size
    averaging = DualAveraging(first_steps(chains) if step_size is None else chains.steps, target)
    changes = [round(count * part) for part in WINDOWS] if adapt_scales and count >= SHORTEST else []
    shape = (chains.scales.shape[0], chains.scales.shape[2])
    moments = Moments(0, np.zeros(shape), np.zeros(shape))
    for i in range(count):
        if i in changes:
            if moments.count:
                chains.scales = scales_of(moments, chains.scales)
                if step_size is None:
                    averaging = DualAveraging(first_steps(chains), target)
            moments = Moments(0, np.zeros(shape), np.zeros(shape))
        if step_size is None:
            chains.steps = averaging.steps
        acceptance = iterate()
        averaging.update(acceptance)
        if changes and changes[0] <= i < changes[-1]:
            moments.add(chains.point.x)
    if step_size is None:
        chains.steps = averaging.averaged
    chains.failures = 0
