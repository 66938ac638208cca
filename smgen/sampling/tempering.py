"""Parallel tempering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smgen.sampling.adaptive import Adaptive, run_adaptive
from smgen.sampling.checks import geometric, refused, sequence, settle, whole
from smgen.sampling.problem import Problem, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempering(Adaptive):
    """Parallel tempering (Swendsen and Wang 1986; Geyer 1991), for densities with modes far apart.

    Each chain is run at every temperature T, with the density ∝ exp(−E/T), and neighbours exchange their positions
    after every transition. Chains at high T cross between modes; the draws are those at T = 1. `temperatures` rise
    from 1. The transitions are those of HMC with `leapfrog` steps, or of MALA with leapfrog=1; the steps and the
    masses are adapted for each temperature. `Samples.ladder` has the acceptance and the swap rate of each.

    exp(−E/T) must be normalisable too: the tails of exp(−E), or the bounds, must allow it at the highest T.
    """

    NAME: ClassVar[str] = "tempering"

    thin: int = 2
    leapfrog: int = 5
    temperatures: tuple[float, ...] = geometric(1.0, 64.0, 8)

    def __post_init__(self) -> None:
        Adaptive.__post_init__(self)
        temperatures = sequence("temperatures", self.temperatures, rising=True)
        if temperatures[0] != 1 or len(temperatures) < 2:
            hint = "smgen.sampling.geometric(1, 64, 8)"
            raise refused("temperatures", self.temperatures, "a sequence of at least two that begins with 1", hint)
        settle(self, leapfrog=whole("leapfrog", self.leapfrog, 1), temperatures=temperatures)

    def run(self, problem: Problem) -> Run:
        """Sample with all chains at all temperatures at once."""
        return run_adaptive(problem, self, leapfrog=self.leapfrog, temperatures=self.temperatures)
