"""The loop of Adam: batches, steps, evaluations, checkpoints, and the reasons to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite, sqrt
from typing import Any, Final, Protocol

import numpy as np

from smgen.data.batches import Batch, Batches
from smgen.errors import BuildError
from smgen.training import adam
from smgen.training.problem import Problem
from smgen.training.settings import Settings
from smgen.training.state import Evaluation, State

WORSE: Final = 2.0
"""Standard errors of the difference by which a held-out loss must be above the best to count as worse."""

GAP_ERRORS: Final = 5.0
"""Standard errors by which the module's loss and the true one must differ before the difference means anything."""


class Watch(Protocol):
    """What follows a run: the display, the log, the checkpoints."""

    def stepped(self, state: State) -> None:
        """After each step."""

    def evaluated(self, state: State) -> None:
        """After each evaluation, the latest of the state's history."""

    def checkpoint(self, state: State) -> None:
        """At each step at which the run could go on; the last one included."""


def run(
    problem: Problem, batches: Batches, held_out: Batch | None, settings: Settings, state: State, watch: Watch
) -> None:
    """Train until the steps are done or there is a reason to stop, which `state.stopped` says.

    The state after n steps depends on the arguments alone, however often the run was interrupted and resumed. Raises
    `BuildError` if the loss is not finite before anything was learned.
    """
    begun = time.perf_counter() - state.seconds
    workspace = problem.module.Workspace()
    gradient = state.flat.xp.empty_like(state.flat.vector)
    into = state.flat.views(gradient)
    room = state.flat.xp.empty_like(state.flat.vector)
    if not state.history:
        _evaluate(problem, held_out, settings, state, None)
        watch.evaluated(state)
    with interruptible() as interrupted:
        for batch in _stream(batches, state.step):
            if state.step >= settings.steps:
                state.stopped = "all steps are done"
            elif interrupted():
                state.stopped = "interrupted"
            if state.stopped:
                break
            loss, slopes = problem.loss_and_grad(state.flat.parts, batch, [settings.seed, state.step], workspace)
            for name, part in into.items():
                part[...] = slopes[name]
            if settings.clip:
                adam.clip(state.flat.xp, gradient, settings.clip)
            state.adam.update(
                state.flat.vector,
                gradient,
                step=state.step,
                rate=settings.rate_at(state.step),
                decay=settings.decay,
            )
            if settings.average:
                adam.average(state.flat.xp, state.average, state.flat.vector, settings.average, state.step, room)
            state.total, state.count = state.total + loss, state.count + 1
            state.step += 1
            state.seconds = time.perf_counter() - begun
            watch.stepped(state)
            if state.step % settings.evaluate_every == 0 or state.step == settings.steps:
                _evaluate(problem, held_out, settings, state, float(state.total) / state.count)
                state.total, state.count = 0.0, 0
                watch.evaluated(state)
                watch.checkpoint(state)
    state.seconds = time.perf_counter() - begun
    watch.checkpoint(state)


def _stream(batches: Batches, done: int) -> Iterator[Batch]:
    """Epoch after epoch, from after the batches that are done."""
    epoch, skipped = divmod(done, batches.in_epoch)
    while True:
        yield from batches.epoch(epoch, skipped)
        epoch, skipped = epoch + 1, 0


def _evaluate(problem: Problem, held_out: Batch | None, settings: Settings, state: State, loss: float | None) -> None:
    """Measure, keep the best, and say whether to stop."""
    vector = state.average if settings.average else state.flat.vector
    params = state.flat.views(vector)
    value = error = own = None
    if held_out is not None:
        with np.errstate(all="ignore"):
            truth = problem.true_losses(params, held_out)
            mine = truth if problem.is_true else problem.own_losses(params, held_out)
            value, error = float(truth.mean()), float(truth.std() / sqrt(len(truth)))
            own = None if problem.is_true else float(mine.mean())
            spread = float((truth - mine).std() / sqrt(len(truth)))
    entry = Evaluation(
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
        state.stopped = f"the loss is not finite at step {state.step}: try a lower rate, clip=1.0, or a larger lam"
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


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is noted and asked for between two steps; a second one acts at once."""
    asked: list[Any] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
