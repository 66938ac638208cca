"""The exact loss of deep networks, and its stochastic estimate, against what people write: python -m benchmarks.exact

J = mean of Σ_d (½ (∂E/∂x_d)² − ∂²E/∂x_d²) and its gradient on softplus networks, in float32. First smgen's modules in
hessian mode `exact` against jax.jit of vmap(jvp(grad)), folx's forward Laplacian and PyTorch's double-backward loop:
all compute the same number. Then the C module in mode `hutchinson` against its diagonal recursion, which on these
networks is another number. Results are compared first, each in a process that is there for its peak memory too; then
all take turns in alternating rounds in one process. Ratios are medians of the ratios within a round. Where somebody's
step takes seconds a turn is a step, and the rounds are few. A quarter of an hour; --quick takes three or four minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from benchmarks.exact_programs import (
    DIAGONAL,
    DTYPE,
    SAMPLES,
    THEIRS,
    Programs,
    called,
    exact,
    hutchinson,
    network_of,
    ours,
    peers,
    probes_of,
)
from benchmarks.exact_rounds import Plan, measure
from smgen.bench.contenders import OURS, available
from smgen.bench.report import Row, disturbances, markdown, summary_table, title
from smgen.bench.results import Outcome, Results, as_json, from_json, machine
from smgen.bench.rounds import Case, Measured, data_of, ratio
from smgen.errors import SmgenError

console = Console(width=160, highlight=False)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(SAMPLES), type=_widths, help="widths, as 16-128-128-1")
    parser.add_argument("--samples", type=int, help="N of all networks; by default each has its own, or 128")
    parser.add_argument("--contenders", nargs="+", default=[*OURS, *THEIRS], choices=(*OURS, *THEIRS))
    parser.add_argument("--probes", type=int, nargs="*", default=[1, 2, 4], help="none: no stochastic estimates")
    parser.add_argument("--lam", type=float, nargs="+", default=[0.0, 0.1], help="of the stochastic estimates")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--few", type=int, default=3, help="rounds where somebody's step takes more than three seconds")
    parser.add_argument("--seconds", type=float, default=0.15, help="of a turn; a step at least is taken")
    parser.add_argument("--quick", action="store_true", help="16 samples, two short rounds")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every round here, e.g. benchmarks/results/exact.json"
    )
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing, report an earlier run")
    parser.add_argument("--markdown", action="store_true", help="print the tables as the README has them")
    found = parser.parse_args()
    if found.quick:
        found.samples, found.rounds, found.few, found.seconds = 16, 2, 2, 0.02
    return found


def _widths(text: str) -> str:
    try:
        network_of(text)
    except (ValueError, SmgenError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no network: {error}") from None
    return text


def measured(options: argparse.Namespace) -> dict[str, Results]:
    """Both comparisons on every network, telling of each case as it is done."""
    here = available([c for c in options.contenders if c in OURS], console.print) + peers(options.contenders)
    plan = Plan(options.rounds, options.few, options.seconds)
    found = {"exact": Results(machine=machine()), "hutchinson": Results(machine=machine())}
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as cache:
        for name in options.networks:
            for comparison, outcome in _outcomes(name, here, options, plan, Path(cache)):
                found[comparison].outcomes.append(outcome)
                times = ", ".join(f"{title(m.contender)} {1e3 * m.seconds:.3g} ms" for m in outcome.measured)
                busy = "; others were busy" if outcome.disturbed else ""
                console.print(f"{outcome.case}: {times}{busy}", soft_wrap=True)
                keep(found, options.json)
    return found


def _outcomes(
    name: str, contenders: list[str], options: argparse.Namespace, plan: Plan, cache: Path
) -> Iterator[tuple[str, Outcome]]:
    """What is measured of one network, and to which comparison it belongs."""
    samples = options.samples or SAMPLES.get(name, 128)
    case = Case(name, samples, DTYPE, 0.0)
    data = data_of(network_of(name), case)
    programs = exact(name, samples, contenders)
    if programs:
        yield "exact", measure(case, [programs], list(programs), data, plan, cache)
    if "c" not in contenders:
        return
    diagonal: Programs = {DIAGONAL: ours("c", name, samples, "diagonal")}
    for lam in options.lam:
        # With the regulariser an estimate without bias takes two probes.
        able = [p for p in options.probes if p > 1 or lam == 0]
        if able:
            groups: list[Programs] = [diagonal, *(hutchinson(name, samples, lam, p, contenders) for p in able)]
            timed = [DIAGONAL, *(called("c", p) for p in able)]
            yield "hutchinson", measure(Case(name, samples, DTYPE, lam), groups, timed, data, plan, cache)


def keep(found: dict[str, Results], path: Path | None) -> None:
    """Write every round of some comparisons to a file, if there is to be one."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({key: as_json(r) for key, r in found.items()}, indent=1), encoding="utf-8")


def exact_rows(
    results: Results, what: str, figure: Callable[[Measured], float], multiple: Callable[[Measured, Measured], float]
) -> list[Row]:
    """A row a network: everybody's figure and multiple of the C module's, and the least multiple of a peer."""
    base = "c" if "c" in results.contenders else results.contenders[0]
    head = (f"{what} (× {title(base)})", "N", *map(title, results.contenders), f"least peer's / {title(base)}'s")
    rows: list[Row] = [head]
    for outcome in results.outcomes:
        one = outcome.of(base)
        assert one is not None
        multiples = {m.contender: multiple(m, one) for m in outcome.measured}
        cells = (f"{_short(figure(m))} ({multiples[m.contender]:.2f})" for m in outcome.measured)
        least = min((value for contender, value in multiples.items() if contender not in OURS), default=None)
        rows.append((outcome.case.name, f"{outcome.case.samples}", *cells, f"{least:.2f}" if least else ""))
    return rows


def hutchinson_rows(results: Results) -> list[Row]:
    """A row a network and λ: the diagonal recursion's time, then each estimate's, and its multiple per probe."""
    estimates = sorted((c for c in results.contenders if c != DIAGONAL), key=probes_of)
    names = (f"{probes_of(c)} probe{'s' if probes_of(c) > 1 else ''}" for c in estimates)
    rows: list[Row] = [("smgen, C: ms a step (× diagonal / probes)", "N", "λ", DIAGONAL, *names)]
    for outcome in results.outcomes:
        case, one = outcome.case, outcome.of(DIAGONAL)
        assert one is not None
        found = ((c, outcome.of(c)) for c in estimates)
        cells = (f"{_short(1e3 * m.seconds)} ({ratio(m, one) / probes_of(c):.2f})" if m else "" for c, m in found)
        rows.append((case.name, f"{case.samples}", f"{case.lam:g}", _short(1e3 * one.seconds), *cells))
    return rows


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def tables(found: dict[str, Results]) -> Iterator[list[Row]]:
    """Times and peak memory of the exact loss, times of its estimates."""
    if found["exact"].outcomes:
        yield exact_rows(found["exact"], "ms a step", lambda m: 1e3 * m.seconds, ratio)
        yield exact_rows(
            found["exact"], "MB", lambda m: m.peak_memory / 1e6, lambda a, b: a.peak_memory / b.peak_memory
        )
    if found["hutchinson"].outcomes:
        yield hutchinson_rows(found["hutchinson"])


def main() -> None:
    """Measure or read, then report."""
    options = arguments()
    try:
        if options.from_json:
            found = {key: from_json(results) for key, results in json.loads(options.from_json.read_text()).items()}
        else:
            found = measured(options)
    except SmgenError as error:
        raise SystemExit(f"error: {error}") from None
    for rows in tables(found):
        if options.markdown:
            print(markdown(rows) + "\n")
        else:
            console.print(summary_table(rows, title=""))
    if not options.markdown:
        console.print(disturbances(Results([outcome for results in found.values() for outcome in results.outcomes])))


if __name__ == "__main__":
    main()
