"""One case of benchmarks/exact.py: memory and results in processes of their own, then times in one process.

Every program first takes three steps in a process where nothing else is: for its peak memory, and for its result, which
is compared with the others'. Then all that are timed take turns in rounds in one process, which is this file run as

    exact_rounds.py PLAN

PLAN is JSON, `programs` by name, `data`, `lam`, `rounds` and `seconds`; what it prints is JSON too, the seconds a step
by name and round, and the part of the machine that others took in each round.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import numpy as np

from smgen.bench.contenders import write
from smgen.bench.processes import Worker, alternate, environment
from smgen.bench.results import Outcome
from smgen.bench.rounds import Case, Measured, compare
from smgen.bench.worker import step_of, turn
from smgen.errors import BuildError

SLOW: Final = 3.0
"""Seconds of a step beyond which a case gets few rounds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds, a `few` where somebody's step is `SLOW`, and the seconds of a turn."""

    rounds: int
    few: int
    seconds: float


@dataclass(slots=True)
class Turns:
    """A contender in this process, with all that `alternate` asks of a worker's."""

    step: Callable[[], Any]
    rounds: list[float] = field(default_factory=list)
    ticks: int = 0  # the CPU time of other processes

    def round(self, seconds: float) -> None:
        """Take steps for about so long; the median of their times is the round's."""
        self.rounds.append(median(turn(self.step, seconds)))


def measure(
    case: Case,
    groups: Sequence[Mapping[str, Mapping[str, str]]],
    timed: Sequence[str],
    data: Mapping[str, Any],
    plan: Plan,
    cache: Path,
) -> Outcome:
    """The figures of those that are `timed`. Raises `BuildError` if programs of one group disagree."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as name:
        folder = Path(name)
        path = folder / "data.npz"
        np.savez(path, allow_pickle=False, **data)
        paths: dict[str, Path] = {}
        alone: dict[str, Worker] = {}
        for group in groups:
            paths |= {contender: write(texts, contender, folder) for contender, texts in group.items()}
            alone |= {contender: _alone(contender, paths[contender], path, case, cache) for contender in group}
            compare(case, {contender: alone[contender].result for contender in group})
        rounds = plan.few if any(alone[c].best > SLOW for c in timed) else plan.rounds
        found = _together({c: paths[c] for c in timed}, path, case, rounds, plan.seconds, cache)
    measured = (
        Measured(
            contender=c,
            rounds=tuple(found["rounds"][c]),
            first=w.first,
            peak_memory=w.peak_memory,
            loaded_memory=w.loaded_memory,
        )
        for c, w in ((c, alone[c]) for c in timed)
    )
    return Outcome(case=case, measured=tuple(measured), executed={}, least=0, others=tuple(found["others"]))


def _alone(contender: str, program: Path, data: Path, case: Case, cache: Path) -> Worker:
    """The worker after three steps. One might be slow because somebody else was busy."""
    with Worker(contender, program, data, case.lam, cache) as worker:
        worker.begin()
        for _ in range(2):
            worker.round(0.0)
        worker.finish()
    return worker


def _together(
    programs: Mapping[str, Path], data: Path, case: Case, rounds: int, seconds: float, cache: Path
) -> dict[str, Any]:
    """What this file prints when it is run."""
    texts = {contender: str(path) for contender, path in programs.items()}
    plan = {"programs": texts, "data": str(data), "lam": case.lam, "rounds": rounds, "seconds": seconds}
    done = subprocess.run(
        [sys.executable, __file__, json.dumps(plan)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(cache),
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise BuildError(what=f"{case}: the turns failed: {' '.join(last) or f'exit code {done.returncode}'}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(plan: str) -> None:
    """Every contender's first step, then turns in rounds."""
    settings = json.loads(plan)
    with np.load(settings["data"]) as arrays:
        params = {key: arrays[key] for key in arrays.files if key != "x"}
        x = arrays["x"]
    found = {}
    for contender, program in settings["programs"].items():
        found[contender] = Turns(step_of(program, params, x, settings["lam"]))
        found[contender].step()
    others = alternate(cast("list[Worker]", list(found.values())), settings["rounds"], settings["seconds"])
    print(json.dumps({"rounds": {c: t.rounds for c, t in found.items()}, "others": others}))


if __name__ == "__main__":
    main(*sys.argv[1:])
