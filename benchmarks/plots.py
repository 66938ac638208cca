"""Pictures of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from smgen.bench.report import title
from smgen.bench.results import Results, times


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("a plot needs matplotlib: pip install 'smgen[bench]'") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def plot_ratios(results: Results, peer: str, path: Path) -> None:
    """One row of dots a contender: its ratios over the cases, on a logarithmic axis; a row for each λ."""
    plt = _pyplot()
    contenders = [name for name in results.contenders if name != peer]
    lams = sorted({outcome.case.lam for outcome in results.outcomes}, reverse=True)
    samples = sorted({outcome.case.samples for outcome in results.outcomes})
    rows = [(name, lam) for name in contenders for lam in lams]
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.4 * len(rows)))
    for row, (name, lam) in enumerate(rows):
        for case, value in times(results.outcomes, name, peer):
            if case.lam == lam:
                size = samples.index(case.samples)
                axes.plot(value, len(rows) - row, "o", color=f"C{size}", markersize=4 + 2 * size, alpha=0.6)
    for size, n in enumerate(samples):
        axes.plot([], [], "o", color=f"C{size}", markersize=4 + 2 * size, label=f"N = {n}")
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows), 0, -1), [f"{title(name)}, λ = {lam:g}" for name, lam in rows])
    axes.set_xlabel(f"time of a step as a multiple of {title(peer)}'s")
    axes.legend()
    _save(figure, path)


def plot_scaling(samples: Sequence[Mapping[str, Any]], widths: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Time and memory against N, and time over what the FLOP model says against the width; a line a contender."""
    plt = _pyplot()
    figure, (time, memory, model) = plt.subplots(1, 3, figsize=(14, 4.5))
    for axes, points, x, y in (
        (time, samples, "samples", "seconds"),
        (memory, samples, "samples", "step_memory"),
        (model, widths, "width", "of_model"),
    ):
        for line in dict.fromkeys((p["network"], p["contender"]) for p in points):
            these = [p for p in points if (p["network"], p["contender"]) == line]
            scale = 1e-6 if y == "step_memory" else 1.0
            xs, ys = [p[x] for p in these], [scale * p[y] for p in these]
            axes.plot(xs, ys, "o-", markersize=4, label=f"{line[0]}, {title(line[1])}")
        axes.set_xscale("log")
    time.set_yscale("log")
    memory.set_yscale("log")
    time.set_xlabel("N")
    time.set_ylabel("seconds a step")
    memory.set_xlabel("N")
    memory.set_ylabel("memory beyond the data, MB")
    model.set_xlabel("width")
    model.set_ylabel("time / FLOPs, relative to the median")
    ticks = sorted({p["width"] for p in widths})
    model.set_xticks(ticks, [str(width) for width in ticks])
    model.minorticks_off()
    model.axhspan(0.8, 1.2, color="grey", alpha=0.2)
    model.set_ylim(0, 2)
    for axes in (time, memory, model):
        axes.legend(fontsize=8)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
