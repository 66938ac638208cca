"""The leapfrog integrator for many chains, with reflection at bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smgen.sampling.box import Box, Floats
from smgen.sampling.evaluation import Evaluator


@dataclass(slots=True, eq=False)
class Point:
    """Where the chains are: x (G, C, D) for G temperatures and C chains, E (G, C) and −∂E/∂x (G, C, D) there."""

    x: Floats
    energy: Floats
    score: Floats

    def copy(self) -> Point:
        """A point of arrays of its own."""
        return Point(self.x.copy(), self.energy.copy(), self.score.copy())

    def become(self, other: Point, where: npt.NDArray[np.bool_] | None = None) -> None:
        """Take over the other point, for all chains or only `where` (G, C)."""
        rows = True if where is None else where[..., None]
        np.copyto(self.x, other.x, where=rows)
        np.copyto(self.score, other.score, where=rows)
        np.copyto(self.energy, other.energy, where=True if where is None else where)


def leapfrog(
    evaluator: Evaluator, box: Box, point: Point, momentum: Floats, *, kick: Floats, drift: Floats, count: int
) -> npt.NDArray[np.bool_]:
    """Move `point` and `momentum` u (G, C, D) by `count` leapfrog steps, in place; return which chains succeeded.

    Hamilton's equations of H = E(x)/T + ½ |u|² in the coordinates x/s, with the scales s of a diagonal mass 1/s²
    (Neal, "MCMC using Hamiltonian dynamics", 2011, sections 2.3 and 5.1), for a step ε:

        u ← u − kick ∂E/∂x,   x ← x + drift u,   u ← u − kick ∂E/∂x,      kick = ½ ε s/T,   drift = ε s.

    Between two kicks a particle flies straight ahead, and bounces off the bounds. Each part preserves volume and is
    undone by the same part with the momentum turned, hence so is the whole: the Metropolis rule needs H alone.

    Only the last step evaluates E. A chain fails if a position or score on its way is not finite or too large for the
    density's dtype. The trajectory back fails at the same place, so rejecting both keeps detailed balance. A failed
    chain goes on from where it was, at rest, so that the density sees sensible numbers.
    """
    succeeded = np.ones(point.energy.shape, dtype=np.bool_)
    start = point.x.copy()
    change = np.empty_like(momentum)
    reach = np.sqrt(float(np.finfo(evaluator.density.dtype).max))

    def kicked(times: float) -> None:
        np.multiply(point.score, times * kick, out=change)
        np.add(momentum, change, out=momentum)

    def stopped(good: npt.NDArray[np.bool_]) -> None:
        if not good.all():
            np.logical_and(succeeded, good, out=succeeded)
            point.x[~good], momentum[~good] = start[~good], 0.0

    with np.errstate(all="ignore"):
        kicked(1.0)
        for i in range(count):
            np.multiply(momentum, drift, out=change)
            np.add(point.x, change, out=point.x)
            box.fold(point.x, momentum)
            stopped(np.abs(point.x, out=change).max(axis=-1) < reach)
            if i == count - 1:
                evaluator.energy_and_score(point.x, point.energy, point.score)
            else:
                evaluator.score(point.x, point.score)
            good = np.isfinite(point.score.sum(axis=-1))
            stopped(good)
            point.score[~good] = 0.0
            kicked(1.0 if i == count - 1 else 2.0)
    np.logical_and(succeeded, np.isfinite(point.energy), out=succeeded)
    return succeeded
