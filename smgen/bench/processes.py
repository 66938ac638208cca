"""A contender in a process of its own, that sleeps until it is its turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Final

from smgen.errors import BuildError

WORKER: Final = Path(__file__).with_name("worker.py")

REST: Final = 0.04
"""Seconds of silence before a turn: the threads of the last contender's BLAS and OpenMP spin about so long."""

QUIET: Final = 0.1
"""The part of the machine that other processes may take in a round that counts."""

_MACHINE_SETTINGS: Final = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment(cache: Path) -> dict[str, str]:
    """The environment of what is measured.

    Without settings of OpenBLAS that a machine's administrator made; JAX on the CPU; compiled modules kept in `cache`.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _MACHINE_SETTINGS}
    return environment | {"JAX_PLATFORMS": "cpu", "SMGEN_CACHE": str(cache)}


class Worker:
    """A contender's process, for as long as the context lasts; it starts at once, `begin` waits for its first step.

    `first` are the seconds of the first step, `alive` those from the start of the process to its result, `best` those
    of the shortest step. Raises `BuildError` with the process's last words if it dies.
    """

    def __init__(
        self, contender: str, program: Path, data: Path, lam: float, cache: Path, *, save: bool = True
    ) -> None:
        self.contender = contender
        self.result = program.with_suffix(".npz")
        self.rounds: list[float] = []
        self.first = self.alive = 0.0
        self.best = float("inf")
        self.loaded_memory = self.peak_memory = 0
        self._errors = program.with_suffix(".log").open("w+", encoding="utf-8")
        arguments = [str(program), str(data), str(lam), *([str(self.result)] if save else [])]
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(cache),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def begin(self) -> None:
        """Wait for the result of the first step."""
        answer = self._answer()
        self.alive = time.perf_counter() - self._started
        self.first, self.loaded_memory = answer["first"], answer["loaded_memory"]

    def round(self, seconds: float) -> None:
        """Let it take steps for about so long; the median of their times is the round's."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        times = self._answer()["times"]
        self.rounds.append(median(times))
        self.best = min(self.best, *times)

    @property
    def ticks(self) -> int:
        """The CPU time of all its threads, in the kernel's unit. Linux only."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def finish(self) -> None:
        """Let it end, and ask for its peak memory."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self.peak_memory = self._answer()["peak_memory"]
        self._process.stdin = None

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()[-1:]
            raise BuildError(what=f"{self.contender} failed: {' '.join(last) or 'its process ended'}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def alternate(workers: Sequence[Worker], rounds: int, seconds: float) -> tuple[float, ...]:
    """Turns in rounds, each round beginning with another worker, with a rest before every turn.

    A round in which other processes took more than `QUIET` of the machine is repeated, up to `rounds` times in all.
    Returns the part of the machine that others took, in each of the rounds that count.
    """
    kept: list[float] = []
    repeats = rounds
    while len(kept) < rounds:
        start = len(kept) % len(workers)
        begin, used = time.perf_counter(), _others(workers)
        for worker in (*workers[start:], *workers[:start]):
            time.sleep(REST)
            worker.round(seconds)
        others = (_others(workers) - used) / (time.perf_counter() - begin) / cores()
        if others > QUIET and repeats:
            repeats -= 1
            for worker in workers:
                worker.rounds.pop()
        else:
            kept.append(others)
    return tuple(kept)


def cores() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _others(workers: Sequence[Worker]) -> float:
    """Seconds of CPU that anybody but the workers and this process has had since the machine started; 0 if unknown."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _wait, interrupt, soft, stolen = map(int, stat.read_text().split()[1:9])
    ticks = user + nice + system + interrupt + soft + stolen - sum(worker.ticks for worker in workers)
    return ticks / os.sysconf("SC_CLK_TCK") - time.process_time()
