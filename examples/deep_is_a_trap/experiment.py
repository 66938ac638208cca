"""The experiment: one network for each depth, learned in every mode and at every λ, judged by the exact module.

Everything but the mode is the same for the networks of a depth: the first parameters, the batches, the optimiser.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np

from examples.deep_is_a_trap import mixture
from smgen.build import Options, compiled
from smgen.demo.arrays import Batch, Floats, Params
from smgen.demo.optimise import Training, adam
from smgen.errors import InexactWarning

NETS: Final = {1: "one", 2: "two", 3: "three"}
MODES: Final = ("diagonal", "exact", "hutchinson")
LAMS: Final = (0.0, 0.01)
CELLS: Final = len(NETS) * len(LAMS) * len(MODES)
PROBES: Final = 2
"""Hutchinson's, a sample. The square of δ′ that λ weighs is estimated without bias from two, not from one."""

_TRAINING, _PROBING, _JUDGING = range(3)
"""Of one seed, three independent streams of random numbers."""


@dataclass(frozen=True)
class Plan:
    """How long each network learns, and on how many points it is judged."""

    steps: int
    batch: int
    rate: float
    points: int


FULL: Final = Plan(steps=3000, batch=256, rate=0.03, points=50_000)
QUICK: Final = Plan(steps=100, batch=128, rate=0.03, points=5_000)


@dataclass(frozen=True)
class Cell:
    """One row of the table; `score` maps (N, 2) to (N, 2). Both J are at the row's λ, and all numbers on new points."""

    depth: int
    mode: str
    lam: float
    loss_by_recursion: float
    exact_loss: float
    divergence: float
    score: Callable[[Batch], Floats] = field(repr=False, compare=False)


def run(plan: Plan, seed: int, tick: Callable[[], None] = lambda: None) -> Iterator[Cell]:
    """Every cell, the deepest last; `tick` is called once a step."""
    points = judges(plan, seed)
    for depth in NETS:
        modules = compiled_modules(depth, plan.batch)
        for lam in LAMS:
            for mode in MODES:
                params = learn(modules[mode], lam, plan, seed, tick)
                yield judged(modules, params, points, depth=depth, mode=mode, lam=lam)


def compiled_modules(depth: int, batch: int) -> dict[str, ModuleType]:
    """The network of a depth in every mode: one description, and one set of parameters that fits all modules."""
    net = Path(__file__).parent / "nets" / f"{NETS[depth]}.py"
    found = {}
    for mode in MODES:
        with warnings.catch_warnings():
            # The warning says that the recursion is wrong for these networks. To show that is what we are here for.
            warnings.simplefilter("ignore", InexactWarning)
            _, found[mode] = compiled(net, Options(hessian=mode, batch_size=batch, probes=PROBES))
    return found


def learn(module: ModuleType, lam: float, plan: Plan, seed: int, tick: Callable[[], None]) -> Params:
    """The parameters after `plan.steps` steps of Adam, each on a batch that was not seen before."""
    rng = np.random.default_rng((seed, _TRAINING))
    batches = (mixture.sample(plan.batch, rng) for _ in range(plan.steps))
    training = Training(steps=plan.steps, batch=plan.batch, rate=plan.rate, lam=lam)
    return adam(_drawing_probes(module, seed), module.init_params(seed), batches, training, tick=tick)


def judges(plan: Plan, seed: int) -> Batch:
    """Points that no network learns from."""
    return mixture.sample(plan.points, np.random.default_rng((seed, _JUDGING)))


def judged(modules: dict[str, ModuleType], params: Params, x: Batch, *, depth: int, mode: str, lam: float) -> Cell:
    """What the recursion says of a network, and what is true of it. The score needs no second derivative."""
    exact = modules["exact"]
    return Cell(
        depth=depth,
        mode=mode,
        lam=lam,
        loss_by_recursion=float(modules["diagonal"].loss(params, x, lam)),
        exact_loss=float(exact.loss(params, x, lam)),
        divergence=mixture.divergence(exact.score(params, x), x),
        score=partial(exact.score, params),
    )


def _drawing_probes(module: ModuleType, seed: int) -> ModuleType:
    """The module for `adam`, which knows nothing of probes: Hutchinson's mode draws new ones in every step."""
    if module.METADATA["hessian"] != "hutchinson":
        return module
    drawing = ModuleType(module.__name__)
    drawing.__dict__["loss_and_grad"] = partial(module.loss_and_grad, rng=np.random.default_rng((seed, _PROBING)))
    return drawing
