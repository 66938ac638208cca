"""The parts of benchmarks/images.py: the diagonal recursion, the exact loss, peak memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.image_contenders import LAYOUTS, Contender, of_exact_loss, of_recursion, ours
from benchmarks.image_networks import CONVOLUTIONS, STACKS
from benchmarks.image_rounds import Plan, alone, measure
from benchmarks.processor import vector_extensions
from smgen.bench.contenders import OURS
from smgen.bench.results import Outcome, Results, as_json, from_json, machine
from smgen.bench.rounds import Case

console = Console(width=180, highlight=False)
DTYPE: Final = "float32"
FIELD_NAME, CONVOLUTIONS_NAME = STACKS
SAMPLES: Final = {FIELD_NAME: (16, 64, 256), CONVOLUTIONS_NAME: (16, 64, 128)}
"""N of the diagonal recursion."""


class Part(str, Enum):
    """What is measured."""

    recursion = "recursion"
    exact = "exact"
    memory = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is measured of whom: networks by name with every N, N of the exact loss and of memory, λ, contenders."""

    samples: dict[str, tuple[int, ...]]
    exact_samples: int
    memory_samples: tuple[int, int]
    lams: tuple[float, ...]
    contenders: tuple[str, ...]


@dataclass(slots=True)
class Found:
    """A whole run; `exact` has two outcomes for each λ, of the same rounds: smgen on a batch, everybody at N = 1."""

    recursion: Results
    exact: Results
    memory: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"recursion": as_json(self.recursion), "exact": as_json(self.exact), "memory": self.memory}

    @classmethod
    def read(cls, document: dict[str, Any]) -> Found:
        """The inverse of `document`."""
        return cls(from_json(document["recursion"]), from_json(document["exact"]), document["memory"])


def recursion(choice: Choice, plan: Plan, keep: Callable[[list[Outcome]], None]) -> None:
    """The diagonal recursion on every case."""
    for name, sizes in choice.samples.items():
        for samples, lam in product(sizes, choice.lams):
            contenders = of_recursion(STACKS[name], samples, choice.contenders)
            keep(measure(STACKS[name], Case(name, samples, DTYPE, lam), contenders, plan))


def exact(choice: Choice, plan: Plan, keep: Callable[[list[Outcome]], None]) -> None:
    """The exact loss of the convolutional energy by everybody at N = 1, and by smgen on a batch, with the recursion."""
    backends = [c for c in choice.contenders if c in OURS]
    for lam in choice.lams:
        samples = choice.exact_samples
        batch = [*of_recursion(CONVOLUTIONS, samples, backends), *of_exact_loss(CONVOLUTIONS, samples, lam, backends)]
        single = of_exact_loss(CONVOLUTIONS, 1, lam, choice.contenders)
        keep(measure(CONVOLUTIONS, Case(CONVOLUTIONS_NAME, samples, DTYPE, lam), [*batch, *single], plan))


def memory(choice: Choice, plan: Plan, keep: Callable[[dict[str, Any]], None]) -> None:
    """Peak memory of everybody at the first N, and of smgen's modules, which are the same, at the second."""
    few, many = choice.memory_samples
    lam = max(choice.lams)
    for name, stack in STACKS.items():
        if name not in choice.samples:
            continue
        backends = [c for c in choice.contenders if c in OURS]
        modules = [
            ours(b, stack, few, hessian, f"{b} {hessian}") for b in backends for hessian in ("diagonal", "exact")
        ]
        peers = of_recursion(stack, few, [c for c in choice.contenders if c in LAYOUTS])
        for samples, contenders in ((few, [*modules, *peers]), (many, modules)):
            for contender in contenders:
                keep(_peak(name, lam, samples, contender, plan))


def _peak(network: str, lam: float, samples: int, contender: Contender, plan: Plan) -> dict[str, Any]:
    case = Case(network, samples, DTYPE, lam)
    m = alone(STACKS[network], case, replace(contender, samples=samples), plan)
    figures = {"peak_memory": m.peak_memory, "loaded_memory": m.loaded_memory}
    return {"network": network, "samples": samples, "lam": lam, "contender": m.contender, **figures}


def measured(
    parts: Sequence[Part], choice: Choice, rounds: int, seconds: float, write: Callable[[Found], None]
) -> Found:
    """The chosen parts, telling of each case as it is done; `write` is given what there is so far."""
    where = machine() | {"vector_extensions": vector_extensions()}
    found = Found(Results(machine=where), Results(machine=where))

    def kept(results: Results) -> Callable[[list[Outcome]], None]:
        def keep(outcomes: list[Outcome]) -> None:
            results.outcomes += outcomes
            for outcome in outcomes:
                times = ", ".join(f"{m.contender} {1e3 * m.seconds:.3g} ms" for m in outcome.measured)
                busy = "; others were busy" if outcome.disturbed else ""
                console.print(f"{outcome.case}: {times}{busy}", soft_wrap=True)
            write(found)

        return keep

    def remember(point: dict[str, Any]) -> None:
        found.memory.append(point)
        write(found)

    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as cache:
        plan = Plan(rounds, seconds, Path(cache))
        if Part.recursion in parts:
            recursion(choice, plan, kept(found.recursion))
        if Part.exact in parts:
            exact(choice, plan, kept(found.exact))
        if Part.memory in parts:
            memory(choice, plan, remember)
    return found
