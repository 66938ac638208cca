"""Ratios as tables: one row a case, geometric means below, for terminals and for the README."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import exp, log
from typing import Any

from rich.table import Table

from smgen.bench.rounds import Case, Measured, ratio

Results = Sequence[tuple[Case, Sequence[Measured]]]


def geometric_mean(values: Iterable[float]) -> float:
    """The exponential of the mean of the logarithms. Raises `ValueError` for no values."""
    found = [log(value) for value in values]
    if not found:
        raise ValueError("the geometric mean of nothing")
    return exp(sum(found) / len(found))


def ratios(results: Results, contender: str, peer: str) -> list[tuple[Case, float]]:
    """The contender's time as a multiple of the peer's, for every case that both took."""
    found = []
    for case, measured in results:
        by_name = {m.contender: m for m in measured}
        if contender in by_name and peer in by_name:
            found.append((case, ratio(by_name[contender], by_name[peer])))
    return found


def as_json(results: Results) -> list[dict[str, Any]]:
    """Every round of every contender."""
    return [
        {
            "network": case.name,
            "samples": case.samples,
            "dtype": case.dtype,
            "lam": case.lam,
            "contenders": {
                m.contender: {"rounds": list(m.rounds), "first": m.first, "peak_memory": m.peak_memory}
                for m in measured
            },
        }
        for case, measured in results
    ]


def from_json(entries: list[dict[str, Any]]) -> list[tuple[Case, list[Measured]]]:
    """The inverse of `as_json`."""
    return [
        (
            Case(entry["network"], entry["samples"], entry["dtype"], entry["lam"]),
            [
                Measured(name, tuple(m["rounds"]), m["first"], m["peak_memory"])
                for name, m in entry["contenders"].items()
            ],
        )
        for entry in entries
    ]


def table(results: Results, peer: str) -> Table:
    """Milliseconds a step and, in brackets, the multiple of the peer's time."""
    contenders = list(dict.fromkeys(m.contender for _, measured in results for m in measured))
    found = Table(title=f"Value and gradient: ms a step (multiple of {peer}; peak MB)", title_justify="left")
    for column in ("network", "N", "dtype", "λ", *contenders):
        found.add_column(column, justify="right" if column in ("N", *contenders) else "left")
    for case, measured in results:
        by_name = {m.contender: m for m in measured}
        cells = []
        for name in contenders:
            m = by_name.get(name)
            if m is None:
                cells.append("")
                continue
            multiple = f"{ratio(m, by_name[peer]):.2f}; " if peer in by_name else ""
            cells.append(f"{1e3 * m.seconds:.3g} ({multiple}{m.peak_memory / 1e6:.0f})")
        found.add_row(case.name, str(case.samples), case.dtype, f"{case.lam:g}", *cells)
    return found


def summary(results: Results, contenders: Sequence[str], peer: str) -> list[tuple[str, ...]]:
    """Rows of (what, and for each contender and λ a figure): geometric means, the worst case, memory."""
    lams = sorted({case.lam for case, _ in results}, reverse=True)
    samples = sorted({case.samples for case, _ in results})
    rows: list[tuple[str, ...]] = []
    kinds: list[tuple[str, Callable[[Case], bool], Callable[[list[float]], float]]] = [
        ("geometric mean", lambda _: True, geometric_mean),
        *((f"geometric mean at N = {n}", lambda case, n=n: case.samples == n, geometric_mean) for n in samples),
        ("worst case", lambda _: True, max),
    ]
    for contender in contenders:
        for what, holds, combine in kinds:
            cells = []
            for lam in lams:
                values = [r for case, r in ratios(results, contender, peer) if case.lam == lam and holds(case)]
                cells.append(f"{combine(values):.2f}" if values else "")
            rows.append((f"{contender}: time / {peer}'s, {what}", *cells))
        cells = []
        for lam in lams:
            memory = sorted(
                by_name[contender].peak_memory / by_name[peer].peak_memory
                for case, measured in results
                if (by_name := {m.contender: m for m in measured})
                and case.lam == lam
                and {contender, peer} <= set(by_name)
            )
            cells.append(f"{memory[len(memory) // 2]:.2f}" if memory else "")
        rows.append((f"{contender}: peak memory / {peer}'s, median", *cells))
    return [("", *(f"λ = {lam:g}" for lam in lams)), *rows]


def markdown(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as a Markdown table."""
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)])
