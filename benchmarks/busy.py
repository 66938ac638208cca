"""A step on a machine with one busy core: how much longer it takes than on the idle machine, and than with one thread.

    python -m benchmarks.busy [--network A] [--samples 128] [--rounds 20] [--json FILE]

Rounds alternate between an idle machine and one on which another process uses one CPU all the time; within a round the
contenders take turns. Medians over the rounds; ratios are of times in the same round.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.networks import NETWORKS
from smgen.bench.results import machine
from smgen.build import Options, build_info, source
from smgen.loader import load_source

Step = Callable[[], Any]


def steps(network: str, samples: int, dtype: str) -> dict[str, Step]:
    """A gradient step of each backend, on the threads it takes by itself and on one."""
    found: dict[str, Step] = {}
    description = NETWORKS[network]()
    for backend in ("c", "numpy"):
        info = build_info(description, Path(f"{network}.py"), Options(backend=backend, dtype=dtype, batch_size=samples))
        module = load_source(source(description, info), info.name)
        params = module.init_params()
        x = np.random.default_rng(0).standard_normal((samples, description.input.units)).astype(module.DTYPE)
        for label, threads in (("", None), (", one thread", 1)):
            workspace = module.Workspace(threads=threads)
            found[backend + label] = partial(module.loss_and_grad, params, x, 0.1, workspace=workspace)
    return found


@contextmanager
def busy_process() -> Iterator[Callable[[bool], None]]:
    """A process that uses a CPU all the time, and a switch to let it run or wait."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield lambda on: process.send_signal(signal.SIGCONT if on else signal.SIGSTOP)
    finally:
        process.kill()
        process.wait()


def seconds_of(step: Step, least: float = 0.1) -> float:
    """The mean time of a step over a tenth of a second."""
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < least:
        step()
        count += 1
    return elapsed / count


def measure(contenders: dict[str, Step], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds a step, by contender and state of the machine, a number a round."""
    times: dict[str, dict[str, list[float]]] = {name: {"idle": [], "busy": []} for name in contenders}
    with busy_process() as switch:
        for _ in range(rounds):
            for state in ("idle", "busy"):
                switch(state == "busy")
                time.sleep(0.05)
                for name, step in contenders.items():
                    times[name][state].append(seconds_of(step))
    return times


def report(times: dict[str, dict[str, list[float]]], title: str) -> Table:
    """Medians, and medians of the ratios of a round."""
    table = Table(title=title, title_justify="left")
    for column in ("", "idle, ms", "busy, ms", "busy / idle", "busy / one thread, busy"):
        table.add_column(column, justify="right" if column else "left")
    for name, of in times.items():
        alone = times[f"{name.split(',')[0]}, one thread"]["busy"]
        table.add_row(
            name,
            *(f"{1e3 * statistics.median(of[state]):.3f}" for state in ("idle", "busy")),
            f"{statistics.median(b / i for b, i in zip(of['busy'], of['idle'], strict=True)):.2f}",
            f"{statistics.median(b / a for b, a in zip(of['busy'], alone, strict=True)):.2f}",
        )
    return table


def main(
    network: Annotated[str, typer.Option(help="Of benchmarks/networks.py.")] = "A",
    samples: int = 128,
    dtype: str = "float32",
    rounds: int = 20,
    out: Annotated[Path | None, typer.Option("--json", help="Where the raw times go.")] = None,
) -> None:
    """Measure and print."""
    contenders = steps(network, samples, dtype)
    for step in contenders.values():
        step()
    times = measure(contenders, rounds)
    where = machine()
    title = f"{network}, N = {samples}, {dtype}, λ = 0.1, {where['cpu']}"
    Console(width=120).print(report(times, title))
    if out is not None:
        out.write_text(json.dumps({"machine": where, "times": times}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
