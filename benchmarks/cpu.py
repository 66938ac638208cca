"""smgen's NumPy and C modules against what people would write: python -m benchmarks.cpu

Value and gradient of the regularised score-matching loss on networks A–F, in alternating rounds of separate processes.
Ratios are medians of the ratios within a round. Results are compared before anything is timed. --quick takes a minute,
the whole a quarter of an hour; torch.compile, which is not among the default contenders, half a minute more a case.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

from rich.console import Console

from benchmarks.networks import NETWORKS
from benchmarks.plots import plot_ratios
from smgen.bench.cold import cold_starts
from smgen.bench.contenders import CONTENDERS, OURS, available
from smgen.bench.report import (
    case_table,
    cold_summary,
    cold_table,
    disturbances,
    markdown,
    rate_table,
    summary,
    summary_table,
)
from smgen.bench.results import Results, as_json, from_json
from smgen.bench.rounds import Case
from smgen.bench.run import Plan, reference_of, run
from smgen.errors import SmgenError

console = Console(width=160, highlight=False)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="".join(NETWORKS), help="letters")
    parser.add_argument("--samples", type=int, nargs="+", default=[128, 1024, 8192])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--lam", type=float, nargs="+", default=[0.1, 0.0])
    parser.add_argument("--contenders", nargs="+", default=[*OURS, "jax"], choices=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="of a turn; three steps are taken unless they are long"
    )
    parser.add_argument("--peer", help="whose times the ratios are to; jax if it takes part")
    parser.add_argument("--cold", type=int, default=5, metavar="TRIES", help="cold starts of A and B; 0 for none")
    parser.add_argument("--quick", action="store_true", help="N = 128 in float32 only, three short rounds")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every round here, e.g. benchmarks/results/cpu.json"
    )
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing, report an earlier run")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios here")
    parser.add_argument("--markdown", action="store_true", help="print the summary as the README has it")
    found = parser.parse_args()
    if found.quick:
        found.samples, found.dtypes, found.rounds, found.seconds, found.cold = [128], ["float32"], 3, 0.05, 1
    return found


def measured(options: argparse.Namespace) -> Results:
    """Measure every case and the cold starts, telling of each as it is done."""
    contenders = available(options.contenders, console.print)
    if not contenders:
        raise SystemExit("nothing to measure")
    plan = Plan(tuple(contenders), options.rounds, options.seconds)
    networks = {name: NETWORKS[name]() for name in options.networks}
    cases = [
        Case(name, samples, dtype, lam)
        for dtype, name, samples, lam in product(options.dtypes, networks, options.samples, options.lam)
    ]

    def keep(results: Results) -> None:
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(as_json(results), indent=1), encoding="utf-8")

    results = run(networks, cases, plan, console.print, keep)
    if options.cold:
        starts = [(networks[name], Case(name, 128, "float32", 0.1)) for name in "AB" if name in networks]
        quick = [name for name in plan.contenders if name in (*OURS, "jax", "torch")]
        results.cold = cold_starts(starts, quick, options.cold, console.print)
        keep(results)
    return results


def report(results: Results, peer: str, *, readme: bool) -> None:
    """Everything as tables, or the summary alone as Markdown."""
    if readme:
        print(markdown(summary(results, peer)))
        if results.cold:
            print("\n" + markdown(cold_summary(results, peer)))
        return
    console.print(case_table(results, peer))
    console.print(rate_table(results, [name for name in results.contenders if name in OURS]))
    if results.cold:
        console.print(cold_table(results, peer))
        for start in results.cold:
            if start.compilation is not None:
                console.print(f"{start.name}: the C module's first compilation takes {start.compilation:.1f} s")
    console.print(summary_table(summary(results, peer)))
    console.print(disturbances(results))


def main() -> None:
    """Measure or read, then report."""
    options = arguments()
    try:
        results = from_json(json.loads(options.from_json.read_text())) if options.from_json else measured(options)
    except SmgenError as error:
        raise SystemExit(f"error: {error}") from None
    peer = options.peer or reference_of(results.contenders)
    report(results, peer, readme=options.markdown)
    if options.plot:
        plot_ratios(results, peer, options.plot)


if __name__ == "__main__":
    main()
