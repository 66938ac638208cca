"""λ chosen by the loss of the samples held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from smgen.data.split import Split
from smgen.errors import BuildError
from smgen.training import loop
from smgen.training.problem import Problem
from smgen.training.progress import Together
from smgen.training.settings import Settings
from smgen.training.state import State

CANDIDATES: Final = (0.0, 0.001, 0.01, 0.1, 1.0)

PART: Final = 5
"""Each candidate is tried for this part of the steps."""


def choose(problem: Problem, split: Split, settings: Settings, tell: Callable[[str], None]) -> float:
    """The λ of `CANDIDATES` with which a short run by Adam reaches the least held-out loss at λ = 0.

    Raises `BuildError` for a loss without λ, and if no samples are held out.
    """
    if not problem.objective.takes_lam:
        raise BuildError(what=f"lam: the {problem.objective.name} loss has no λ", hint="leave lam out")
    if split.held_out is None:
        raise BuildError(what="lam: no samples are held out to choose it by", hint="held_out=0.1, or a number for lam")
    reached = {}
    for lam in CANDIDATES:
        short = replace(
            settings, optimiser="adam", lam=lam, steps=max(1, settings.steps // PART), evaluations=5, patience=0
        )
        state = State.start(problem.module, problem.module.init_params(settings.seed))
        loop.run(replace(problem, lam=lam), split.training, split.held_out, short, state, Together(()))
        if state.stopped == "interrupted":
            raise KeyboardInterrupt
        part = problem.share(split.held_out)
        losses = problem.true_losses(state.flat.views(state.best), part) if len(part.x) else np.zeros(0)
        best = problem.team.joined(losses)
        reached[lam] = float(best.mean())
        tell(f"λ = {lam:g}: held-out loss {reached[lam]:.5g}")
    chosen = min(reached, key=lambda lam: reached[lam])
    tell(f"λ = {chosen:g} is taken")
    return chosen
