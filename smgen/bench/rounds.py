"""Contenders in processes of their own, in alternating rounds, on the same data; their results are compared first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

import numpy as np

from smgen.bench.peers import PEERS, peer
from smgen.build import Options, gather, sources
from smgen.errors import BuildError
from smgen.network import Network

WORKER = Path(__file__).with_name("worker.py")
TOLERANCE = {"float32": 2e-3, "float64": 1e-8}
REST = 0.02
"""Seconds of silence before a round, in which the threads of the last contender stop spinning."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is computed: a network by name, the batch size, the dtype and λ."""

    name: str
    samples: int
    dtype: str
    lam: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender: seconds a step as the median of each round, the first step's, and the peak memory in bytes."""

    contender: str
    rounds: tuple[float, ...]
    first: float
    peak_memory: int

    @property
    def seconds(self) -> float:
        """The median over the rounds."""
        return median(self.rounds)


def ratio(one: Measured, other: Measured) -> float:
    """The median of the ratios of the rounds: what both had to bear in a round cancels."""
    return median(a / b for a, b in zip(one.rounds, other.rounds, strict=True))


class Worker:
    """A contender's process, for as long as the context lasts. Raises `BuildError` with its last words if it dies."""

    def __init__(self, contender: str, program: Path, data: Path, lam: float) -> None:
        self.contender = contender
        self.result = program.with_suffix(".npz")
        self.errors = program.with_suffix(".log").open("w+", encoding="utf-8")
        command = [sys.executable, str(WORKER), str(program), str(data), str(lam), str(self.result)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment()
        )
        self.first = 0.0
        self.rounds: list[float] = []

    def __enter__(self) -> Worker:
        self.first = self.answer()["first"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def answer(self) -> dict[str, Any]:
        """The next thing the process says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()[-1:]
            raise BuildError(what=f"{self.contender} failed: {' '.join(last)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def round(self, seconds: float) -> None:
        """Take steps for about so many seconds."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        self.rounds.append(median(self.answer()["times"]))

    def finish(self) -> Measured:
        """What was measured; the process has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        peak = self.answer()["peak_memory"]
        self.process.stdin = None
        return Measured(self.contender, tuple(self.rounds), self.first, peak)


def environment() -> dict[str, str]:
    """The environment of what is measured: without settings of OpenBLAS that a machine's administrator made."""
    return {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}


def program_of(contender: str, network: Network, case: Case, folder: Path) -> Path:
    """The program of a contender, written to `folder`."""
    path = folder / f"{contender.replace('.', '_')}.py"
    if contender in PEERS:
        path.write_text(peer(contender, network), encoding="utf-8")
        return path
    options = Options(contender, case.dtype, batch_size=case.samples)
    for suffix, text in sources(network, gather(network, Path(f"{case.name}.py"), options)).items():
        path.with_suffix(suffix).write_text(text, encoding="utf-8")
    return path


def data_of(network: Network, case: Case) -> dict[str, Any]:
    """Standard normal data, and the parameters that a module's init_params(0) would draw."""
    rng = np.random.default_rng(0)
    params = {
        key: rng.standard_normal(shape) / np.sqrt(shape[1])
        if key.endswith(".weight")
        else np.full(shape, key.endswith(".gain"))
        for key, shape in network.parameters.items()
    }
    x = np.random.default_rng(1).standard_normal((case.samples, network.input.units))
    return {key: np.asarray(value).astype(case.dtype) for key, value in {**params, "x": x}.items()}


@contextmanager
def workers(network: Network, case: Case, contenders: Sequence[str]) -> Iterator[dict[str, Worker]]:
    """All contenders that can take the case, warm, their results compared."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        data = folder / "data.npz"
        np.savez(data, **data_of(network, case))
        found: dict[str, Worker] = {}
        for contender in contenders:
            program = program_of(contender, network, case, folder)
            found[contender] = stack.enter_context(Worker(contender, program, data, case.lam))
        compare(case, {contender: worker.result for contender, worker in found.items()})
        yield found


def compare(case: Case, results: Mapping[str, Path]) -> None:
    """Raise `BuildError` unless all contenders found the same loss and gradient, to rounding."""
    reference: tuple[str, dict[str, Any]] | None = None
    for contender, path in results.items():
        with np.load(path) as arrays:
            values = {key: arrays[key].astype(np.float64) for key in arrays.files}
        if reference is None:
            reference = contender, values
            continue
        for key, expected in reference[1].items():
            scale = max(float(np.max(np.abs(expected), initial=0.0)), 1e-3)
            error = float(np.max(np.abs(values[key] - expected), initial=0.0)) / scale
            if not error < TOLERANCE[case.dtype]:
                raise BuildError(what=f"{case}: {contender} and {reference[0]} differ by {error:.1e} in {key}")


def measure(network: Network, case: Case, contenders: Sequence[str], *, rounds: int, seconds: float) -> list[Measured]:
    """Alternate between the contenders; each takes its turn of about `seconds` in each of the rounds."""
    with workers(network, case, contenders) as found:
        for number in range(rounds):
            order = list(found.values())
            for worker in order[number % len(order) :] + order[: number % len(order)]:
                time.sleep(REST)
                worker.round(seconds)
        return [worker.finish() for worker in found.values()]
