"""The loss of the samples held out during a run: the best so far, and the reasons to stop."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Final

import numpy as np

from smgen.data.batches import Batch
from smgen.errors import BuildError
from smgen.training.problem import Problem
from smgen.training.settings import Settings
from smgen.training.spheres import Spheres
from smgen.training.state import Entry, State

WORSE: Final = 2.0
"""Standard errors of the difference by which a held-out loss must be above the best to count as worse."""

GAP_ERRORS: Final = 5.0
"""Standard errors by which the module's loss and the true one must differ before the difference means anything."""


def evaluate(problem: Problem, held_out: Batch | None, settings: Settings, state: State, loss: float | None) -> None:
    """Measure, keep the best, and say whether to stop."""
    vector = state.average if settings.average else state.flat.vector
    if not state.flat.xp.isfinite(vector).all():
        state.stopped = not_finite(state.step)
        return
    if settings.unit_rows:  # the mean of unit rows is shorter
        vector = vector.copy()
        Spheres(settings.unit_rows).normalise(state.flat.views(vector))
    params = state.flat.views(vector)
    value = error = own = None
    if held_out is not None:
        with np.errstate(all="ignore"):
            part = problem.share(held_out)
            none = np.zeros(0)  # of a process, where there are fewer samples than processes
            truth = problem.team.joined(problem.true_losses(params, part, problem.lam) if len(part.x) else none)
            mine = (
                truth
                if problem.is_true
                else problem.team.joined(problem.own_losses(params, part, problem.lam) if len(part.x) else none)
            )
            value, error = float(truth.mean()), float(truth.std() / sqrt(len(truth)))
            own = None if problem.is_true else float(mine.mean())
            spread = float((truth - mine).std() / sqrt(len(truth)))
    entry = Entry(
        step=state.step,
        seconds=state.seconds,
        loss=float("nan") if loss is None else loss,
        held_out=value,
        error=error,
        own=own,
    )
    finite = all(isfinite(number) for number in (loss, value) if number is not None)
    if not finite and not state.history:
        raise BuildError(
            what="the loss is not finite before the first step",
            hint="rescale the data (--whiten standardise), or the network's weights and nonlinearities",
        )
    state.history.append(entry)
    if not finite:
        state.stopped = not_finite(state.step)
        return
    if value is None:
        state.best[...], state.best_step = vector, state.step
        return
    if value < state.best_loss:
        state.best[...], state.best_loss, state.best_step, state.stale = vector, value, state.step, 0
        state.best_losses = truth
    elif value - state.best_loss > WORSE * float((truth - state.best_losses).std()) / sqrt(len(truth)):
        state.stale += 1
    if own is not None and error is not None:
        state.stopped = _diverged(state, value, own, spread)
    if settings.patience and state.stale >= settings.patience and not state.stopped:
        state.stopped = f"no better held-out loss since step {state.best_step}"


def not_finite(step: int) -> str:
    """The reason to stop."""
    return f"the loss is not finite at step {step}: try a lower rate, clip=1.0, or a larger lam"


def _diverged(state: State, value: float, own: float, spread: float) -> str:
    """Whether the module's loss has lost touch with the true one, in words; empty if it has not."""
    begin = state.history[0]
    if begin.held_out is None or begin.own is None or state.step == 0:
        return ""
    claimed, gained = begin.own - own, begin.held_out - value
    if abs(value - own) > GAP_ERRORS * spread and claimed > 0 and gained < 0.5 * claimed:
        return (
            "the diagonal recursion is wrong for this network, and training exploits it: by its account the held-out "
            f"loss fell by {claimed:.4g}, in truth (by random probes) by {gained:.4g}. Take --hessian exact or "
            "hutchinson, or --objective denoising"
        )
    return ""
