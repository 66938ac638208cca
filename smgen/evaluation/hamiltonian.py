"""Hamiltonian Monte Carlo on the path from a Gaussian to the model, all chains in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from smgen.density import Density
from smgen.errors import shortened
from smgen.evaluation.arguments import Array
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.gaussians import Gaussian

JITTER: Final = 0.2
"""Each trajectory's step is drawn within this part of the step, so that no trajectory has the period of the target."""

LENGTH: Final = 1.5
"""The length of a trajectory: a quarter of the period π/2 · 4 of a standard Gaussian."""

MOST_STEPS: Final = 20
"""The most leapfrog steps of a trajectory."""


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """The states of N chains: z, E and ∂E/∂z. E = ∞, with a slope of 0, where E or its slope is not a number."""

    z: Array  # (N, D)
    energy: Array  # (N,)
    slope: Array  # (N, D)

    @property
    def log_ratio(self) -> Array:
        """log of the model over the Gaussian, both without normalisers: ½ ‖z‖² − E, (N,)."""
        return np.asarray((self.z**2).sum(axis=1) / 2 - self.energy)


@dataclass(frozen=True, slots=True)
class Path:
    """The densities exp(−U_β(z)) with U_β = (1 − β) ½ ‖z‖² + β E(μ + L z): N(0, I) at β = 0, the model at β = 1."""

    density: Density
    base: Gaussian

    def at(self, z: Array) -> Chains:
        """The chains' states at z (N, D)."""
        with np.errstate(over="ignore", invalid="ignore"):
            x = self.base.place(z).astype(self.density.dtype)
            alive = np.isfinite(x).all(axis=1)
            x[~alive] = self.base.mean
            energy, score = (np.asarray(part, dtype=np.float64) for part in self.density.energy_and_score(x))
            if energy.shape != alive.shape or score.shape != x.shape:
                what = f"energy and score returned shapes {energy.shape} and {score.shape} for x of {x.shape}"
                raise EvaluationError(origin="log_normaliser_ais(density)", what=what, hint="return (N,) and (N, D)")
            slope = self.base.pull(-score)
        if (np.isneginf(energy) & alive).any():
            point = shortened(x[int((np.isneginf(energy) & alive).argmax())].tolist())
            hint = "exp(−E) has no integral if E is not bounded below; look for an overflow in the network"
            raise EvaluationError(origin="log_normaliser_ais: energy", what=f"is −∞ at x = {point}", hint=hint)
        alive &= np.isfinite(energy) & np.isfinite(slope).all(axis=1)
        return Chains(z, np.where(alive, energy, np.inf), np.where(alive[:, None], slope, 0.0))

    def potential(self, chains: Chains, beta: float) -> Array:
        """U_β, (N,), for β > 0."""
        return np.asarray((1 - beta) * (chains.z**2).sum(axis=1) / 2 + beta * chains.energy)

    def force(self, chains: Chains, beta: float) -> Array:
        """−∂U_β/∂z, (N, D)."""
        return np.asarray(-(1 - beta) * chains.z - beta * chains.slope)

    def transition(self, chains: Chains, beta: float, step: float, random: np.random.Generator) -> tuple[Chains, float]:
        """One trajectory of each chain, accepted or not, and the mean probability of acceptance.

        It leaves exp(−U_β) as it is, and is reversible (Duane et al., 1987; Neal, 2011), for any step.
        """
        momentum = random.standard_normal(chains.z.shape)
        size = step * random.uniform(1 - JITTER, 1 + JITTER, size=(len(chains.z), 1))
        before = self.potential(chains, beta) + (momentum**2).sum(axis=1) / 2
        end, number = chains, leapfrogs(step)
        with np.errstate(over="ignore", invalid="ignore"):
            momentum = momentum + size / 2 * self.force(chains, beta)
            for k in range(number):
                end = self.at(end.z + size * momentum)
                momentum = momentum + (size if k < number - 1 else size / 2) * self.force(end, beta)
            change = before - self.potential(end, beta) - (momentum**2).sum(axis=1) / 2
        change = np.where(np.isnan(change), -np.inf, change)
        accepted = np.log1p(-random.random(len(change))) < change  # log of a number in (0, 1]
        where = accepted[:, None]
        moved = Chains(
            np.where(where, end.z, chains.z),
            np.where(accepted, end.energy, chains.energy),
            np.where(where, end.slope, chains.slope),
        )
        return moved, float(np.exp(np.minimum(change, 0)).mean())


def leapfrogs(step: float) -> int:
    """The number of steps of a trajectory of `LENGTH`, at most `MOST_STEPS`."""
    return int(np.clip(np.ceil(LENGTH / step), 1, MOST_STEPS))
