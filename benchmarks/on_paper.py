"""What more processes would bring, by a formula and given bandwidths: python -m benchmarks.on_paper

With n processes, each with its own samples, a step takes t + 2 (n − 1)/n · bytes / bandwidth + 2 (n − 1) · latency,
where t is the step of one process and bytes the size of the gradient: every process sends its slices to all, and the
sums. The efficiency is t over that. `--measure` takes bandwidth and latency from processes on this machine, by mpi4py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.networks import NETWORKS
from smgen.bench.report import markdown, summary_table

console = Console(width=140, highlight=False)

MEASURE = """
import json, time
import numpy as np
from smgen.training.team import Ranks
ranks = Ranks()
def seconds(size, times):
    vector = np.zeros(size, np.float32)
    ranks.mean(vector)
    begun = time.perf_counter()
    for _ in range(times):
        ranks.mean(vector)
    return (time.perf_counter() - begun) / times
few, many = seconds(ranks.size, 2000), seconds(1 << 22, 10)
n = ranks.size
bandwidth = 2 * (n - 1) / n * 4 * (1 << 22) / (many - few)
if not ranks.rank:
    print(json.dumps({"bandwidth": bandwidth, "latency": few / (2 * (n - 1))}))
"""


def measured(ranks: int) -> dict[str, float]:
    """Bytes a second and seconds a message between processes of this machine, of the sums that training makes."""
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", "-c", MEASURE]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"error: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def step(seconds: float, size: float, processes: int, bandwidth: float, latency: float) -> float:
    """Seconds a step of n processes."""
    return seconds + 2 * (processes - 1) / processes * size / bandwidth + 2 * (processes - 1) * latency


def rows(options: argparse.Namespace) -> list[tuple[str, ...]]:
    """The efficiency of every network for every number of processes."""
    lines: list[tuple[str, ...]] = [("network", "gradient", "step of one", *(f"n = {n}" for n in options.processes))]
    for text in options.steps:
        name, _, milliseconds = text.partition("=")
        seconds = float(milliseconds) / 1e3
        size = 4 * sum(prod(shape) for shape in NETWORKS[name]().parameters.values())
        shares = [seconds / step(seconds, size, n, options.bandwidth, options.latency) for n in options.processes]
        lines.append((name, f"{size / 1e6:.2f} MB", f"{1e3 * seconds:.3g} ms", *(f"{100 * s:.0f} %" for s in shares)))
    return lines


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", nargs="+", default=["A=5", "B=60", "D=150"], help="NETWORK=MILLISECONDS of a step")
    parser.add_argument("--processes", type=int, nargs="+", default=[2, 4, 8, 16, 64])
    parser.add_argument("--bandwidth", type=float, default=10e9, help="bytes a second of a process")
    parser.add_argument("--latency", type=float, default=5e-6, help="seconds a message")
    parser.add_argument("--measure", type=int, metavar="N", help="measure both between N processes here")
    parser.add_argument("--markdown", action="store_true", help="print a table for documents")
    options: Any = parser.parse_args()
    if options.measure:
        found = measured(options.measure)
        options.bandwidth, options.latency = found["bandwidth"], found["latency"]
    console.print(f"{options.bandwidth / 1e9:.2f} GB/s, {1e6 * options.latency:.1f} µs a message")
    table = rows(options)
    if options.markdown:
        print(markdown(table))
    else:
        console.print(summary_table(table))


if __name__ == "__main__":
    main()
