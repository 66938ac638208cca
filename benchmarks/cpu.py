"""smgen's NumPy and C modules against what people would write: python -m benchmarks.cpu

Value and gradient of the regularised score-matching loss on networks A–F, in alternating rounds of separate processes.
Figures are medians of ratios within a round. Results are compared before anything is timed. --quick takes a minute.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.networks import NETWORKS
from smgen.bench import available
from smgen.bench.report import Results, as_json, from_json, markdown, ratios, summary, table
from smgen.bench.rounds import Case, Measured, measure
from smgen.ir import Product
from smgen.lower import lower
from smgen.passes import pipelines
from smgen.passes import run as run_passes

CONTENDERS = ("numpy", "c", "jax", "torch", "torch.compile", "literal")
console = Console(width=150)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="ABCDEF")
    parser.add_argument("--samples", type=int, nargs="+", default=[128, 1024, 8192])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--lam", type=float, nargs="+", default=[0.1, 0.0])
    parser.add_argument("--contenders", nargs="+", default=["numpy", "c", "jax"], choices=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.15, help="of a turn; at least three steps are taken")
    parser.add_argument("--peer", default="jax", help="what the ratios are to")
    parser.add_argument("--quick", action="store_true", help="N = 128 in float32 only, three short rounds")
    parser.add_argument("--json", type=Path, help="write every round here")
    parser.add_argument("--from-json", type=Path, help="report an earlier run")
    parser.add_argument("--plot", type=Path, help="draw the ratios here")
    parser.add_argument("--markdown", action="store_true", help="print the summary as the README has it")
    found = parser.parse_args()
    if found.quick:
        found.samples, found.dtypes, found.rounds, found.seconds = [128], ["float32"], 3, 0.05
    return found


def run(options: argparse.Namespace) -> Results:
    """Measure every case, telling of each as it is done."""
    contenders = available(options.contenders, console)
    results: list[tuple[Case, list[Measured]]] = []
    for dtype, name, samples, lam in product(options.dtypes, options.networks, options.samples, options.lam):
        case = Case(name, samples, dtype, lam)
        measured = measure(NETWORKS[name](), case, contenders, rounds=options.rounds, seconds=options.seconds)
        results.append((case, measured))
        times = ", ".join(f"{m.contender} {1e3 * m.seconds:.3g} ms" for m in measured)
        console.print(f"{name} N = {samples} {dtype} λ = {lam:g}: {times}", highlight=False)
        if options.json:
            options.json.write_text(json.dumps(as_json(results), indent=1), encoding="utf-8")
    return results


def plot(results: Results, peer: str, path: Path) -> None:
    """One row of dots a contender: its ratios over the cases, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    contenders = [m.contender for m in results[0][1] if m.contender != peer]
    figure, axes = plt.subplots(figsize=(8, 1 + len(contenders)))
    for row, contender in enumerate(contenders):
        for case, value in ratios(results, contender, peer):
            colour = "tab:orange" if case.lam == 0 else "tab:blue"
            axes.plot(value, row + (0.12 if case.lam == 0 else -0.12), "o", color=colour, alpha=0.6)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(contenders)), contenders)
    axes.set_xlabel(f"time of a step as a multiple of {peer}'s (blue: λ > 0, orange: λ = 0)")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def gemm_rate(dtype: str, size: int = 2048) -> float:
    """FLOP/s of one large product through NumPy, all threads: what the machine can do."""
    import time

    a: Any = np.ones((size, size), dtype)
    times = []
    for _ in range(8):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


def product_flops(case: Case) -> int:
    """FLOPs of the products of a step, as few as the passes find for this batch size."""
    name = "loss_and_grad" if case.lam else "loss_and_grad_lam0"
    schedule = next(s for s in lower(NETWORKS[case.name]()) if s.name == name)
    products = [op for op in run_passes(schedule, pipelines.c(case.samples)).ops if isinstance(op, Product)]
    return sum(op.flops * (case.samples if any(b.batched for b in op.reads) else 1) for op in products)


def rates(results: Results, contender: str) -> Table:
    """Product FLOP/s of a contender as a fraction of what one large product reaches here."""
    peak = {dtype: gemm_rate(dtype) for dtype in sorted({case.dtype for case, _ in results})}
    heading = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {dtype}" for dtype, rate in peak.items())
    found = Table(title=f"{contender}: fraction of the rate of one large product ({heading})", title_justify="left")
    for column in ("network", "N", "dtype", "λ", "GFLOP", "fraction"):
        found.add_column(column, justify="right")
    for case, measured in results:
        for m in measured:
            if m.contender == contender:
                flops = product_flops(case)
                share = flops / m.seconds / peak[case.dtype]
                cells = (
                    case.name,
                    str(case.samples),
                    case.dtype,
                    f"{case.lam:g}",
                    f"{flops / 1e9:.3g}",
                    f"{share:.2f}",
                )
                found.add_row(*cells)
    return found


def main() -> None:
    """Measure or read, then report."""
    options = arguments()
    results = from_json(json.loads(options.from_json.read_text())) if options.from_json else run(options)
    console.print(table(results, options.peer))
    contenders = [m.contender for m in results[0][1] if m.contender != options.peer]
    if "c" in contenders:
        console.print(rates(results, "c"))
    rows = summary(results, contenders, options.peer)
    print(markdown(rows))
    if options.plot:
        plot(results, options.peer, options.plot)


if __name__ == "__main__":
    main()
