"""Cold start: from the start of a fresh Python to the first loss and gradient."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from smgen.bench.contenders import texts, write
from smgen.bench.processes import REST, Worker
from smgen.bench.rounds import Case, data_of
from smgen.network import Network

EMPTY_CACHE = "c, not compiled yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """Seconds from process start to the first result, of each try, by contender; `EMPTY_CACHE` compiles first."""

    name: str
    samples: int
    dtype: str
    lam: float
    seconds: dict[str, tuple[float, ...]]

    def median(self, contender: str) -> float:
        """The median of the tries."""
        return median(self.seconds[contender])

    @property
    def compilation(self) -> float | None:
        """Seconds of the C module's first compilation."""
        return self.median(EMPTY_CACHE) - self.median("c") if EMPTY_CACHE in self.seconds else None


def cold_start(network: Network, case: Case, contenders: Sequence[str], tries: int) -> ColdStart:
    """Start each contender `tries` times in turn, after once to warm the file cache and the C module's own."""
    rounds: dict[str, list[float]] = {name: [] for name in contenders}
    if "c" in contenders:
        rounds[EMPTY_CACHE] = []
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as name:
        folder = Path(name)
        data = folder / "data.npz"
        np.savez(data, **data_of(network, case))
        programs = {c: write(texts(c, network, case.name, case.dtype, case.samples), c, folder) for c in contenders}

        def start(contender: str, cache: str) -> float:
            time.sleep(REST)
            with Worker(contender, programs[contender], data, case.lam, folder / cache, save=False) as worker:
                worker.begin()
                return worker.alive

        for number in range(tries + 1):
            for contender in contenders:
                seconds = start(contender, "cache")
                if number:
                    rounds[contender].append(seconds)
            if number and "c" in contenders:
                rounds[EMPTY_CACHE].append(start("c", f"empty-{number}"))
    times = {contender: tuple(seconds) for contender, seconds in rounds.items()}
    return ColdStart(name=case.name, samples=case.samples, dtype=case.dtype, lam=case.lam, seconds=times)


def cold_starts(
    cases: Sequence[tuple[Network, Case]], contenders: Sequence[str], tries: int, tell: Callable[[str], None]
) -> list[ColdStart]:
    """The same for several cases, telling of each as it is done."""
    starts = []
    for network, case in cases:
        cold = cold_start(network, case, contenders, tries)
        tell(f"cold start, {case}: " + ", ".join(f"{c} {cold.median(c):.2f} s" for c in cold.seconds))
        starts.append(cold)
    return starts
