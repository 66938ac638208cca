"""The Hamiltonian Monte Carlo transition for all chains at all temperatures."""

from __future__ import annotations

import numpy as np

from smgen.errors import counted
from smgen.sampling.box import Box, Floats
from smgen.sampling.checks import ORIGIN
from smgen.sampling.errors import SamplingError
from smgen.sampling.evaluation import Evaluator
from smgen.sampling.leapfrog import Point, leapfrog
from smgen.sampling.limits import check_reach, farthest


class HamiltonianChains:
    """C chains at each of G temperatures T, with stationary densities ∝ exp(−E(x)/T) in the box.

    A transition (Duane et al. 1987; Neal 2011): draw the momentum u ~ N(0, 1), move along Hamilton's equations by
    leapfrog, and accept the end with probability min(1, exp(H − H′)), H = E/T + ½ |u|². It leaves exp(−E/T) invariant.
    """

    def __init__(
        self, evaluator: Evaluator, box: Box, start: Floats, temperatures: Floats, rng: np.random.Generator
    ) -> None:
        groups, (chains, dimension) = len(temperatures), start.shape
        self.evaluator, self.box, self.rng = evaluator, box, rng
        self.betas = (1 / temperatures)[:, None]
        """1/T, (G, 1)."""
        self.steps = np.ones(groups)
        """The leapfrog step ε of each temperature."""
        self.scales = np.ones((groups, 1, dimension))
        """The scale s of each coordinate, 1 or a standard deviation: the mass is 1/s²."""
        self.failures = 0
        """How many proposals were not finite."""
        x = np.repeat(start[None], groups, axis=0)
        self.point = Point(x, np.empty((groups, chains)), np.empty_like(x))
        evaluator.energy_and_score(x, self.point.energy, self.point.score)
        self._check_start()
        self._end = self.point.copy()
        self._momentum = np.empty_like(x)
        self._farthest = farthest(start)

    def propose(self, count: int) -> Floats:
        """Compute the ends of new trajectories of `count` steps; return min(1, exp(H − H′)), (G, C)."""
        end, u = self._end, self._momentum
        end.become(self.point)
        self.rng.standard_normal(out=u)
        drift = self.steps[:, None, None] * self.scales
        kick = 0.5 * self.betas[:, :, None] * drift
        before = 0.5 * np.einsum("gcd,gcd->gc", u, u)
        succeeded = leapfrog(self.evaluator, self.box, end, u, kick=kick, drift=drift, count=count)
        with np.errstate(all="ignore"):
            fall = self.betas * (self.point.energy - end.energy) + before - 0.5 * np.einsum("gcd,gcd->gc", u, u)
            fall[~(succeeded & np.isfinite(fall))] = -np.inf
            self.failures += succeeded.size - int(succeeded.sum())
            return np.asarray(np.exp(np.minimum(fall, 0.0)))

    def move(self, count: int) -> Floats:
        """One transition of every chain; return the acceptance probabilities, (G, C)."""
        probabilities = self.propose(count)
        self.point.become(self._end, where=self.rng.random(probabilities.shape) < probabilities)
        check_reach(self.point.x, self._farthest, "the density is not normalisable: exp(−E) has no finite integral")
        return probabilities

    def _check_start(self) -> None:
        """Raise `SamplingError` unless the energy and the score are finite at every start."""
        with np.errstate(all="ignore"):
            bad = ~np.isfinite(self.point.energy[0] + self.point.score[0].sum(axis=-1))
        if bad.any():
            row = int(np.argmax(bad))
            energy, score = self.point.energy[0, row], self.point.score[0, row]
            what = (
                f"the score is not finite in coordinate {int(np.argmin(np.isfinite(score)))}"
                if np.isfinite(energy)
                else f"the energy is {energy}"
            )
            raise SamplingError(
                origin=ORIGIN,
                what=f"{what} at start {row}; {counted(int(bad.sum()), 'start')} of {len(bad)} like it",
                hint="pass start=… or data=… with points of finite energy, or bounds=… that keep out where it is not",
            )
