"""One unadjusted Langevin step of all chains."""

from __future__ import annotations

import numpy as np

from smgen.errors import counted
from smgen.sampling.box import Box, Floats
from smgen.sampling.checks import ORIGIN
from smgen.sampling.errors import SamplingError
from smgen.sampling.evaluation import Evaluator
from smgen.sampling.limits import check_reach, farthest


class Walk:
    """Langevin steps of chains at x (chains, D), in place."""

    def __init__(self, box: Box, x: Floats, rng: np.random.Generator) -> None:
        self._box, self._x, self._rng = box, x, rng
        self._change = np.empty_like(x)
        self._farthest = farthest(x)
        self._done = 0

    def step(self, evaluator: Evaluator, step: float) -> None:
        """x ← x − ½ ε² ∂E/∂x + ε ξ, ξ ~ N(0, 1), for the step ε; then reflected at bounds."""
        x, change = self._x, self._change
        self._climb(evaluator, 0.5 * step * step)
        self._rng.standard_normal(out=change)
        change *= step
        x += change
        self._box.fold(x)
        self._done += 1
        check_reach(x, self._farthest, f"steps of {step:g} are too long for this score, or it leads outwards")

    def jump(self, evaluator: Evaluator, length: float) -> None:
        """x ← x − length ∂E/∂x, without noise; then clipped into the bounds."""
        self._climb(evaluator, length)
        np.clip(self._x, self._box.low, self._box.high, out=self._x)

    def _climb(self, evaluator: Evaluator, length: float) -> None:
        """x ← x − length ∂E/∂x."""
        with np.errstate(all="ignore"):
            evaluator.score(self._x, self._change)
            if not np.isfinite(self._change.sum()):
                self._check_scores()
            self._change *= length
            self._x += self._change

    def _check_scores(self) -> None:
        """Raise `SamplingError` if a score is not finite, naming the first such chain."""
        bad = np.asarray(~np.isfinite(self._change).all(axis=-1))
        if bad.any():
            where = f"after {counted(self._done, 'step')}" if self._done else "at the start"
            raise SamplingError(
                origin=ORIGIN,
                what=f"the score of chain {int(np.argmax(bad))} is not finite {where}; "
                f"{counted(int(bad.sum()), 'chain')} of {len(bad)} like it",
                hint="pass start=… where the score is finite, a smaller step_size, or bounds=…; "
                "method='mala' rejects such steps",
            )
