"""A process that takes one contender's steps when it is told to. Run as a file: it must not import smgen.

    worker.py PROGRAM DATA LAM RESULT

PROGRAM is a generated module, or a peer's program with `make`. DATA holds x and the parameters, RESULT is where J and the
gradient of the first step go. One JSON object a line on standard output: first how long the first step took, then, for each
line `seconds` on standard input, the times of the steps taken in about so many seconds; on end of input the peak memory.
"""

import importlib.util
import json
import sys
import time


def peak_memory():
    """Peak resident memory in bytes."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(program, data, lam, result):
    """Load, take the first step, then obey standard input."""
    import numpy as np

    lam = float(lam)
    with np.load(data) as arrays:
        params = {key: arrays[key] for key in arrays.files if key != "x"}
        x = arrays["x"]
    started = time.perf_counter()
    spec = importlib.util.spec_from_file_location("program", program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    step = module.make(params, x, lam) if hasattr(module, "make") else lambda: module.loss_and_grad(params, x, lam)
    J, gradient = step()
    first = time.perf_counter() - started
    np.savez(result, J=np.float64(J), **{key: np.asarray(value) for key, value in gradient.items()})
    print(json.dumps({"first": first}), flush=True)
    for line in sys.stdin:
        seconds, times = float(line), []
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
