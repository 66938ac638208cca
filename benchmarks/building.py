"""How long modules take to build and to compile: python -m benchmarks.building

Chains of layers of 16 units, a node that 100 others read, and the largest example; with the diagonal recursion, in
seconds of one process. Per layer, the time should not grow with the depth. `compiled` is the C compiler's time for the
whole module, once for a machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

from rich.console import Console
from rich.table import Table

import smgen as sm
from benchmarks.networks import b, mlp
from smgen.bench.results import machine
from smgen.build import Options, build_info, sources
from smgen.network import Network

FLAGS: Final = [
    "-std=gnu11",
    "-O2",
    "-march=native",
    "-fPIC",
    "-shared",
    "-pthread",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
]
"""What a C module compiles itself with."""


def chain(depth: int) -> Network:
    """Layers of 16 units, softplus after each."""
    return mlp(16, (16,) * depth, sm.softplus)


def read_often() -> Network:
    """A node that 100 others read."""
    h = sm.softplus(sm.linear(sm.input(16), 16))
    return Network(energy=sm.add(h, *(h * float(k) for k in range(2, 101))))


CASES: Final[dict[str, Callable[[], Network]]] = {
    "chain of 10": lambda: chain(10),
    "chain of 30": lambda: chain(30),
    "chain of 100": lambda: chain(100),
    "a node read 100 times": read_often,
    "784 → 512 → 512 → 256 → 1": b,
}


def built(network: Network, backend: str) -> tuple[float, dict[str, str]]:
    """Seconds from the description to the texts, and these."""
    start = perf_counter()
    texts = sources(network, build_info(network, Path("net.py"), Options(backend=backend, hessian="diagonal")))
    return perf_counter() - start, texts


def compiled(text: str, folder: Path) -> float:
    """Seconds of the C compiler."""
    source = folder / "net.c"
    source.write_text(text, encoding="utf-8")
    start = perf_counter()
    command = [os.environ.get("CC", "cc"), *FLAGS, str(source), "-o", str(folder / "net.so"), "-lm"]
    subprocess.run(command, check=True)
    return perf_counter() - start


def main() -> None:
    """Print the table."""
    console = Console(width=140, highlight=False)
    console.print(machine())
    table = Table("network", "NumPy, built", "C, built", "C, compiled", "C, lines", "CUDA, built")
    with tempfile.TemporaryDirectory(prefix="smgen-building-") as folder:
        for name, make in CASES.items():
            seconds = {backend: built(make(), backend) for backend in ("numpy", "c", "cuda")}
            text = seconds["c"][1][".c"]
            gcc = f"{compiled(text, Path(folder)):.1f}" if shutil.which(os.environ.get("CC", "cc")) else "no compiler"
            times = {backend: f"{duration:.1f}" for backend, (duration, _) in seconds.items()}
            table.add_row(name, times["numpy"], times["c"], gcc, f"{len(text.splitlines()):,}", times["cuda"])
    console.print(table)


if __name__ == "__main__":
    main()
