"""A process that takes one contender's steps when it is told to. Run as a file: it must not import smgen.

    worker.py PROGRAM DATA LAM [RESULT]

PROGRAM is a generated module, or a peer's program with `make` and `wait`. DATA holds x and the parameters, RESULT is
where J and the gradient of the first step go. One JSON object a line on standard output: how long the first step took,
from the import of the program, and the memory before it; then, for each line `seconds` on standard input, the times of
the steps of a turn; on end of input the peak memory.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def memory(field: str) -> int:
    """Resident memory in bytes: VmRSS, now, or VmHWM, at its peak. Without /proc the peak stands for both."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def load(program: str) -> Any:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("program", program)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["program"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def step_of(program: str, params: dict[str, Any], x: Any, lam: float) -> Callable[[], Any]:
    """A function that takes a whole step."""
    module = load(program)
    if not hasattr(module, "make"):
        return lambda: module.loss_and_grad(params, x, lam)
    begin, wait = module.make(params, x, lam), module.wait
    return lambda: wait(begin())


def timed(step: Callable[[], Any]) -> float:
    """Seconds of one step."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def turn(step: Callable[[], Any], seconds: float) -> list[float]:
    """Seconds of each of the steps that fit, three at least unless they take more than three turns' time.

    The first step finds the caches full of another contender's data. It counts only if it is itself as long as a turn.
    """
    begin = time.perf_counter()
    first = timed(step)
    times = [first] if first >= seconds else []
    while (spent := time.perf_counter() - begin) < seconds or (len(times) < 3 and spent < 3 * seconds):
        times.append(timed(step))
    return times or [first]


def say(**message: Any) -> None:
    """One line of the answer."""
    print(json.dumps(message), flush=True)


def main(program: str, data: str, lam: str, result: str = "") -> None:
    """Load, take the first step, then obey standard input."""
    import numpy as np

    with np.load(data) as arrays:
        params = {key: arrays[key] for key in arrays.files if key != "x"}
        x = arrays["x"]
    loaded = memory("VmRSS")
    started = time.perf_counter()
    step = step_of(program, params, x, float(lam))
    J, gradient = step()
    first = time.perf_counter() - started
    if result:
        outputs: dict[str, Any] = {"J": np.float64(J), **{key: np.asarray(g) for key, g in gradient.items()}}
        np.savez(result, **outputs)
        del outputs
    del J, gradient
    say(first=first, loaded_memory=loaded)
    for line in sys.stdin:
        say(times=turn(step, float(line)))
    say(peak_memory=memory("VmHWM"))


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file is no place to import from
    main(*sys.argv[1:])
