"""Contenders on the same data in alternating rounds; their results are compared before anything is timed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from smgen.bench.contenders import texts, write
from smgen.bench.processes import Worker, alternate
from smgen.errors import BuildError
from smgen.hessians import Method
from smgen.network import Network

TOLERANCE: Final = {"float32": 1e-3, "float64": 1e-8}
"""What results may differ by, relative to the largest entry."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is computed: a network by name, the batch size, the dtype and λ."""

    name: str
    samples: int
    dtype: str
    lam: float

    def __str__(self) -> str:
        return f"{self.name} N = {self.samples} {self.dtype} λ = {self.lam:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One contender's figures: seconds a step, the median of each round; memory in bytes.

    `first` are the seconds of the first step from the import of the program, while the others start beside it.

    `loaded_memory` is what was resident before the program was imported: Python, NumPy, the parameters and the data.
    """

    contender: str
    rounds: tuple[float, ...]
    first: float
    peak_memory: int
    loaded_memory: int

    @property
    def seconds(self) -> float:
        """The median over the rounds."""
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Rounds:
    """The figures of all contenders, and the part of the machine that other processes took in each round."""

    measured: tuple[Measured, ...]
    others: tuple[float, ...]


def ratio(one: Measured, other: Measured) -> float:
    """The median of the ratios of the rounds: what both had to bear in a round cancels."""
    return median(a / b for a, b in zip(one.rounds, other.rounds, strict=True))


def data_of(network: Network, case: Case) -> dict[str, Any]:
    """Standard normal data, weights that keep its scale, gains near 1 and small biases."""
    rng = np.random.default_rng(0)
    arrays = {}
    for key, shape in network.parameters.items():
        initial = network.initial[key]
        scale = 1 / np.sqrt(shape[-1]) if initial is None else 0.1
        arrays[key] = scale * rng.standard_normal(shape) + (initial or 0)
    arrays["x"] = np.random.default_rng(1).standard_normal((case.samples, network.input.units))
    return {key: value.astype(case.dtype) for key, value in arrays.items()}


def measure(
    network: Network,
    case: Case,
    contenders: Sequence[str],
    *,
    rounds: int,
    seconds: float,
    cache: Path,
    method: Method | None = None,
) -> Rounds:
    """Let the contenders take turns of about `seconds` in each of the rounds. Raises `BuildError` if they disagree."""
    programs = {name: texts(name, network, case.name, case.dtype, case.samples, method) for name in contenders}
    return measure_programs(programs, data_of(network, case), case, rounds=rounds, seconds=seconds, cache=cache)


def measure_programs(
    programs: Mapping[str, Mapping[str, str]],
    data: Mapping[str, Any],
    case: Case,
    *,
    rounds: int,
    seconds: float,
    cache: Path,
) -> Rounds:
    """The same for programs given by their texts, by the names of the contenders."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        path = folder / "data.npz"
        np.savez(path, **data)
        workers = [
            stack.enter_context(Worker(contender, write(program, contender, folder), path, case.lam, cache))
            for contender, program in programs.items()
        ]
        for worker in workers:
            worker.begin()
        compare(case, {worker.contender: worker.result for worker in workers})
        others = alternate(workers, rounds, seconds)
        for worker in workers:
            worker.finish()
        measured = (
            Measured(
                contender=w.contender,
                rounds=tuple(w.rounds),
                first=w.first,
                peak_memory=w.peak_memory,
                loaded_memory=w.loaded_memory,
            )
            for w in workers
        )
        return Rounds(tuple(measured), others)


def compare(case: Case, results: Mapping[str, Path]) -> None:
    """Raise `BuildError` unless all contenders found the same loss and gradient, to rounding.

    An array's entries are compared with its largest, or with a thousandth of the gradient's largest, if that is more.
    """
    reference: tuple[str, dict[str, Any]] | None = None
    for contender, path in results.items():
        with np.load(path) as arrays:
            values = {key: arrays[key].astype(np.float64) for key in arrays.files}
        if reference is None:
            reference = contender, values
            continue
        least = 1e-3 * max(_largest(value) for value in reference[1].values())
        for key, expected in reference[1].items():
            if key not in values or values[key].shape != expected.shape:
                raise BuildError(what=f"{case}: {contender} has no such {key} as {reference[0]}")
            error = _largest(values[key] - expected) / max(_largest(expected), least, 1e-30)
            if not error < TOLERANCE[case.dtype]:
                raise BuildError(what=f"{case}: {contender} and {reference[0]} differ by {error:.1e} in {key}")


def _largest(values: Any) -> float:
    return float(np.max(np.abs(values), initial=0.0))
