"""`sample`: samples of a density by any of the methods."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from smgen.density import Density
from smgen.sampling.box import Box
from smgen.sampling.checks import ORIGIN, refused, whole
from smgen.sampling.diagnostics import convergence, findings
from smgen.sampling.errors import SamplingError, SamplingWarning
from smgen.sampling.methods import configured
from smgen.sampling.problem import Problem, Progress
from smgen.sampling.samples import Samples
from smgen.sampling.starts import starting_points

CHAINS: Final = 16
"""Chains unless the user says otherwise: enough for R-hat, few enough to spend little on warm-up."""


def sample(
    density: Density | Callable[[float], Density],
    count: int,
    *,
    method: str = "hmc",
    chains: int | None = None,
    warmup: int | None = None,
    thin: int | None = None,
    step_size: float | None = None,
    temperatures: Sequence[float] | None = None,
    start: npt.ArrayLike | None = None,
    data: npt.ArrayLike | None = None,
    bounds: tuple[object, object] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: object,
) -> Samples:
    """Draw `count` samples of exp(−E) by `method`: "hmc", "mala", "langevin", "annealed" or "tempering".

    `METHODS` has the settings of each, a record whose fields are its options: `warmup`, `thin`, `step_size`,
    `temperatures`, and those passed as `options`, such as `leapfrog`, `target`, `mass`, `sigmas` and `denoise`. None
    stands for the method's default. Annealed sampling takes a function of σ for `density`.

    `chains` (16, or as many as `start` has rows) run side by side, ⌈count/chains⌉ draws each; annealed sampling takes
    one chain for each sample. They start from `start` (chains, D), random rows of `data` (N, D), or noise N(0, 1).
    `bounds=(low, high)`, numbers or arrays (D,) with None or ±∞ for no bound, cut the density off there; chains are
    reflected. The same `seed` gives the same samples. `progress(done, total)` is called after every transition.

    Raises `SamplingError` for a wrong argument, before anything is computed, for an energy that is not finite at a
    start, and for chains that leave to infinity. Issues a `SamplingWarning` for every sentence in `Samples.warnings`.
    """
    began = time.perf_counter()
    named = {"warmup": warmup, "thin": thin, "step_size": step_size, "temperatures": temperatures}
    settings = configured(method, {**named, **options})
    count, rng = whole("count", count, 1), np.random.default_rng(whole("seed", seed, 0, most=None))
    if progress is not None and not callable(progress):
        raise refused("progress", progress, "a function of (done, total)")
    densities = settings.densities(density)
    box = Box.of(bounds, densities[0].dimension, densities[0].dtype)
    number = _chains(chains, start, count, one_draw=settings.ONE_DRAW)
    points = starting_points(
        start, data, chains=number, box=box, dtype=densities[0].dtype, scale=settings.start_scale, rng=rng
    )
    draws = -(-count // number)
    run = settings.run(Problem(densities=densities, draws=draws, start=points, box=box, rng=rng, progress=progress))
    r_hat, effective = convergence(run.chains)
    sentences = findings(run, r_hat, effective, one_draw=settings.ONE_DRAW)
    for sentence in sentences:
        warnings.warn(SamplingWarning(sentence), stacklevel=2)
    return Samples(
        values=run.chains.swapaxes(0, 1).reshape(-1, densities[0].dimension)[:count],
        chains=run.chains,
        acceptance=run.acceptance,
        step_size=run.step_size,
        r_hat=r_hat,
        effective_samples=effective,
        ladder=run.ladder,
        seconds=time.perf_counter() - began,
        warnings=sentences,
    )


def _chains(chains: int | None, start: object, count: int, *, one_draw: bool) -> int:
    """How many chains to run."""
    if chains is not None:
        chains = whole("chains", chains, 1)
        if one_draw and chains != count:
            raise SamplingError(
                origin=ORIGIN,
                what=f"chains={chains} for {count} samples: the method takes one chain for each sample",
                hint="leave chains out; at_once=… limits how many are run at a time",
            )
        return chains
    if one_draw:
        return count
    try:
        rows = np.shape(start)[0] if start is not None else 0  # type: ignore[call-overload]
    except (ValueError, IndexError):  # `starting_points` says what is wrong with it
        rows = 0
    return int(rows) or min(CHAINS, count)
