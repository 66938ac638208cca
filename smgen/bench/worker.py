"""A process that takes one contender's steps when it is told to. Run as a file: it must not import smgen.

    worker.py PROGRAM DATA LAM RESULT

PROGRAM is a generated module, or a peer's program with `make`. DATA holds x and the parameters, RESULT is where J and
the gradient of the first step go. It says one JSON object a line: first how long the first step took, then, for each
line `seconds` on standard input, the times of the steps taken in about so many seconds, and last the peak memory.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path


def peak_memory() -> int:
    """Peak resident memory in bytes."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(program: str, data: str, weight: str, result: str) -> None:
    """Load, take the first step, then obey standard input."""
    import numpy as np

    lam = float(weight)
    with np.load(data) as given:
        params = {key: given[key] for key in given.files if key != "x"}
        x = given["x"]
    started = time.perf_counter()
    spec = importlib.util.spec_from_file_location("program", program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    step = module.make(params, x, lam) if hasattr(module, "make") else lambda: module.loss_and_grad(params, x, lam)
    J, gradient = step()
    first = time.perf_counter() - started
    found = {"J": np.asarray(J, np.float64), **{key: np.asarray(value) for key, value in gradient.items()}}
    np.savez(result, allow_pickle=False, **found)
    print(json.dumps({"first": first}), flush=True)
    for line in sys.stdin:
        seconds = float(line)
        times: list[float] = []
        step()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(json.dumps({"times": times}), flush=True)
    print(json.dumps({"peak_memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
