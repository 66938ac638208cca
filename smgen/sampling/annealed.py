"""Annealed Langevin sampling of conditional energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from smgen.density import Density
from smgen.errors import shortened
from smgen.sampling.box import Floats
from smgen.sampling.checks import ORIGIN, flag, positive, sequence, settle, whole
from smgen.sampling.errors import SamplingError
from smgen.sampling.evaluation import Evaluator
from smgen.sampling.problem import Problem, Run, Ticker, one_density
from smgen.sampling.walk import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Annealed:
    """Annealed Langevin dynamics (Song and Ermon 2019, algorithm 1) of a function σ ↦ density of the data + σ N(0, 1).

    For each of the falling noise levels σ in `sigmas`, `steps` times x ← x − ½ ε² ∂E_σ/∂x + ε ξ with ε = `step_size` σ:
    their α is ε², proportional to σ². High levels join the modes, low ones sharpen the samples. Each chain starts from
    N(0, σ₁²), the first level, and yields one sample, a draw of the last level. The samples are independent.
    Their density differs by O(ε²) from the last level's, and by what the levels before did not find.

    `denoise` ends with x ← x − σ² ∂E_σ/∂x, the mean of the data that the noise was added to (Miyasawa 1961;
    Jolicoeur-Martineau et al. 2021): samples look cleaner, and spread a little less than the data where σ blurs them.
    `at_once` chains are run at a time. Within bounds, steps are reflected (`Langevin` says why), the last is clipped.
    """

    NAME: ClassVar[str] = "annealed"
    ONE_DRAW: ClassVar[bool] = True

    sigmas: tuple[float, ...] | None = None
    steps: int = 100
    step_size: float = 0.3
    denoise: bool = False
    at_once: int = 4096

    def __post_init__(self) -> None:
        if self.sigmas is None:
            raise SamplingError(
                origin=ORIGIN,
                what="method='annealed' needs sigmas, the falling noise levels",
                hint="sigmas=smgen.sampling.geometric(1, 0.01, 10), from the spread of the data to below their detail",
            )
        settle(
            self,
            sigmas=sequence("sigmas", self.sigmas, rising=False),
            steps=whole("steps", self.steps, 1),
            step_size=positive("step_size", self.step_size),
            denoise=flag("denoise", self.denoise),
            at_once=whole("at_once", self.at_once, 1),
        )

    @property
    def start_scale(self) -> float:
        """Noise to start from has the standard deviation of the first level."""
        return self._levels[0]

    @property
    def _levels(self) -> tuple[float, ...]:
        return self.sigmas or ()

    def densities(self, density: object) -> tuple[Density, ...]:
        """The density of each level, all of one dimension and dtype."""
        if isinstance(density, Density) or not callable(density):
            raise SamplingError(
                origin=ORIGIN,
                what=f"density={shortened(density)} is not a function of sigma, which method='annealed' needs",
                hint="density=lambda sigma: Density(…), or another method for one density",
            )
        levels = [one_density(density(sigma))[0] for sigma in self._levels]
        if len({(level.dimension, np.dtype(level.dtype)) for level in levels}) > 1:
            raise SamplingError(
                origin=ORIGIN,
                what="the densities of the noise levels differ in dimension or dtype",
                hint="return a density of the same vectors for every sigma",
            )
        return tuple(levels)

    def run(self, problem: Problem) -> Run:
        """Sample `at_once` chains at a time."""
        kept, x = problem.kept(), problem.start.copy()
        batches = range(0, len(x), self.at_once)
        ticker = Ticker(problem.progress, len(batches) * len(self._levels) * self.steps)
        for first in batches:
            part = x[first : first + self.at_once]
            self._anneal(problem, part, ticker)
            kept[first : first + self.at_once, 0] = part
        return Run(chains=kept, acceptance=None, step_size=self.step_size * self._levels[-1])

    def _anneal(self, problem: Problem, x: Floats, ticker: Ticker) -> None:
        """Take chains at x (chains, D) through all levels, in place."""
        walk = Walk(problem.box, x, problem.rng)
        for sigma, density in zip(self._levels, problem.densities, strict=True):
            evaluator = Evaluator(density)
            for _ in range(self.steps):
                walk.step(evaluator, self.step_size * sigma)
                ticker.tick()
        if self.denoise:
            walk.jump(evaluator, self._levels[-1] * self._levels[-1])
