"""Time is linear in N at constant memory, and follows the FLOP model in the widths: python -m benchmarks.scaling

smgen's modules on networks A and C in float32, from 1k to 1M samples (and JAX's step, while its memory lasts); then on
networks of growing width, where time over the FLOPs of products should stay the same. Memory is what the process holds
at its peak beyond Python, NumPy, the parameters and the data. One module serves every N of a network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from rich.console import Console

import smgen as sm
from benchmarks.networks import NETWORKS
from benchmarks.plots import plot_scaling
from smgen.bench.contenders import OURS, available, texts
from smgen.bench.report import markdown, summary_table
from smgen.bench.results import machine
from smgen.bench.rounds import Case, Measured, data_of, measure_programs
from smgen.bench.work import executed
from smgen.errors import SmgenError
from smgen.network import Network

console = Console(width=140, highlight=False)
Point = dict[str, Any]

JAX_UP_TO: Final = 1 << 17
"""Samples beyond which JAX's step would need tens of gigabytes."""


def ica(width: int) -> Network:
    """144 → width, log cosh, summed."""
    return Network(energy=sm.logcosh(sm.linear(sm.input(144), width)))


def deep(width: int) -> Network:
    """64 → width → width → 1, tanh."""
    h = sm.input(64)
    for units in (width, width, 1):
        h = sm.tanh(sm.linear(h, units))
    return Network(energy=h)


FAMILIES: Final[dict[str, Callable[[int], Network]]] = {"144 → w": ica, "64 → w → w → 1": deep}


def point(network: Network, case: Case, m: Measured, batch_size: int) -> Point:
    """What is kept of one contender on one case."""
    ours = m.contender in OURS
    flops = executed(network, m.contender, case.samples, case.lam, batch_size) if ours else None
    return {
        "network": case.name,
        "samples": case.samples,
        "contender": m.contender,
        "seconds": m.seconds,
        "rounds": list(m.rounds),
        "step_memory": m.peak_memory - m.loaded_memory,
        "product_flops": flops,
    }


def measured(network: Network, case: Case, contenders: Sequence[str], options: argparse.Namespace) -> list[Point]:
    """The points of one case, told of as they come."""
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as cache:
        programs = {c: texts(c, network, case.name, case.dtype, options.width_samples) for c in contenders}
        data, rounds, seconds = data_of(network, case), options.rounds, options.seconds
        found = measure_programs(programs, data, case, rounds=rounds, seconds=seconds, cache=Path(cache))
    points = [point(network, case, m, options.width_samples) for m in found.measured]
    told = ", ".join(f"{p['contender']} {1e3 * p['seconds']:.3g} ms, {p['step_memory'] / 1e6:.0f} MB" for p in points)
    console.print(f"{case}: {told}")
    return points


def over_samples(contenders: Sequence[str], options: argparse.Namespace) -> list[Point]:
    """Time and memory at every N."""
    found = []
    for name in options.networks:
        network = NETWORKS[name]()
        for samples in options.samples:
            able = [c for c in contenders if c in OURS or samples <= JAX_UP_TO]
            found += measured(network, Case(name, samples, "float32", options.lam), able, options)
    return found


def over_widths(contenders: Sequence[str], options: argparse.Namespace) -> list[Point]:
    """Time at every width, and `of_model`: over the FLOPs, relative to the median of the line."""
    found: list[Point] = []
    for name, family in FAMILIES.items():
        points: list[Point] = []
        for width in options.widths:
            case = Case(name, options.width_samples, "float32", options.lam)
            ours = [c for c in contenders if c in OURS]
            points += [{**p, "width": width} for p in measured(family(width), case, ours, options)]
        for contender in dict.fromkeys(p["contender"] for p in points):
            line = [p for p in points if p["contender"] == contender]
            typical = median(p["seconds"] / p["product_flops"] for p in line)
            found += [{**p, "of_model": p["seconds"] / p["product_flops"] / typical} for p in line]
    return found


def exponent(points: Sequence[Point]) -> float:
    """The slope of log time against log N: 1 if time is linear in N."""
    n, seconds = (np.log([p[key] for p in points]) for key in ("samples", "seconds"))
    return float(np.polyfit(n, seconds, 1)[0])


def rows(samples: Sequence[Point], widths: Sequence[Point]) -> list[tuple[str, ...]]:
    """The exponents, the memory at both ends, and how far the widths are from the model."""
    found: list[tuple[str, ...]] = [("", "time ~ N to the power of", "memory beyond the data, MB", "time / FLOPs")]
    for name, contender in dict.fromkeys((p["network"], p["contender"]) for p in samples):
        line = [p for p in samples if (p["network"], p["contender"]) == (name, contender)]
        first, last = line[0], line[-1]
        memory = ", ".join(f"{p['step_memory'] / 1e6:.0f} at {p['samples']:,}" for p in (first, last))
        power = f"{exponent(line):.2f}" if len(line) > 1 else ""
        found.append((f"{name}, {contender}", power, memory, ""))
    for name, contender in dict.fromkeys((p["network"], p["contender"]) for p in widths):
        line = [p for p in widths if (p["network"], p["contender"]) == (name, contender)]
        low, high = min(p["of_model"] for p in line), max(p["of_model"] for p in line)
        ends = f"w = {line[0]['width']} to {line[-1]['width']}"
        found.append((f"{name}, {ends}, {contender}", "", "", f"{low:.2f} to {high:.2f} of the median"))
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="AC", help="letters")
    parser.add_argument("--samples", type=int, nargs="+", default=[1 << k for k in range(10, 21)])
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 192, 256, 384, 512, 768, 1024])
    parser.add_argument(
        "--width-samples",
        type=int,
        default=8192,
        help="N of these; what all modules are built for",
    )
    parser.add_argument("--lam", type=float, default=0.1)
    parser.add_argument("--contenders", nargs="+", default=[*OURS, "jax"], choices=(*OURS, "jax"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a turn; a step at least is taken")
    parser.add_argument("--quick", action="store_true", help="N = 1k to 4k, two widths, two short rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round here")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the lines here")
    parser.add_argument("--markdown", action="store_true", help="print the table as the README has it")
    options = parser.parse_args()
    if options.quick:
        options.samples, options.widths, options.width_samples = [1024, 2048, 4096], [128, 256], 1024
        options.rounds, options.seconds = 2, 0.02
    try:
        contenders = available(options.contenders, console.print)
        samples, widths = over_samples(contenders, options), over_widths(contenders, options)
    except SmgenError as error:
        raise SystemExit(f"error: {error}") from None
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        found = {"machine": machine(), "lam": options.lam, "samples": samples, "widths": widths}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    table = rows(samples, widths)
    if options.markdown:
        print(markdown(table))
    else:
        console.print(summary_table(table))
    if options.plot:
        plot_scaling(samples, widths, options.plot)


if __name__ == "__main__":
    main()
