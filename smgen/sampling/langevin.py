"""The unadjusted Langevin algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smgen.density import Density
from smgen.sampling.checks import positive, settle, whole
from smgen.sampling.evaluation import Evaluator
from smgen.sampling.problem import Problem, Run, Ticker, one_density
from smgen.sampling.walk import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Langevin:
    """Unadjusted Langevin (Roberts and Tweedie 1996): x ← x − ½ ε² ∂E/∂x + ε ξ, ξ ~ N(0, 1), ε = `step_size`.

    Every proposal is taken, so the draws are from a density that differs from exp(−E) by O(ε²): for N(0, s²), from
    N(0, s²/(1 − ε²/4s²)). It takes the score alone, and suits scores that are no gradients. `step_size` and
    `thin` suit data of about unit scale, whose draws are then nearly independent.

    Within bounds a proposal is reflected. That is the symmetrised Euler scheme of the reflected Langevin diffusion,
    whose stationary density is exp(−E) within the bounds; its error is O(ε²) as well (Bossy, Gobet and Talay 2004).
    """

    NAME: ClassVar[str] = "langevin"
    ONE_DRAW: ClassVar[bool] = False

    warmup: int = 500
    thin: int = 75
    step_size: float = 0.2

    def __post_init__(self) -> None:
        settle(
            self,
            warmup=whole("warmup", self.warmup, 0),
            thin=whole("thin", self.thin, 1),
            step_size=positive("step_size", self.step_size),
        )

    @property
    def start_scale(self) -> float:
        """Noise to start from has standard deviation 1."""
        return 1.0

    def densities(self, density: object) -> tuple[Density, ...]:
        """The one density."""
        return one_density(density)

    def run(self, problem: Problem) -> Run:
        """Sample with all chains at once."""
        kept, x = problem.kept(), problem.start.copy()
        transitions = self.warmup + problem.draws * self.thin
        ticker = Ticker(problem.progress, transitions)
        walk = Walk(problem.box, x, problem.rng)
        evaluator = Evaluator(problem.densities[0])
        for i in range(transitions):
            walk.step(evaluator, self.step_size)
            draw, rest = divmod(i - self.warmup, self.thin)
            if rest == self.thin - 1 and draw >= 0:
                kept[:, draw] = x
            ticker.tick()
        return Run(chains=kept, acceptance=None, step_size=self.step_size)
