"""What benchmarks/images.py found, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.image_contenders import LAYOUTS, names
from smgen.bench.contenders import OURS
from smgen.bench.report import Row, title
from smgen.bench.results import Outcome, Results, geometric_mean
from smgen.bench.rounds import Measured, ratio


def best(outcome: Outcome, library: str) -> Measured | None:
    """The figures of a peer in its fastest layout."""
    there = (m for m in map(outcome.of, names(library)) if m)
    return min(there, key=lambda m: m.seconds, default=None)


def layout_rows(results: Results) -> list[Row]:
    """A row a case: everybody's milliseconds a step and peak memory, in every layout."""
    rows: list[Row] = [("ms a step (peak memory, MB)", "N", "λ", *map(title, results.contenders))]
    for outcome in results.outcomes:
        there = map(outcome.of, results.contenders)
        cells = (f"{short(1e3 * m.seconds)} ({m.peak_memory / 1e6:.0f})" if m else "" for m in there)
        rows.append((outcome.case.name, f"{outcome.case.samples}", f"{outcome.case.lam:g}", *cells))
    return rows


def ratio_rows(results: Results) -> list[Row]:
    """A row a case: smgen's times as multiples of each peer's in its fastest layout, and the geometric means."""
    pairs = [(one, peer) for one in OURS if one in results.contenders for peer in LAYOUTS]
    columns = [(one, peer) for one, peer in pairs if any(best(o, peer) for o in results.outcomes)]
    rows: list[Row] = [("diagonal recursion, time / time", "N", "λ", *(f"{title(a)} / {title(b)}" for a, b in columns))]
    values: dict[tuple[str, str], list[float]] = {column: [] for column in columns}
    for outcome in results.outcomes:
        cells = []
        for backend, library in columns:
            one, other = outcome.of(backend), best(outcome, library)
            if one is None or other is None:
                cells.append("")
                continue
            values[backend, library].append(ratio(one, other))
            cells.append(f"{ratio(one, other):.2f} ({other.contender})")
        rows.append((outcome.case.name, f"{outcome.case.samples}", f"{outcome.case.lam:g}", *cells))
    means = (f"{geometric_mean(column):.2f}" for column in values.values())
    return [*rows, ("geometric mean", "", "", *means)]


def exact_rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """A row a contender of one set of rounds: milliseconds a sample, as multiples of those of smgen's modules."""
    sized = [(outcome.case.samples, m) for outcome in outcomes for m in outcome.measured]
    backends = [b for b in OURS if any(m.contender == b for _, m in sized)]
    bases = [(name, *_first(sized, name)) for b in backends for name in (b, f"{b} exact")]
    case = outcomes[0].case
    what = f"{case.name}, exact loss, λ = {case.lam:g}"
    rows: list[Row] = [(what, "N", "ms a sample", *(f"× {name}" for name, _, _ in bases), "MB")]
    for samples, m in sized:
        multiples = (ratio(m, base) * many / samples for _, many, base in bases)
        cells = (f"{value:.2f}" if value < 100 else f"{value:.0f}" for value in multiples)
        rows.append((m.contender, f"{samples}", short(1e3 * m.seconds / samples), *cells, f"{m.peak_memory / 1e6:.0f}"))
    return rows


def _first(sized: Sequence[tuple[int, Measured]], name: str) -> tuple[int, Measured]:
    return next((samples, m) for samples, m in sized if m.contender == name)


def memory_rows(points: Sequence[dict[str, Any]]) -> list[Row]:
    """A row a network and contender: peak memory beyond the data, library included, at every N."""
    sizes = sorted({point["samples"] for point in points})
    rows: list[Row] = [("peak memory beyond the data, MB", "", *(f"N = {n}" for n in sizes))]
    for network, contender in dict.fromkeys((p["network"], p["contender"]) for p in points):
        by_size = {
            p["samples"]: p["peak_memory"] - p["loaded_memory"]
            for p in points
            if (p["network"], p["contender"]) == (network, contender)
        }
        cells = (f"{by_size[n] / 1e6:.0f}" if n in by_size else "" for n in sizes)
        rows.append((network, title(contender), *cells))
    return rows


def short(value: float) -> str:
    """Three digits, or all of a large number."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
