"""What a step has to compute, and what the machine can: FLOPs of products, and the rate of one large product."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from smgen.analysis.cost import product_flops
from smgen.bench.contenders import OURS
from smgen.bench.processes import Worker, alternate
from smgen.hessians import Method, lower
from smgen.ir import STEPS, Schedule
from smgen.network import Network
from smgen.targets import TARGETS

ONE_PRODUCT: Final = """
def make(params, x, lam):
    return lambda: (x @ x, {})


def wait(result):
    return result
"""


def executed(
    network: Network,
    backend: str,
    samples: int,
    lam: float,
    batch_size: int | None = None,
    method: Method | None = None,
) -> int:
    """FLOPs of the products of a step as the backend's module runs it, built for this batch size or another."""
    return _flops(network, backend, samples, batch_size or samples, bool(lam), method or Method())


def least(network: Network, samples: int, lam: float, method: Method | None = None) -> int:
    """The fewest FLOPs of products that any backend's passes find for a step, whatever batches they are told to expect.

    What a backend runs can be more: fewer FLOPs are not always less time.
    """
    expected = (1, samples, 1 << 20)
    method = method or Method()
    return min(_flops(network, backend, samples, batch, bool(lam), method) for backend in OURS for batch in expected)


@lru_cache(maxsize=256)
def _flops(network: Network, backend: str, samples: int, batch_size: int, regularised: bool, method: Method) -> int:
    schedule = _schedule(network, regularised, replace(method, batch_size=batch_size))
    lowered = TARGETS[backend].pipeline.lowered(schedule, batch_size)
    return round(samples * product_flops(lowered, samples))


@lru_cache(maxsize=16)
def _schedule(network: Network, regularised: bool, method: Method) -> Schedule:
    step = STEPS["any" if regularised else "zero"]
    return next(schedule for schedule in lower(network, method) if schedule.function == step)


def gemm_rate(dtype: str, *, size: int = 2048, rounds: int = 5, seconds: float = 0.1) -> float:
    """FLOP/s of one large product through NumPy with all its threads, at its best."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as name:
        folder = Path(name)
        program, data = folder / "one_product.py", folder / "data.npz"
        program.write_text(ONE_PRODUCT, encoding="utf-8")
        np.savez(data, x=np.full((size, size), 1 / size, dtype))
        with Worker("one product", program, data, 0.0, folder, save=False) as worker:
            worker.begin()
            alternate([worker], rounds, seconds)
            return float(2 * size**3 / worker.best)
