"""A fit in a process of its own, for benchmarks.training; prints its figures as a line of JSON.

training_child.py disk FILE ROWS      an epoch of a file
training_child.py memory FILE ROWS    as many steps on the file's first samples, which stay in memory
training_child.py ranks STEPS         steps of each process that mpiexec started
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

import smgen as sm
from smgen.bench.worker import memory
from smgen.network import Network
from smgen.training import fit
from smgen.training.team import team

BATCH = 1024


def main(what: str, *arguments: str) -> None:
    """Fit, and print."""
    options: dict[str, Any] = {"batch_size": BATCH, "evaluations": 1, "lam": 0.01}
    if what == "ranks":
        network = Network(energy=sm.logcosh(sm.linear(sm.input(144), 288)))
        data: object = np.random.default_rng(0).laplace(size=(60 * BATCH, 144)).astype(np.float32)
        options["steps"] = int(arguments[0])
    else:
        path, rows = arguments[0], int(arguments[1])
        network = Network(energy=sm.logcosh(sm.linear(sm.input(64), 128)))
        data = path if what == "disk" else np.array(np.load(path, mmap_mode="r")[:150_000])
        options["steps"] = (rows - min(rows // 10, 10_000)) // BATCH
    model = fit(network, data, **options)
    seconds = model.record.result["seconds"]
    figures = {
        "step_seconds": seconds / options["steps"],
        "samples_per_second": options["steps"] * BATCH / seconds,
        "peak_bytes": memory("VmHWM"),
    }
    if not team().rank:
        print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
