"""Contenders of benchmarks/images.py in alternating rounds, each in its own process and on its number of samples."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.image_contenders import Contender
from benchmarks.image_networks import Stack, data_of
from smgen.bench.contenders import write
from smgen.bench.processes import Worker, alternate
from smgen.bench.results import Outcome
from smgen.bench.rounds import Case, Measured, compare


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds, the seconds of a turn, and where compiled modules are kept."""

    rounds: int
    seconds: float
    cache: Path


def measure(stack: Stack, case: Case, contenders: Sequence[Contender], plan: Plan) -> list[Outcome]:
    """An outcome for each N. Contenders of all N take turns in the same rounds, so that their times can be compared.

    The N of `case` is that of nobody. Raises `BuildError` if contenders of one loss and one N disagree.
    """
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as name, ExitStack() as exits:
        folder = Path(name)
        workers = [exits.enter_context(_worker(c, stack, case, folder, plan)) for c in contenders]
        groups: dict[tuple[str, int], dict[str, Path]] = defaultdict(dict)
        for contender, worker in zip(contenders, workers, strict=True):
            worker.begin()
            groups[contender.loss, contender.samples][contender.name] = worker.result
        for group in groups.values():
            compare(case, group)
        others = alternate(workers, plan.rounds, plan.seconds)
        for worker in workers:
            worker.finish()
    return [
        Outcome(
            case=replace(case, samples=samples),
            measured=tuple(_measured(w) for c, w in zip(contenders, workers, strict=True) if c.samples == samples),
            executed={},
            least=0,
            others=others,
        )
        for samples in dict.fromkeys(c.samples for c in contenders)
    ]


def alone(stack: Stack, case: Case, contender: Contender, plan: Plan) -> Measured:
    """A contender's figures after two steps with nobody beside it: for its peak memory."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as folder:
        with _worker(contender, stack, case, Path(folder), plan, save=False) as worker:
            worker.begin()
            worker.round(0.0)
            worker.finish()
        return _measured(worker)


def _worker(contender: Contender, stack: Stack, case: Case, folder: Path, plan: Plan, *, save: bool = True) -> Worker:
    path = folder / f"{contender.samples}.npz"
    if not path.exists():
        np.savez(path, **data_of(stack, replace(case, samples=contender.samples)))
    program = write(contender.program, f"{contender.name}_{contender.samples}".replace(",", ""), folder)
    return Worker(contender.name, program, path, case.lam, plan.cache, save=save)


def _measured(w: Worker) -> Measured:
    return Measured(
        contender=w.contender,
        rounds=tuple(w.rounds),
        first=w.first,
        peak_memory=w.peak_memory,
        loaded_memory=w.loaded_memory,
    )
