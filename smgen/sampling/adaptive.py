"""What HMC, MALA and parallel tempering have in common: warm-up with adaptation, then draws with all of it frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from smgen.density import Density
from smgen.sampling.box import Floats
from smgen.sampling.checks import fraction, one_of, positive, settle, whole
from smgen.sampling.evaluation import Evaluator
from smgen.sampling.exchange import Exchange
from smgen.sampling.hamiltonian import HamiltonianChains
from smgen.sampling.problem import Problem, Run, Rung, Ticker, one_density
from smgen.sampling.warmup import warm_up

MASSES: Final = ("diagonal", "unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptive:
    """Settings of methods that accept or reject.

    `warmup` transitions are run first and thrown away, then every `thin`-th one yields a draw of each chain. During
    warm-up the step is adapted until proposals are accepted with the probability `target`, unless `step_size` is
    given. With mass="diagonal", steps are in units of the standard deviations that warm-up measures; with
    mass="unit", in units of x.
    """

    ONE_DRAW: ClassVar[bool] = False

    warmup: int = 500
    thin: int = 1
    step_size: float | None = None
    target: float = 0.8
    mass: str = "diagonal"

    def __post_init__(self) -> None:
        settle(
            self,
            warmup=whole("warmup", self.warmup, 0),
            thin=whole("thin", self.thin, 1),
            target=fraction("target", self.target),
            mass=one_of("mass", self.mass, MASSES),
            step_size=None if self.step_size is None else positive("step_size", self.step_size),
        )

    @property
    def start_scale(self) -> float:
        """Noise to start from has standard deviation 1."""
        return 1.0

    def densities(self, density: object) -> tuple[Density, ...]:
        """The one density."""
        return one_density(density)


def run_adaptive(problem: Problem, settings: Adaptive, *, leapfrog: int, temperatures: Sequence[float] = (1.0,)) -> Run:
    """Warm up and sample, at all temperatures; keep the draws of the first one, which is 1.

    A trajectory has ⌈L/2⌉ to ⌊3L/2⌋ steps, L = `leapfrog`, drawn anew for every transition and the same for all
    chains: a fixed length may be a period of the motion, which then returns to its start (Neal 2011, section 3.2).
    """
    rng, kept = problem.rng, problem.kept()
    evaluator = Evaluator(problem.densities[0])
    chains = HamiltonianChains(evaluator, problem.box, problem.start, np.array(temperatures, dtype=np.float64), rng)
    exchange = Exchange(chains)
    ticker = Ticker(problem.progress, settings.warmup + problem.draws * settings.thin)

    def iterate() -> Floats:
        acceptance = chains.move(int(rng.integers(-(-leapfrog // 2), 3 * leapfrog // 2 + 1))).mean(axis=1)
        exchange.swap()
        ticker.tick()
        return np.asarray(acceptance)

    warm_up(
        chains,
        iterate,
        count=settings.warmup,
        target=settings.target,
        step_size=settings.step_size,
        adapt_scales=settings.mass == "diagonal",
    )
    exchange.forget()
    acceptance = np.zeros(len(temperatures))
    transitions = problem.draws * settings.thin
    for i in range(transitions):
        acceptance += iterate() / transitions
        if (i + 1) % settings.thin == 0:
            kept[:, i // settings.thin] = chains.point.x[0]
    rates = [*exchange.rates.tolist(), None]
    rungs = zip(temperatures, acceptance.tolist(), chains.steps.tolist(), rates, strict=True)
    return Run(
        chains=kept,
        acceptance=float(acceptance[0]),
        step_size=float(chains.steps[0]),
        ladder=tuple(Rung(*rung) for rung in rungs) if len(temperatures) > 1 else (),
        failures=chains.failures,
        proposals=transitions * chains.point.energy.size,
    )
