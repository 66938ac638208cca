"""The loop of Adam: batches, steps, evaluations, checkpoints, and the reasons to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator

from smgen.data.batches import Batch, Batches
from smgen.models.device import on_host
from smgen.training import adam
from smgen.training.evaluate import evaluate, not_finite
from smgen.training.problem import Problem
from smgen.training.settings import Settings
from smgen.training.spheres import Spheres
from smgen.training.state import State
from smgen.training.watch import Watch, interruptible


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
    team, spheres = problem.team, Spheres.of(settings.unit_rows, state.flat.shapes)
    if state.stopped:  # before, for a reason that stands
        return
    if not state.history:
        spheres.normalise(state.flat.parts)
        state.average[...] = state.flat.vector
        evaluate(problem, held_out, settings, state, None)
        watch.evaluated(state)
    with interruptible() as interrupted:
        stop = False
        for batch in _stream(batches, state.step):
            if state.step >= settings.steps:
                state.stopped = "all steps are done"
            elif stop:
                state.stopped = "interrupted"
            if state.stopped:
                break
            try:
                loss, slopes = problem.loss_and_grad(state.flat.parts, batch, state.step, workspace)
            except ValueError:
                if state.flat.xp.isfinite(state.flat.vector).all():
                    raise
                state.stopped = not_finite(state.step)
                break
            for name, part in into.items():
                part[...] = slopes[name]
            if team.size > 1:
                gradient[...] = state.flat.xp.asarray(team.mean(on_host(gradient)))
            loss, stop = team.agree(loss, interrupted())
            spheres.project(state.flat.parts, into)
            if settings.clip:
                adam.clip(state.flat.xp, gradient, settings.clip)
            state.adam.update(
                state.flat.vector,
                gradient,
                step=state.step,
                rate=settings.rate_at(state.step),
                decay=settings.decay,
            )
            spheres.normalise(state.flat.parts)
            state.total, state.count = state.total + loss, state.count + 1
            state.step += 1
            state.seconds = time.perf_counter() - begun
            is_due = state.step % settings.evaluate_every == 0 or state.step == settings.steps
            since = state.step - state.averaged
            if settings.average and (is_due or since == adam.AVERAGED):
                beta, xp = settings.average, state.flat.xp
                adam.average(xp, state.average, state.flat.vector, beta, step=state.step, since=since, room=room)
                state.averaged = state.step
            watch.stepped(state)
            if is_due:
                evaluate(problem, held_out, settings, state, float(state.total) / state.count)
                state.total, state.count = 0.0, 0
                watch.evaluated(state)
                watch.checkpoint(state)
    state.seconds = time.perf_counter() - begun
    watch.checkpoint(state)


def _stream(batches: Batches, done: int) -> Iterator[Batch]:
    """Epoch after epoch, from after the batches that are done."""
    epoch, skipped = 0, done
    while skipped >= (length := batches.in_epoch(epoch)):
        epoch, skipped = epoch + 1, skipped - length
    while True:
        yield from batches.epoch(epoch, skipped)
        epoch, skipped = epoch + 1, 0
