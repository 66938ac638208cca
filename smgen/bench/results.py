"""What a run of a benchmark found, its arithmetic, and its form as JSON."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from math import exp, log
from pathlib import Path
from typing import Any, Final

from smgen.bench.cold import ColdStart
from smgen.bench.processes import QUIET, cores
from smgen.bench.rounds import Case, Measured, ratio

PACKAGES: Final = ("smgen", "numpy", "scipy-openblas32", "jax", "jaxlib", "torch", "folx", "threadpoolctl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A case: every contender's figures, the FLOPs of products that smgen's modules execute, and the fewest known.

    `others` is the part of the machine that other processes took in each round.
    """

    case: Case
    measured: tuple[Measured, ...]
    executed: dict[str, int]
    least: int
    others: tuple[float, ...] = ()

    @property
    def disturbed(self) -> bool:
        """Whether other processes were busy in more than a third of the rounds: the figures may be anything."""
        return 3 * sum(share > QUIET for share in self.others) > len(self.others)

    def of(self, contender: str) -> Measured | None:
        """The figures of a contender, if it took part."""
        return next((m for m in self.measured if m.contender == contender), None)


@dataclass(slots=True)
class Results:
    """A whole run: the cases, FLOP/s of one large product by dtype, cold starts, and where it was."""

    outcomes: list[Outcome] = field(default_factory=list)
    gemm: dict[str, float] = field(default_factory=dict)
    cold: list[ColdStart] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def contenders(self) -> tuple[str, ...]:
        """All who took part in any case, in order."""
        return tuple(dict.fromkeys(m.contender for o in self.outcomes for m in o.measured))

    def fraction(self, outcome: Outcome, contender: str) -> float | None:
        """The fewest FLOPs over the contender's time, as a fraction of what one large product reaches."""
        measured, rate = outcome.of(contender), self.gemm.get(outcome.case.dtype)
        return outcome.least / measured.seconds / rate if measured and rate else None


def geometric_mean(values: Iterable[float]) -> float:
    """The exponential of the mean of the logarithms. Raises `ValueError` for no values."""
    logarithms = [log(value) for value in values]
    if not logarithms:
        raise ValueError("the geometric mean of nothing")
    return exp(sum(logarithms) / len(logarithms))


def figures(
    outcomes: Iterable[Outcome], contender: str, peer: str, ratio: Callable[[Measured, Measured], float]
) -> list[tuple[Case, float]]:
    """A figure of the contender relative to the peer's, for every case that both took."""
    values = []
    for outcome in outcomes:
        one, other = outcome.of(contender), outcome.of(peer)
        if one and other:
            values.append((outcome.case, ratio(one, other)))
    return values


def times(outcomes: Iterable[Outcome], contender: str, peer: str) -> list[tuple[Case, float]]:
    """The contender's time as a multiple of the peer's: the median over the rounds of the ratio in a round."""
    return figures(outcomes, contender, peer, ratio)


def memories(outcomes: Iterable[Outcome], contender: str, peer: str) -> list[tuple[Case, float]]:
    """The contender's peak memory as a multiple of the peer's."""
    return figures(outcomes, contender, peer, lambda one, other: one.peak_memory / other.peak_memory)


def machine() -> dict[str, Any]:
    """The processor, and the versions of everything that matters."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"cpu": _cpu(), "cores": cores(), "python": platform.python_version(), "packages": versions}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def as_json(results: Results) -> dict[str, Any]:
    """Every round of every contender, and the rest."""
    cases = []
    for outcome in results.outcomes:
        contenders = {}
        for m in outcome.measured:
            entry = asdict(m)
            entry["product_flops"] = outcome.executed.get(entry.pop("contender"))
            contenders[m.contender] = entry
        least, others = outcome.least, list(outcome.others)
        cases.append({**asdict(outcome.case), "least_product_flops": least, "others": others, "contenders": contenders})
    cold = [asdict(start) for start in results.cold]
    return {"machine": results.machine, "gemm_flops": results.gemm, "cases": cases, "cold_starts": cold}


def from_json(document: dict[str, Any]) -> Results:
    """The inverse of `as_json`."""
    outcomes = []
    for entry in document["cases"]:
        case = Case(entry["name"], entry["samples"], entry["dtype"], entry["lam"])
        measured, executed = [], {}
        for name, m in entry["contenders"].items():
            measured.append(
                Measured(
                    contender=name,
                    rounds=tuple(m["rounds"]),
                    first=m["first"],
                    peak_memory=m["peak_memory"],
                    loaded_memory=m["loaded_memory"],
                )
            )
            if m["product_flops"] is not None:
                executed[name] = m["product_flops"]
        outcomes.append(
            Outcome(
                case=case,
                measured=tuple(measured),
                executed=executed,
                least=entry["least_product_flops"],
                others=tuple(entry["others"]),
            )
        )
    cold = [
        ColdStart(**{**entry, "seconds": {name: tuple(times) for name, times in entry["seconds"].items()}})
        for entry in document["cold_starts"]
    ]
    return Results(outcomes, document["gemm_flops"], cold, document["machine"])
