"""L-BFGS on all samples in every iteration, by SciPy."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.data.batches import Batch, Batches
from smgen.errors import BuildError
from smgen.training.evaluate import evaluate
from smgen.training.problem import Problem
from smgen.training.settings import Settings
from smgen.training.spheres import Spheres
from smgen.training.state import State
from smgen.training.watch import Watch, interruptible

Array = npt.NDArray[Any]

SEGMENT: Final = 200
"""Iterations between two checkpoints.

Each segment begins with a new history of gradients, which SciPy does not let out, so that a resumed run is the run that
was not interrupted."""


def run(
    problem: Problem, batches: Batches, held_out: Batch | None, settings: Settings, state: State, watch: Watch
) -> None:
    """Train until L-BFGS converges, the iterations are done, or there is a reason to stop, which `state.stopped` says.

    Noise and probes are the same in every iteration. Raises `BuildError` without SciPy, and if the loss is not finite
    at the start.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise BuildError(what="--optimiser lbfgs needs SciPy", hint="pip install 'smgen[fit]'") from error
    begun = time.perf_counter() - state.seconds
    spheres = Spheres.of(settings.unit_rows, state.flat.shapes)
    if state.stopped:  # before, for a reason that stands
        return
    if not state.history:
        spheres.normalise(state.flat.parts)
        evaluate(problem, held_out, settings, state, None)
        watch.evaluated(state)
    workspace = problem.module.Workspace()
    with interruptible() as interrupted:
        while not state.stopped and state.step < settings.steps:
            first, losses = state.step, list[float]()

            def objective(theta: Array, losses: list[float] = losses) -> tuple[float, Array]:
                loss, slopes = _whole(problem, batches, theta, settings, workspace)
                losses.append(loss)
                return loss, slopes

            def after(theta: Array, first: int = first, losses: list[float] = losses) -> None:
                state.flat.fill(problem.module.unflatten(theta))
                spheres.normalise(state.flat.parts)
                state.step += 1
                state.seconds = time.perf_counter() - begun
                watch.stepped(state)
                if state.step % settings.evaluate_every == 0 or state.step == settings.steps:
                    evaluate(problem, held_out, settings, state, losses[-1])
                    watch.evaluated(state)
                if problem.team.agree(0.0, interrupted())[1]:
                    state.stopped = "interrupted"
                if state.stopped:
                    raise StopIteration

            begin = problem.module.flatten(state.flat.parts)
            count = min(SEGMENT, settings.steps - state.step)
            options = {"maxiter": count, "maxfun": 20 * count, "maxcor": 20}
            try:
                result = minimize(objective, begin, jac=True, method="L-BFGS-B", callback=after, options=options)
            except FloatingPointError:
                state.stopped = f"the loss is not finite near step {state.step}: try a larger lam, or rescale the data"
                break
            reason = str(state.stopped)
            if reason == "interrupted":  # a run goes on from the end of a segment
                return
            if not reason and state.step - first < count:
                state.stopped = f"L-BFGS has converged: {result.message}"
                evaluate(problem, held_out, settings, state, float(result.fun))
                watch.evaluated(state)
            watch.checkpoint(state)
    if not state.stopped:
        state.stopped = "all steps are done"
    state.seconds = time.perf_counter() - begun
    watch.checkpoint(state)


def _whole(problem: Problem, batches: Batches, theta: Array, settings: Settings, workspace: Any) -> tuple[float, Array]:
    """J of all samples and its gradient, float64, added up over blocks in the order of the file."""
    try:
        params = problem.module.unflatten(theta)
    except ValueError as error:
        raise FloatingPointError(str(error)) from error
    spheres = Spheres(settings.unit_rows)
    lengths = spheres.lengths(params)
    spheres.normalise(params)
    loss, gradient, rows = 0.0, np.zeros_like(theta), 0.0
    for number, batch in enumerate(batches.whole()):
        value, slopes = problem.loss_and_grad(params, batch, number, workspace)
        loss += float(value) * len(batch.x)
        spheres.project(params, slopes)
        for name, length in lengths.items():
            slopes[name] /= length
        gradient += problem.module.flatten(slopes) * len(batch.x)
        rows += len(batch.x)
    if problem.team.size > 1:
        loss, *summed, share = problem.team.mean(np.concatenate([[loss], gradient, [float(rows)]])).tolist()
        gradient, rows = np.array(summed), share
    if not np.isfinite(loss) or not np.isfinite(gradient).all():
        raise FloatingPointError
    return loss / rows, gradient / rows
