"""What `fit` costs beside the module's steps, from disk, and in several processes: python -m benchmarks.training

own        the time that a step of fit takes beyond the module's own, over the latter: network A, N = 1024, alternating
streaming  5 million samples of 64 float32 values from disk, one epoch: throughput over that of as many steps on data in
           memory, and the peak memory of the process
processes  weak scaling: seconds a step of two processes with a core each over those of one, each with its own samples
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from rich.console import Console

from benchmarks.networks import NETWORKS
from benchmarks.processor import vector_extensions
from smgen.bench.report import markdown, summary_table
from smgen.bench.results import machine
from smgen.training import loop
from smgen.training.fitting import divided
from smgen.training.preparation import prepare
from smgen.training.progress import Together
from smgen.training.state import State
from smgen.training.team import Alone

console = Console(width=140, highlight=False)
Row = dict[str, Any]

SAMPLES: Final = 1024
CHILD: Final = Path(__file__).with_name("training_child.py")


def own_cost(backend: str, lam: float, steps: int, rounds: int) -> Row:
    """The time of steps of `fit` and of the same calls of the module alone, in alternating rounds."""
    data = np.random.default_rng(0).laplace(size=(50 * SAMPLES, 144)).astype(np.float32)
    options = {"steps": steps, "batch_size": SAMPLES, "evaluations": 1, "held_out": 0.0, "lam": lam, "backend": backend}
    prepared = prepare(NETWORKS["A"](), data, *divided(options), None, Alone())
    problem, batches = prepared.problem, prepared.split.training
    module, workspace = problem.module, problem.module.Workspace()
    whole, alone = [], []
    samples = [
        batch for _, batch in zip(range(steps), (b for n in range(steps) for b in batches.epoch(n)), strict=False)
    ]
    for _ in range(rounds + 1):
        state = State.start(module, module.init_params(0))
        begun = time.perf_counter()
        loop.run(problem, batches, None, prepared.settings, state, Together(()))
        whole.append((time.perf_counter() - begun) / steps)
        params = module.init_params(0)
        begun = time.perf_counter()
        for batch in samples:
            module.loss_and_grad(params, batch.x, lam, workspace=workspace)
        alone.append((time.perf_counter() - begun) / steps)
    pairs = list(zip(whole, alone, strict=True))[1:]
    return {
        "backend": backend,
        "lam": lam,
        "step_seconds": median(alone[1:]),
        "own": median((a - b) / b for a, b in pairs),
        "rounds": pairs,
    }


def child(*arguments: object, ranks: int = 0) -> Row:
    """What training_child.py prints; in several processes for `ranks`."""
    command = [sys.executable, *(["-m", "mpi4py"] if ranks else []), str(CHILD), *map(str, arguments)]
    if ranks:
        mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
        command = [mpiexec, "-n", str(ranks), *command]
    environment = os.environ | ({"OMP_NUM_THREADS": "1"} if ranks else {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"error: {done.stderr}")
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def streaming(rows: int, rounds: int) -> Row:
    """One epoch from disk and as many steps in memory, in alternating rounds."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as folder:
        path = Path(folder) / "x.npy"
        array = np.lib.format.open_memmap(path, "w+", np.float32, (rows, 64))
        rng = np.random.default_rng(0)
        for start in range(0, rows, 100_000):
            stop = min(rows, start + 100_000)
            array[start:stop] = rng.laplace(size=(stop - start, 64))
        del array
        pairs = [(child("disk", path, rows), child("memory", path, rows)) for _ in range(rounds)]
    return {
        "rows": rows,
        "gigabytes": rows * 64 * 4 / 1e9,
        "samples_per_second": median(disk["samples_per_second"] for disk, _ in pairs),
        "throughput": median(disk["samples_per_second"] / memory["samples_per_second"] for disk, memory in pairs),
        "peak_bytes": max(disk["peak_bytes"] for disk, _ in pairs),
        "rounds": pairs,
    }


def processes(steps: int, rounds: int) -> Row:
    """Steps of one process and of two, each with a core and samples of its own, in alternating rounds."""
    pairs = [(child("ranks", steps, ranks=1), child("ranks", steps, ranks=2)) for _ in range(rounds)]
    return {
        "step_seconds": median(one["step_seconds"] for one, _ in pairs),
        "two_over_one": median(two["step_seconds"] / one["step_seconds"] for one, two in pairs),
        "rounds": pairs,
    }


def rows(found: Row) -> list[tuple[str, ...]]:
    """The figures, a line each."""
    lines: list[tuple[str, ...]] = [("", "measured", "")]
    for cost in found.get("own", ()):
        name = f"fit's own part of a step, A, N = {SAMPLES}, λ = {cost['lam']:g}, {cost['backend']}"
        lines.append((name, f"{100 * cost['own']:.1f} %", f"of a step of {1e3 * cost['step_seconds']:.2f} ms"))
    if stream := found.get("streaming"):
        text = f"an epoch of {stream['rows']:,} × 64 from disk ({stream['gigabytes']:.2f} GB) / as many steps in memory"
        lines.append((text, f"{stream['throughput']:.2f}", f"{stream['samples_per_second']:,.0f} samples/s"))
        lines.append(("peak memory of the process", f"{stream['peak_bytes'] / 1e6:.0f} MB", ""))
    if team := found.get("processes"):
        text = f"a step of {1e3 * team['step_seconds']:.2f} ms in one"
        lines.append(("seconds a step, two processes with a core each / one", f"{team['two_over_one']:.2f}", text))
    return lines


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=["own", "streaming", "processes"])
    parser.add_argument("--rows", type=int, default=5_000_000, help="samples on disk")
    parser.add_argument("--steps", type=int, default=300, help="of a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backends", nargs="+", default=["numpy", "c"])
    parser.add_argument("--quick", action="store_true", help="few samples, few steps, one round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything here")
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="print the figures of this file")
    parser.add_argument("--markdown", action="store_true", help="print a table for documents")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.steps, options.rounds, options.backends = 300_000, 5, 1, ["numpy"]
    if options.from_json:
        found = json.loads(options.from_json.read_text(encoding="utf-8"))
    else:
        found = {"machine": machine() | {"vector_extensions": vector_extensions()}}
        if "own" in options.parts:
            cases = [(backend, lam) for backend in options.backends for lam in (0.0, 0.1)]
            found["own"] = [own_cost(backend, lam, options.steps, options.rounds) for backend, lam in cases]
        if "streaming" in options.parts:
            found["streaming"] = streaming(options.rows, min(3, options.rounds))
        if "processes" in options.parts:
            found["processes"] = processes(options.steps, options.rounds)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.markdown:
        print(markdown(rows(found)))
    else:
        console.print(summary_table(rows(found)))


if __name__ == "__main__":
    main()
