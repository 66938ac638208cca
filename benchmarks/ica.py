"""Independent component analysis against picard and scikit-learn's FastICA: python -m benchmarks.ica

Complete mixtures: everybody gets the same samples, with the defaults of each, whitening included. The Amari distance is
the median over mixtures drawn with different seeds; seconds are of the first one, in alternating rounds in one process,
and ratios the medians of the ratios within a round. Then overcomplete mixtures, twice as many sources as dimensions,
which the peers cannot take: the mean over the true atoms of the best |cosine| with one of `mixing_`, and of as many
random atoms for comparison. --quick takes seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from rich.console import Console

from benchmarks.exact_rounds import Turns
from benchmarks.ica_cases import CONTENDERS, SOURCES, amari, cosine, mixture, there, unmixed
from benchmarks.processor import vector_extensions
from smgen.bench.processes import QUIET, alternate
from smgen.bench.report import Row, markdown, summary_table
from smgen.bench.results import machine
from smgen.errors import SmgenError

console = Console(width=160, highlight=False)

SIZES: Final = ("10x10000", "40x50000")
PACKAGES: Final = {"scikit-learn": "sklearn", "python-picard": "picard", "scipy": "scipy"}
"""Import names of what else matters, by their names on the package index."""

Figures = dict[str, Any]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", nargs="+", default=list(SOURCES)[:-1], choices=SOURCES)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), metavar="DxN", help="of complete mixtures")
    parser.add_argument("--overcomplete", nargs="*", default=["laplace", "sparse"], choices=SOURCES)
    parser.add_argument("--overcomplete-size", default="16x50000", metavar="DxN")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--seeds", type=int, default=5, help="mixtures of each kind")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn; one solution at least")
    parser.add_argument("--backend", default=None, choices=("numpy", "c"), help="of the overcomplete model's module")
    parser.add_argument("--steps", type=int, default=None, help="of the overcomplete model")
    parser.add_argument("--quick", action="store_true", help="small mixtures, one seed, two short rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round here")
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing, report an earlier run")
    parser.add_argument("--markdown", action="store_true", help="print the tables as the README has them")
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.overcomplete_size = ["4x2000"], "4x2000"
        options.seeds, options.rounds, options.seconds, options.steps = 1, 2, 0.0, options.steps or 300
    return options


def complete(name: str, size: str, options: argparse.Namespace) -> Figures:
    """The distances and the seconds of all contenders on one kind of sources."""
    dimensions, samples = _size(size)
    solvers = there(options.contenders)
    mixtures = [mixture(name, dimensions, dimensions, samples, seed) for seed in range(options.seeds)]
    distances = {
        contender: [amari(unmixed(solve, m.x, seed) @ m.mixing) for seed, m in enumerate(mixtures)]
        for contender, solve in solvers.items()
    }
    turns = {contender: Turns(partial(unmixed, solve, mixtures[0].x, 0)) for contender, solve in solvers.items()}
    others = alternate(list(turns.values()), options.rounds, options.seconds)  # type: ignore[arg-type]
    return {
        "sources": name,
        "size": size,
        "others": list(others),
        "contenders": {c: {"rounds": turns[c].rounds, "amari": distances[c]} for c in solvers},
    }


def overcomplete(name: str, options: argparse.Namespace) -> Figures:
    """How well atoms are recovered, twice as many as dimensions."""
    from smgen.estimators import ICA

    dimensions, samples = _size(options.overcomplete_size)
    figures: Figures = {"sources": name, "size": options.overcomplete_size, "seconds": [], "cosine": [], "chance": []}
    for seed in range(options.seeds):
        mixed = mixture(name, dimensions, 2 * dimensions, samples, seed)
        model = ICA(2 * dimensions, random_state=seed, backend=options.backend, max_iter=options.steps)
        begin = time.perf_counter()
        model.fit(mixed.x)
        figures["seconds"].append(time.perf_counter() - begin)
        figures["cosine"].append(cosine(model.mixing_, mixed.mixing))
        random = np.random.default_rng([seed, 1]).standard_normal(mixed.mixing.shape)
        figures["chance"].append(cosine(random, mixed.mixing))
    return figures


def _size(text: str) -> tuple[int, int]:
    """D and N of DxN. Raises `SystemExit` for another text."""
    try:
        dimensions, samples = map(int, text.split("x"))
    except ValueError:
        raise SystemExit(f"error: {text}: not a size; 10x10000 is 10 dimensions, 10,000 samples") from None
    return dimensions, samples


def measured(options: argparse.Namespace) -> Figures:
    """All figures, kept as they come."""
    where = {**machine(), "vector_extensions": vector_extensions()}
    where["packages"] |= {package: version(package) for package in PACKAGES if find_spec(PACKAGES[package])}
    figures: Figures = {"machine": where, "complete": [], "overcomplete": []}
    kinds = [(name, size) for size in options.sizes for name in options.sources]
    for name, size in kinds:
        figures["complete"].append(complete(name, size, options))
        console.print(f"{name}, {size}: done")
        _keep(figures, options.json)
    for name in options.overcomplete:
        figures["overcomplete"].append(overcomplete(name, options))
        console.print(f"{name}, overcomplete: done")
        _keep(figures, options.json)
    return figures


def _keep(figures: Figures, path: Path | None) -> None:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def complete_rows(cases: list[Figures]) -> list[Row]:
    """A row a case: everybody's Amari distance and seconds, and smgen's seconds over each peer's."""
    names = list(dict.fromkeys(name for case in cases for name in case["contenders"]))
    peers = [name for name in names if name != "smgen"] if "smgen" in names else []
    head = ("sources", "D x N", *(f"Amari, {n}" for n in names), *(f"s, {n}" for n in names))
    body: list[Row] = [(*head, *(f"time, smgen / {peer}" for peer in peers))]
    for case in cases:
        by_name = case["contenders"]
        distances = (f"{median(by_name[n]['amari']):.4f}" for n in names)
        seconds = (f"{median(by_name[n]['rounds']):.3g}" for n in names)
        ratios = (f"{_ratio(by_name['smgen']['rounds'], by_name[peer]['rounds']):.2f}" for peer in peers)
        body.append((case["sources"], case["size"], *distances, *seconds, *ratios))
    return body


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios within a round."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def overcomplete_rows(cases: list[Figures]) -> list[Row]:
    """A row a case."""
    body: list[Row] = [("sources, twice D", "D x N", "|cosine|", "of random atoms", "s")]
    for case in cases:
        figures = (f"{median(case[key]):.3f}" for key in ("cosine", "chance"))
        body.append((case["sources"], case["size"], *figures, f"{median(case['seconds']):.3g}"))
    return body


def disturbed(cases: list[Figures]) -> str:
    """A sentence about the cases in which other processes were busy, or an empty string."""
    count = sum(3 * sum(share > QUIET for share in case["others"]) > len(case["others"]) for case in cases)
    return f"Other processes were busy in {count} of {len(cases)} cases, whose times may be anything." if count else ""


def main() -> None:
    """Measure or read, then report."""
    options = arguments()
    try:
        figures = json.loads(options.from_json.read_text()) if options.from_json else measured(options)
    except SmgenError as error:
        raise SystemExit(f"error: {error}") from None
    where = figures["machine"]
    console.print(f"{where['cpu']}, {where['cores']} cores, {where['vector_extensions']}", soft_wrap=True)
    tables = (complete_rows(figures["complete"]), overcomplete_rows(figures["overcomplete"]))
    for rows in (table for table in tables if len(table) > 1):
        if options.markdown:
            print(markdown(rows) + "\n")
        else:
            console.print(summary_table(rows, title=""))
    console.print(disturbed(figures["complete"]))


if __name__ == "__main__":
    main()
