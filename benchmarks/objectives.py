"""Other losses and derivatives as products, against what people write with autodiff: python -m benchmarks.objectives

First the denoising loss and its gradient on networks A–D, against jax.jit of value_and_grad of the same, with the same
noise. Then `score_and_laplacian` in hessian mode `exact` on tanh networks, the last of them that of torch-jet's own
benchmark, against folx's forward Laplacian, collapsed Taylor mode (written in JAX: torch-jet is on no package index)
and vmap(jvp(grad)). Results are compared first, each in a process that is there for its peak memory too; then all take
turns in alternating rounds in one process. Ratios are medians of the ratios within a round. --quick takes a minute.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import geometric_mean
from typing import Final, TypeAlias

from rich.console import Console

from benchmarks.exact import keep
from benchmarks.exact_programs import Programs
from benchmarks.exact_rounds import Plan, measure
from benchmarks.networks import NETWORKS
from benchmarks.objective_programs import DENOISING, LAPLACIAN, denoising, laplacian, tanh_network, there
from benchmarks.processor import vector_extensions
from smgen.bench.contenders import OURS, available
from smgen.bench.report import Row, disturbances, markdown, summary_table, title
from smgen.bench.results import Outcome, Results, from_json, machine
from smgen.bench.rounds import Case, Measured, data_of, ratio
from smgen.errors import SmgenError
from smgen.network import Network

console = Console(width=160, highlight=False)

TANH: Final = {"16-128-128-1": 1024, "64-256-256-1": 1024, "50-768-768-512-512-1": 128}
"""The networks whose Laplacian is taken, and the most samples."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", default=["denoising", "laplacian"], choices=("denoising", "laplacian"))
    parser.add_argument("--networks", default="ABCD", help="letters, of the denoising loss")
    parser.add_argument("--widths", nargs="+", default=list(TANH), help="of the networks whose Laplacian is taken")
    parser.add_argument("--samples", type=int, nargs="+", default=[128, 1024], help="N of the denoising loss")
    parser.add_argument("--laplacian-samples", type=int, nargs="+", default=[1, 16, 128, 1024])
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    parser.add_argument("--contenders", nargs="+", default=[*OURS, *LAPLACIAN], choices=(*OURS, *LAPLACIAN))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--few", type=int, default=3, help="rounds where somebody's step takes more than three seconds")
    parser.add_argument("--seconds", type=float, default=0.15, help="of a turn; a step at least is taken")
    parser.add_argument("--quick", action="store_true", help="16 samples, two short rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round here")
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing, report an earlier run")
    parser.add_argument("--markdown", action="store_true", help="print the tables as the README has them")
    found = parser.parse_args()
    if found.quick:
        found.samples, found.laplacian_samples, found.rounds, found.seconds = [16], [1, 16], 2, 0.02
    return found


def measured(options: argparse.Namespace) -> dict[str, Results]:
    """Both comparisons, telling of each case as it is done."""
    ours = available([c for c in options.contenders if c in OURS], console.print)
    here = there([*ours, *(c for c in options.contenders if c not in OURS)])
    plan = Plan(options.rounds, options.few, options.seconds)
    found = {what: Results(machine=machine()) for what in options.what}
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as cache:
        for what in options.what:
            cases = _denoising(here, options) if what == "denoising" else _laplacian(here, options)
            for case, network, programs in cases:
                outcome = measure(case, [programs], list(programs), data_of(network, case), plan, Path(cache))
                found[what].outcomes.append(outcome)
                times = ", ".join(f"{title(m.contender)} {1e3 * m.seconds:.3g} ms" for m in outcome.measured)
                console.print(f"{case}: {times}{'; others were busy' * outcome.disturbed}", soft_wrap=True)
                keep(found, options.json)
    return found


Cases: TypeAlias = Iterator[tuple[Case, Network, Programs]]


def _denoising(here: list[str], options: argparse.Namespace) -> Cases:
    for name in options.networks:
        for samples in options.samples:
            case = Case(name, samples, options.dtype, 0.0)
            contenders = [c for c in here if c in (*OURS, *DENOISING)]
            yield case, NETWORKS[name](), denoising(name, samples, contenders, options.dtype)


def _laplacian(here: list[str], options: argparse.Namespace) -> Cases:
    for name in options.widths:
        for samples in options.laplacian_samples:
            if samples <= TANH.get(name, samples):
                case = Case(name, samples, options.dtype, 0.0)
                yield case, tanh_network(name), laplacian(name, samples, here, options.dtype)


def rows(results: Results, what: str) -> list[Row]:
    """A row a case: all times, those of smgen over each peer's, and the C module's memory over the least peer's."""
    peers = [c for c in results.contenders if c not in OURS]
    ours = [c for c in results.contenders if c in OURS]
    pairs = [(one, peer) for one in ours for peer in peers]
    head = (
        f"{what}, ms",
        "N",
        *map(title, results.contenders),
        *(f"{title(one)} / {title(peer)}" for one, peer in pairs),
        "memory / least peer's",
    )
    body: list[Row] = [head]
    ratios: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for outcome in results.outcomes:
        by_name = {m.contender: m for m in outcome.measured}
        for pair in pairs:
            ratios[pair].append(ratio(by_name[pair[0]], by_name[pair[1]]))
        times = (f"{1e3 * by_name[c].seconds:.3g}" for c in results.contenders)
        shares = (f"{ratios[pair][-1]:.2f}" for pair in pairs)
        memory = f"{_memory(outcome, ours[-1], peers):.2f}" if peers and ours else ""
        body.append((outcome.case.name, f"{outcome.case.samples}", *times, *shares, memory))
    means = (f"{geometric_mean(ratios[pair]):.2f}" for pair in pairs)
    body.append(("geometric mean", "", *("" for _ in results.contenders), *means, ""))
    return body


def _memory(outcome: Outcome, one: str, peers: list[str]) -> float:
    """The peak memory of one process over the least of the peers'."""
    found: dict[str, Measured] = {m.contender: m for m in outcome.measured}
    return found[one].peak_memory / min(found[peer].peak_memory for peer in peers)


def tables(found: dict[str, Results]) -> Iterator[list[Row]]:
    """A table for each comparison."""
    words = {"denoising": "denoising loss and gradient", "laplacian": "score and Laplacian"}
    for what, results in found.items():
        if results.outcomes:
            yield rows(results, words[what])


def main() -> None:
    """Measure or read, then report."""
    options = arguments()
    try:
        if options.from_json:
            found = {key: from_json(results) for key, results in json.loads(options.from_json.read_text()).items()}
        else:
            console.print(f"{machine()}, {vector_extensions()}")
            found = measured(options)
    except SmgenError as error:
        raise SystemExit(f"error: {error}") from None
    for table in tables(found):
        if options.markdown:
            print(markdown(table) + "\n")
        else:
            console.print(summary_table(table, title=""))
    if not options.markdown:
        console.print(disturbances(Results([outcome for results in found.values() for outcome in results.outcomes])))


if __name__ == "__main__":
    main()
