"""The experiment: learn two fields, choose the prior's weight, restore photographs that were not learned from, draw."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from examples.field_of_experts import comparison, pictures
from examples.field_of_experts.learning import Part, foreseen, learn, loss
from examples.field_of_experts.model import Field
from examples.field_of_experts.nets import backend
from examples.field_of_experts.plan import FULL, QUICK, Plan
from examples.field_of_experts.report import Learned, Results
from examples.field_of_experts.restoring import choose
from smgen.demo.arrays import Array
from smgen.demo.images import HELD_OUT, TRAINING, photograph
from smgen.demo.results import ImageNumbers

Ticker = Callable[[str, int], Callable[[], None]]
"""(title, steps) → what is called once a step."""


def run(folder: Path, seed: int, quick: bool, ticker: Ticker) -> Results:
    """Everything from photographs to `results.json`. The same seed gives the same numbers on the same machine."""
    began, plan = time.perf_counter(), QUICK if quick else FULL
    modules = folder / "modules"
    modules.mkdir(parents=True, exist_ok=True)
    training, held_out = [photograph(name) for name in TRAINING], [_taken(photograph(n), plan) for n in HELD_OUT]

    def learned(name: str, part: Part) -> tuple[Field, Learned]:
        return _learned(part, training, held_out, modules, seed, ticker(f"learning the {name}", part.training.steps))

    denoiser, denoiser_numbers = learned("denoiser", plan.denoiser)
    prior, prior_numbers = learned("prior", plan.prior)
    tick = ticker("weighing the prior", len(plan.weights) + len(plan.widths))
    fields, choice = comparison.Fields(denoiser, prior), choose(prior, training, plan, seed, tick)

    tick = ticker("restoring", comparison.METHODS * len(HELD_OUT))
    denoising, enlarging = list[ImageNumbers](), list[ImageNumbers]()
    files = [folder / name for name in ("filters.png", "denoised.png", "enlarged.png", "results.json")]
    for n, (name, clean) in enumerate(zip(HELD_OUT, held_out, strict=True)):
        noisy = comparison.denoise(name, clean, fields, choice, plan, seed + n, tick)
        small = comparison.enlarge(name, clean, fields, choice, plan, tick)
        denoising.append(noisy[0])
        enlarging.append(small[0])
        if n == 0:
            pictures.draw_methods(files[1], clean, *noisy, columns=4)
            pictures.draw_methods(files[2], clean, *small, columns=3)
    pictures.draw_filters(files[0], {"the prior's filters": prior, "the denoiser's filters": denoiser})
    results = Results(
        seed=seed,
        quick=quick,
        backend=backend(),
        denoiser=denoiser_numbers,
        prior=prior_numbers,
        choice=choice,
        denoising=tuple(denoising),
        enlarging=tuple(enlarging),
        seconds=time.perf_counter() - began,
        files=tuple(map(str, files)),
    )
    results.save(files[-1])
    return results


def _learned(
    part: Part, training: list[Array], held_out: list[Array], modules: Path, seed: int, tick: Callable[[], None]
) -> tuple[Field, Learned]:
    began = time.perf_counter()
    field, trained = learn(part, training, modules, seed, tick)
    judged = loss(field, part, held_out, np.random.default_rng([seed, 3]))
    seconds = time.perf_counter() - began
    return field, Learned(part.noise, part.training.lam, trained, judged, foreseen(judged, part.noise), seconds)


def _taken(image: Array, plan: Plan) -> Array:
    """The photograph with an even number of rows and columns, or a window of it."""
    height, width = (2 * (n // 2) for n in image.shape)
    if not plan.window:
        return image[:height, :width]
    top, left = height // 4, width // 3
    return image[top : top + plan.window, left : left + plan.window]
