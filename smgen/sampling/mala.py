"""The Metropolis-adjusted Langevin algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smgen.sampling.adaptive import Adaptive, run_adaptive
from smgen.sampling.problem import Problem, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class MALA(Adaptive):
    """MALA (Besag 1994; Roberts and Tweedie 1996): x′ = x − ½ ε² ∂E/∂x + ε ξ with ξ ~ N(0, 1), accepted or rejected.

    It is Hamiltonian Monte Carlo with one leapfrog step: ξ is the momentum, and exp(H − H′) is the Metropolis-Hastings
    ratio of the Langevin proposal. Run as that, it is also right within bounds. The density of a proposal that is
    reflected at bounds is a sum over all its mirror images, which MALA's ratio would need; the pair of position and
    momentum has one image, its map preserves volume, and the ratio stays exp(H − H′).

    The target 0.574 is the asymptotically best (Roberts and Rosenthal 1998).
    """

    NAME: ClassVar[str] = "mala"

    warmup: int = 1000
    thin: int = 10
    target: float = 0.574

    def run(self, problem: Problem) -> Run:
        """Sample with all chains at once."""
        return run_adaptive(problem, self, leapfrog=1)
