"""What smgen's modules are measured against, and how: `smgen bench` and the programs in benchmarks/."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable
from typing import Final

from rich.console import Console

from smgen.bench.report import table
from smgen.bench.rounds import Case, measure
from smgen.errors import BuildError
from smgen.network import Network

NEEDS: Final = {"jax": "jax", "torch": "torch", "torch.compile": "torch", "c": "scipy_openblas32"}
"""The package that a contender needs."""


def available(wanted: Iterable[str], console: Console) -> list[str]:
    """The contenders that can run here; of the others it says why not."""
    found = []
    for name in wanted:
        if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
            console.print(f"{name} is left out: {NEEDS[name]} is not installed (pip install 'smgen[bench]')")
        elif name == "c" and shutil.which("cc") is None:
            console.print("c is left out: there is no C compiler")
        else:
            found.append(name)
    return found


def bench(
    console: Console,
    network: Network,
    name: str,
    *,
    samples: int,
    dtype: str,
    lam: float,
    rounds: int,
    seconds: float,
) -> None:
    """Measure one network and print a table. Raises `BuildError` if the contenders' results differ."""
    case = Case(name, samples, dtype, lam)
    contenders = available(("numpy", "c", "jax", "torch", "literal"), console)
    while True:
        try:
            measured = measure(network, case, contenders, rounds=rounds, seconds=seconds)
            break
        except BuildError as error:
            if "literal" not in contenders or "literal" not in error.what:
                raise
            console.print(f"literal is left out: {error.what}")
            contenders.remove("literal")
    console.print(table([(case, measured)], "jax" if "jax" in contenders else "numpy"))
