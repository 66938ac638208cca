"""Samples of the model beside the data, and what the sampler says of them."""

from __future__ import annotations

from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from smgen.pages.axes import Axis, spanning
from smgen.pages.blocks import Block, Figure, Figures, Notes, Paragraph, Section, Table
from smgen.pages.charts import Chart
from smgen.pages.numbers import count, number, sentence
from smgen.pages.pictures import grey, image, tiled
from smgen.pages.subject import Subject
from smgen.sampling import Samples

Array = npt.NDArray[Any]

_DOTS: Final = 1000
_AXES: Final = 3
_ROWS: Final = 5000
"""The most rows that principal axes are computed from."""

_SMALL: Final = {"width": 226.0, "height": 180.0}
_BINS: Final = 40
_TILES: Final = 100
_COLUMNS: Final = 10
_CONTRAST: Final = (0.01, 0.99)
_NAMES: Final = {"data": "Data", "samples": "Samples of the model"}


def section(subject: Subject) -> Section:
    """The section."""
    rows = {name: x for name, x in (("data", subject.seen), ("samples", subject.drawn)) if x is not None}
    rows = {name: x[np.isfinite(x).all(axis=1)] for name, x in rows.items()}
    blocks: list[Block] = []
    if "samples" not in rows:
        blocks.append(Notes((_why_none(subject),)))
    if any(len(x) > 1 for x in rows.values()):
        rows = {name: x for name, x in rows.items() if len(x) > 1}
        blocks += _shown(subject, rows)
    if subject.sampling is not None:
        blocks += _diagnostics(subject.sampling)
    return Section(title="Samples", anchor="samples", blocks=tuple(blocks))


def _why_none(subject: Subject) -> str:
    if subject.obstacle:
        return subject.obstacle
    if subject.missing_conditions:
        return (
            f"No samples: the model depends on {', '.join(subject.missing_conditions)}, which no value was given for."
        )
    return sentence(subject.why_no_samples or "No samples of the model were drawn for this page")


def _shown(subject: Subject, rows: dict[str, Array]) -> list[Block]:
    blocks: list[Block] = []
    if not subject.keeps_all and "data" in rows:
        blocks.append(Paragraph("The data are shown as the network sees them: without what the transform takes off."))
    dimension = next(iter(rows.values())).shape[1]
    if subject.image is not None:
        blocks.append(_tiles(rows, subject.image))
    if dimension == 1:
        blocks.append(Figures((Figure(_histogram(rows), "Histograms."),)))
    elif dimension == 2:
        blocks.append(_scatter(rows))
    else:
        blocks += _axes(rows)
    return blocks


def _tiles(rows: dict[str, Array], picture: tuple[int, int, int]) -> Block:
    """The first samples of each as pictures, with grey levels that are the same for all."""
    low, high = np.quantile(next(iter(rows.values())), _CONTRAST)
    figures = []
    for name, x in rows.items():
        tiles = np.moveaxis(x[:_TILES].reshape(-1, *picture), 1, -1)
        tiles = tiles if tiles.shape[-1] == 3 else tiles[..., :1]
        alt = f"{_NAMES[name]}: {len(tiles)} pictures"
        figures.append(Figure(image(tiled(grey(tiles, low, high), _COLUMNS), alt), f"{_NAMES[name]}."))
    return Figures(tuple(figures))


def _histogram(rows: dict[str, Array]) -> Markup:
    across = spanning(*rows.values(), margin=0.02)
    shown = {name: np.histogram(x[:, 0], _BINS, (across.low, across.high), density=True) for name, x in rows.items()}
    most = max(float(heights.max()) for heights, _ in shown.values())
    chart = Chart(x=across, y=Axis(low=0.0, high=1.08 * most), x_label="x", y_label="share")
    marks = [
        chart.line(np.repeat(edges, 2)[1:-1], np.repeat(heights, 2), name) for name, (heights, edges) in shown.items()
    ]
    return chart.drawn(*marks, label="Histograms of data and samples", legend=[(n, _NAMES[n]) for n in shown])


def _scatter(rows: dict[str, Array]) -> Block:
    """A chart of each in the plane, on the same axes."""
    ends = np.concatenate([np.quantile(x, (0.001, 0.999), axis=0) for x in rows.values()])
    x_axis, y_axis = spanning(ends[:, 0]), spanning(ends[:, 1])
    figures = []
    for name, x in rows.items():
        chart = Chart(x=x_axis, y=y_axis, x_label="x₁", y_label="x₂", height=300)
        shown = x[:_DOTS]
        drawn = chart.drawn(
            chart.dots(shown[:, 0], shown[:, 1], name), label=f"{_NAMES[name]}: {len(shown)} points in the plane"
        )
        figures.append(Figure(drawn, f"{_NAMES[name]}, {count(len(shown))} points."))
    return Figures(tuple(figures))


def _axes(rows: dict[str, Array]) -> list[Block]:
    """Histograms and pairs of coordinates along the first principal axes of the data, or else of the samples."""
    base = next(iter(rows.values()))
    middle = base.mean(axis=0)
    _, spread, all_axes = np.linalg.svd((base - middle)[:_ROWS], full_matrices=False)
    axes = all_axes[:_AXES]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]  # else arbitrary
    along = {name: (x - middle) @ axes.T for name, x in rows.items()}
    ends = np.concatenate([np.quantile(x, (0.002, 0.998), axis=0) for x in along.values()])
    scales = [spanning(ends[:, k]) for k in range(len(axes))]
    part = (spread[: len(axes)] ** 2).sum() / max((spread**2).sum(), 1e-300)
    figures = [Figure(_marginal(along, scales[k], k), "") for k in range(len(axes))]
    figures += [Figure(_pair(along, scales, i, j), "") for i, j in combinations(range(len(axes)), 2)]
    text = (
        f"Histograms and pairs of coordinates along the first {len(axes)} principal axes of the "
        f"{'data' if 'data' in rows else 'samples'}, which have {100 * part:.0f} % of their variance:"
    )
    return [Paragraph(text), Figures(tuple(figures), small=True)]


def _marginal(along: dict[str, Array], axis: Axis, k: int) -> Markup:
    shown = {name: np.histogram(x[:, k], _BINS, (axis.low, axis.high)) for name, x in along.items()}
    heights = {name: bars / max(1, bars.sum()) for name, (bars, _) in shown.items()}
    most = 1.08 * max(float(bars.max()) for bars in heights.values()) or 1.0
    chart = Chart(x=axis, y=Axis(low=0.0, high=most), x_label=f"axis {k + 1}", y_label="share", **_SMALL)
    marks = [chart.line(np.repeat(shown[n][1], 2)[1:-1], np.repeat(heights[n], 2), n) for n in along]
    label = f"Histogram along principal axis {k + 1}"
    return chart.drawn(*marks, label=label, legend=[(name, _NAMES[name]) for name in along])


def _pair(along: dict[str, Array], scales: list[Axis], i: int, j: int) -> Markup:
    chart = Chart(x=scales[i], y=scales[j], x_label=f"axis {i + 1}", y_label=f"axis {j + 1}", **_SMALL)
    marks = [chart.dots(x[: _DOTS // 2, i], x[: _DOTS // 2, j], name) for name, x in along.items()]
    label = f"Pairs of coordinates along principal axes {i + 1} and {j + 1}"
    return chart.drawn(*marks, label=label, legend=[(name, _NAMES[name]) for name in along])


def _diagnostics(samples: Samples) -> list[Block]:
    """What the sampler measured, with its warnings first."""
    chains, draws = samples.chains.shape[:2]
    rows = [
        ("Chains × draws", f"{count(chains)} × {count(draws)}", ""),
        ("Acceptance", number(samples.acceptance), "mean probability, after warm-up"),
        ("Step size", number(samples.step_size), "after warm-up"),
        ("R-hat", number(samples.r_hat, 4), "of the worst coordinate; 1 where chains agree"),
        ("Effective samples", number(samples.effective_samples), "of the worst coordinate"),
    ]
    rows += [
        (f"Temperature {rung.temperature:.3g}", number(rung.swap_rate), "probability of a swap with the next one")
        for rung in samples.ladder
        if rung.swap_rate is not None
    ]
    table = Table("The sampler", ("What", "Value", "Note"), tuple(rows), numeric=(1,))
    notes = [Notes(tuple(map(sentence, samples.warnings)), is_warning=True)] if samples.warnings else []
    return [*notes, table]
