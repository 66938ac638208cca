"""Results as tables: one row a case, summaries below, for terminals and for the README."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, TypeAlias

from rich.table import Table

from smgen.bench.results import Outcome, Results, geometric_mean, memories, times
from smgen.bench.rounds import Case, ratio
from smgen.report.tables import Table as Plain

TITLES: Final = {
    "numpy": "smgen, NumPy",
    "c": "smgen, C",
    "jax": "jax.jit",
    "torch": "PyTorch",
    "torch.compile": "torch.compile",
    "literal": "NumPy, literally",
}
Row: TypeAlias = tuple[str, ...]


def title(contender: str) -> str:
    """A contender's name for people."""
    return TITLES.get(contender, contender)


def case_table(results: Results, peer: str) -> Table:
    """A row a case: every contender's milliseconds a step, the multiple of the peer's, and peak memory."""
    heading = f"Value and gradient: ms a step (as a multiple of {title(peer)}'s; peak memory in MB)"
    table = Table(title=heading, title_justify="left")
    for column in ("", "N", "dtype", "λ", *map(title, results.contenders)):
        table.add_column(column, justify="left" if column in ("", "dtype", "λ") else "right")
    for outcome in results.outcomes:
        case, other = outcome.case, outcome.of(peer)
        cells = []
        for name in results.contenders:
            m = outcome.of(name)
            multiple = f"{ratio(m, other):.2f}; " if m and other else ""
            cells.append(f"{1e3 * m.seconds:.3g} ({multiple}{m.peak_memory / 1e6:.0f})" if m else "")
        table.add_row(case.name, str(case.samples), case.dtype, f"{case.lam:g}", *cells)
    return table


def contender_table(results: Results, peer: str) -> Plain:
    """A row a contender and case, with everything that is known of it: for one network."""
    rates = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {dtype}" for dtype, rate in sorted(results.gemm.items()))
    title = (
        f"Value and gradient. MB: peak memory; GFLOP: of the products of a step;\nrate: of one large product's, {rates}"
    )
    figures = "ms a step", f"/ {peer}'s", "MB", "GFLOP", "rate"
    table = Plain(title, ("N", "λ", "", *figures), right=("N", *figures))
    for outcome in results.outcomes:
        other = outcome.of(peer)
        for m in outcome.measured:
            flops, fraction = outcome.executed.get(m.contender), results.fraction(outcome, m.contender)
            table.add_row(
                f"{outcome.case.samples}",
                f"{outcome.case.lam:g}",
                m.contender,
                f"{1e3 * m.seconds:.3g}",
                f"{ratio(m, other):.2f}" if other else "",
                f"{m.peak_memory / 1e6:.0f}",
                f"{flops / 1e9:.3g}" if flops is not None else "",
                f"{fraction:.0%}" if fraction is not None else "",
            )
    return table


def rate_table(results: Results, contenders: Sequence[str]) -> Table:
    """The fewest FLOPs of products over the time, as a fraction of one large product's rate (and FLOPs executed)."""
    rates = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {dtype}" for dtype, rate in sorted(results.gemm.items()))
    heading = f"Fewest FLOPs / time, of one large product's rate: {rates} (FLOPs executed / fewest)"
    table = Table(title=heading, title_justify="left")
    kinds = list(dict.fromkeys((o.case.dtype, o.case.lam) for o in results.outcomes))
    for column in ("", "N", "", *(f"{dtype}, λ = {lam:g}" for dtype, lam in kinds)):
        table.add_column(column, justify="right" if column == "N" else "left")
    for name, samples in dict.fromkeys((o.case.name, o.case.samples) for o in results.outcomes):
        for contender in contenders:
            by_kind = {
                (o.case.dtype, o.case.lam): _rate(results, o, contender)
                for o in results.outcomes
                if (o.case.name, o.case.samples) == (name, samples)
            }
            table.add_row(name, str(samples), title(contender), *(by_kind.get(kind, "") for kind in kinds))
    return table


def _rate(results: Results, outcome: Outcome, contender: str) -> str:
    fraction, flops = results.fraction(outcome, contender), outcome.executed.get(contender)
    if fraction is None or flops is None:
        return ""
    return f"{fraction:.0%}" + (f" ({flops / outcome.least:.2f})" if outcome.least else "")


def cold_table(results: Results, peer: str) -> Table:
    """Cold starts, one row each."""
    heading = f"Cold start: s from process start to the first result (as a multiple of {title(peer)}'s)"
    table = Table(title=heading, title_justify="left")
    names = list(dict.fromkeys(name for start in results.cold for name in start.seconds))
    for column in ("", "N", "dtype", *map(title, names)):
        table.add_column(column, justify="left" if column in ("", "dtype") else "right")
    for start in results.cold:
        cells = []
        for name in names:
            multiple = f" ({start.median(name) / start.median(peer):.2f})" if peer in start.seconds else ""
            cells.append(f"{start.median(name):.2f}{multiple}" if name in start.seconds else "")
        table.add_row(start.name, str(start.samples), start.dtype, *cells)
    return table


def summary(results: Results, peer: str) -> list[Row]:
    """Rows of (what, and a figure for each λ): geometric means, worst cases and memory of all but the peer."""
    lams = sorted({outcome.case.lam for outcome in results.outcomes}, reverse=True)
    samples = sorted({outcome.case.samples for outcome in results.outcomes})
    rows: list[Row] = [("", *(f"λ = {lam:g}" for lam in lams))]
    for contender in results.contenders:
        if contender == peer:
            continue
        time, memory = times(results.outcomes, contender, peer), memories(results.outcomes, contender, peer)
        who, whose = title(contender), title(peer)
        rows.append((f"{who}: time / {whose}'s, geometric mean", *_row(time, lams, _mean)))
        for n in samples if len(samples) > 1 else ():
            here = [(case, value) for case, value in time if case.samples == n]
            rows.append((f"{who}: at N = {n}", *_row(here, lams, _mean)))
        rows.append((f"{who}: worst case", *_row(time, lams, _worst)))
        rows.append((f"{who}: peak memory / {whose}'s, median of the cases", *_row(memory, lams, _median)))
        largest = [(case, value) for case, value in memory if case.samples == samples[-1]]
        rows.append((f"{who}: worst at N = {samples[-1]}", *_row(largest, lams, _worst)))
    return rows


Figures: TypeAlias = list[tuple[Case, float]]


def _row(figures: Figures, lams: list[float], combine: Callable[[Figures], str]) -> list[str]:
    by_lam = ([(case, value) for case, value in figures if case.lam == lam] for lam in lams)
    return [combine(these) if these else "" for these in by_lam]


def _mean(figures: Figures) -> str:
    return f"{geometric_mean(value for _, value in figures):.2f}"


def _median(figures: Figures) -> str:
    return f"{median(value for _, value in figures):.2f}"


def _worst(figures: Figures) -> str:
    case, value = max(figures, key=lambda pair: pair[1])
    return f"{value:.2f} ({case.name}, N = {case.samples}, {case.dtype})"


def cold_summary(results: Results, peer: str) -> list[Row]:
    """Rows of (what, seconds, the multiple of the peer's) for the README."""
    rows: list[Row] = [("cold start, process start to first result", "seconds", f"/ {title(peer)}'s")]
    for start in results.cold:
        for name in start.seconds:
            multiple = f"{start.median(name) / start.median(peer):.2f}" if peer in start.seconds else ""
            rows.append((f"{start.name}, N = {start.samples}: {title(name)}", f"{start.median(name):.2f}", multiple))
    return rows


def summary_table(rows: Sequence[Row], title: str = "Summary") -> Table:
    """Rows, the first of which is the heading, for a terminal."""
    head, *body = rows
    table = Table(title=title, title_justify="left")
    for column in head:
        table.add_column(column)
    for row in body:
        table.add_row(*row)
    return table


def markdown(rows: Sequence[Row]) -> str:
    """Rows, the first of which is the heading, as a Markdown table."""
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)])


def disturbances(results: Results) -> str:
    """A sentence about the cases in which other processes were busy, or an empty string."""
    disturbed = [outcome.case for outcome in results.outcomes if outcome.disturbed]
    if not disturbed:
        return ""
    cases = f"{len(disturbed)} of {len(results.outcomes)} cases"
    return f"Other processes were busy in {cases}, whose figures may be anything."
