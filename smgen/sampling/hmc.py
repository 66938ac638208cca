"""Hamiltonian Monte Carlo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smgen.sampling.adaptive import Adaptive, run_adaptive
from smgen.sampling.checks import settle, whole
from smgen.sampling.problem import Problem, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class HMC(Adaptive):
    """Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011) with trajectories of about `leapfrog` steps.

    The target 0.8 is Hoffman and Gelman's (2014), above the asymptotically best 0.651 of Beskos et al. (2013), which
    leaves no room for errors of adaptation. Within bounds the momentum is reflected with the position.

    With every third transition kept, draws of a Gaussian of 1 to 100 coordinates are nearly independent, squares
    included. With all kept, R-hat of 60 draws a chain is above 1.05 there, although nothing is wrong.
    """

    NAME: ClassVar[str] = "hmc"

    thin: int = 3
    leapfrog: int = 10

    def __post_init__(self) -> None:
        Adaptive.__post_init__(self)
        settle(self, leapfrog=whole("leapfrog", self.leapfrog, 1))

    def run(self, problem: Problem) -> Run:
        """Sample with all chains at once."""
        return run_adaptive(problem, self, leapfrog=self.leapfrog)
