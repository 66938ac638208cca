"""`python -m benchmarks.gpu`: a training step of the CUDA modules on this machine's GPU.

For each network and batch size, in alternating rounds on one device: the time of `loss_and_grad` against jax.jit and
PyTorch eager of the same loss (where they are installed with a GPU), as medians of per-round ratios; launches a step;
and for each elementwise kernel the bandwidth it achieves as a fraction of a device-to-device copy's. Needs CuPy and a
CUDA device.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.networks import NETWORKS
from smgen.bench.peers import peer
from smgen.bench.report import title
from smgen.bench.rounds import Case, data_of
from smgen.build import Options, build_info, source
from smgen.loader import load_source

ROUNDS = 20
DEVICES = {"jax": "gpu", "torch": "cuda"}
"""Whom we are measured against, and what they call a GPU."""


def cuda_module(name: str, dtype: str) -> ModuleType:
    """The CUDA module of a network, in memory."""
    network = NETWORKS[name]()
    info = build_info(network, Path(f"{name}.py"), Options(backend="cuda", dtype=dtype))
    return load_source(source(network, info), name)


def has_gpu(library: str) -> bool:
    """Whether a peer is installed and sees a GPU."""
    try:
        if library == "jax":
            import jax

            return bool(jax.default_backend() == "gpu")
        import torch

        return bool(torch.cuda.is_available())
    except ImportError:
        return False


def seconds(step: Callable[[], Any], wait: Callable[[Any], Any], repeats: int = 10) -> float:
    """The time of one step, of `repeats` in a row; `wait` returns when a step's result is there."""
    wait(step())
    start = time.perf_counter()
    for _ in range(repeats):
        result = step()
    wait(result)
    return (time.perf_counter() - start) / repeats


def measure(name: str, samples: int, dtype: str, lam: float) -> dict[str, Any]:
    """One network at one batch size."""
    import cupy as cp

    module, network = cuda_module(name, dtype), NETWORKS[name]()
    host = data_of(network, Case(name, samples, dtype, lam))
    x_host = host.pop("x")
    params, x = {key: cp.asarray(value) for key, value in host.items()}, cp.asarray(x_host)
    workspace = module.Workspace()
    synchronise = cp.cuda.get_current_stream().synchronize

    def ours() -> Any:
        return module.loss_and_grad(params, x, lam, workspace=workspace)

    expected = float(ours()[0])
    peers: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {}
    for library, device in DEVICES.items():
        if not has_gpu(library):
            continue
        program = load_source(peer(library, network), library)
        step = program.make(host, x_host, lam, device=device)
        found = float(program.wait(step())[0])
        if abs(found - expected) > 1e-3 * max(abs(expected), 1.0):
            raise SystemExit(f"{library} disagrees on {name}: {found} instead of {expected}")
        peers[title(library)] = step, program.wait
    times: dict[str, list[float]] = {label: [] for label in ("smgen", *peers)}
    for _ in range(ROUNDS):
        times["smgen"].append(seconds(ours, lambda _: synchronise()))
        for label, (step, wait) in peers.items():
            times[label].append(seconds(step, wait))
    ratios = {
        label: statistics.median(s / t for s, t in zip(times["smgen"], times[label], strict=True)) for label in peers
    }
    return {
        "network": name, "N": samples, "dtype": dtype, "lam": lam,
        "milliseconds": 1e3 * statistics.median(times["smgen"]),
        "ratio to": ratios, "launches": len(launches(module, ours)), "bandwidth": bandwidths(module, ours),
    }  # fmt: skip


def launches(module: ModuleType, step: Callable[[], Any]) -> list[tuple[Callable[..., Any], Any, Any, Any]]:
    """The kernels a step launches, with their grid, block and arguments."""
    found: list[tuple[Callable[..., Any], Any, Any, Any]] = []
    original = module._kernel

    def noting(name: str) -> Callable[..., Any]:
        kernel = original(name)

        def launch(grid: Any, block: Any, arguments: Any) -> None:
            found.append((kernel, grid, block, (name, arguments)))
            kernel(grid, block, arguments)

        return launch

    module._kernel = noting  # type: ignore[attr-defined]
    try:
        step()
    finally:
        module._kernel = original  # type: ignore[attr-defined]
    return found


def bandwidths(module: ModuleType, step: Callable[[], Any]) -> dict[str, float]:
    """Bytes of every array argument, once, over the kernel's time; as a fraction of a device copy's."""
    import cupy as cp

    stream = cp.cuda.get_current_stream()

    def synchronise(_: Any) -> None:
        stream.synchronize()

    a, b = cp.empty(2**26, cp.float32), cp.empty(2**26, cp.float32)
    copy = 2 * a.nbytes / seconds(lambda: cp.copyto(b, a), synchronise)
    found = {}
    for kernel, grid, block, (name, arguments) in launches(module, step):
        moved = sum(argument.nbytes for argument in arguments if isinstance(argument, cp.ndarray))
        spent = seconds(partial(kernel, grid, block, arguments), synchronise, 50)
        found[name] = moved / spent / copy
    return found


def main() -> None:
    """Print a line a case, and write all of it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the raw results here")
    parser.add_argument("--samples", type=int, nargs="+", default=[128, 1024, 8192])
    options = parser.parse_args()
    try:
        import cupy as cp

        device = cp.cuda.runtime.getDeviceProperties(0)["name"].decode()
    except Exception as error:
        sys.exit(f"benchmarks.gpu needs CuPy and a CUDA device: {error}")
    print(device)
    results = []
    for name in NETWORKS:
        for samples in options.samples:
            for dtype in ("float32", "float64"):
                result = measure(name, samples, dtype, 0.1)
                results.append(result)
                ratios = (
                    ", ".join(f"{ratio:.2f} of {label}" for label, ratio in result["ratio to"].items()) or "no peers"
                )
                worst = min(result["bandwidth"].values())
                print(
                    f"{name} N={samples} {dtype}: {result['milliseconds']:.3f} ms, {ratios}; "
                    f"{result['launches']} launches, bandwidth at least {worst:.0%} of a copy's"
                )
    if options.json:
        options.json.write_text(json.dumps({"device": device, "results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
