"""The density and the score in one and two dimensions, as functions of the data's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from smgen.evaluation import Quadrature, log_normaliser_quadrature
from smgen.evaluation.errors import EvaluationError
from smgen.pages.axes import Axis, spanning
from smgen.pages.blocks import Block, Figure, Figures, Notes, Section
from smgen.pages.charts import Chart
from smgen.pages.contours import contour, level_of_mass
from smgen.pages.numbers import estimate
from smgen.pages.pictures import ink
from smgen.pages.subject import Subject

Array = npt.NDArray[Any]

MASSES: Final = (0.99, 0.9, 0.5)
"""The parts of the mass that contours hold."""

_POINTS: Final = 400
_GRID: Final = 140
_ARROWS: Final = 17
_SHOWN: Final = 600
_SIDE: Final = 330.0
_REACH: Final = 3.5
"""Standard deviations on each side that are shown if no data say how far they reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What is shown: the ends of each axis, log p up to a constant if it was not normalised, and what is said of it."""

    subject: Subject
    low: Array
    high: Array
    shift: float
    normalised: bool
    notes: tuple[str, ...]

    def log_density(self, x: Array) -> Array:
        """log p at x (N, M), (N,)."""
        return np.asarray(self.shift - self.subject.model.energy(_cast(x), **self.subject.conditions))

    def score(self, x: Array) -> Array:
        """∂ log p/∂x at x (N, M)."""
        return self.subject.model.score(_cast(x), **self.subject.conditions).reshape(x.shape)


def section(subject: Subject) -> Section | None:
    """The section; None for more than two dimensions."""
    dimension = subject.model.transform.inputs
    title, anchor = "Density and score", "density"
    if dimension > 2:
        return None
    why = subject.obstacle
    if subject.missing_conditions:
        why = f"The density depends on {', '.join(subject.missing_conditions)}, which no value was given for."
    elif not subject.keeps_all:
        why = "The network sees a projection of the data only, which has no density in their coordinates."
    if why:
        return Section(title=title, anchor=anchor, blocks=(Notes((why,)),))
    with np.errstate(all="ignore"):
        surface = _surface(subject)
        draw = _on_a_line if dimension == 1 else _in_the_plane
        blocks: list[Block] = [Notes(surface.notes)] if surface.notes else []
        return Section(title=title, anchor=anchor, blocks=(*blocks, draw(surface)))


def _surface(subject: Subject) -> Surface:
    low, high = _region(subject)
    model, z = subject.model, None if subject.data is None else subject.model.inner(subject.data)
    spread = (model.inner(np.stack([low, high])).astype(np.float64)) / (2 * _REACH)
    box: dict[str, Any] = (
        {"data": z} if z is not None else {"centre": spread.sum(axis=0), "scale": np.ptp(spread, axis=0)}
    )
    try:
        quadrature: Quadrature = log_normaliser_quadrature(subject.density(), **box)
    except (EvaluationError, ValueError) as error:
        return Surface(
            subject=subject, low=low, high=high, shift=0.0, normalised=False,
            notes=(f"The density could not be normalised: {getattr(error, 'what', error)}.",),
        )  # fmt: skip
    notes = () if not quadrature.edge_warning else (
        "Mass is missing at the edge of the box that was integrated over: the density may not have a finite integral.",
    )  # fmt: skip
    shift = model.transform.log_volume - quadrature.log_z.value
    return Surface(subject=subject, low=low, high=high, shift=shift, normalised=np.isfinite(shift), notes=notes)


def _region(subject: Subject) -> tuple[Array, Array]:
    """The box that is shown: that of the data or of the samples with a margin, or some standard deviations."""
    known = [rows for rows in (subject.seen, subject.drawn) if rows is not None and len(rows) > 1]
    if known:
        low, high = np.quantile(known[0], (0.002, 0.998), axis=0)
        room = 0.18 * np.where(high > low, high - low, 1.0)
        return low - room, high + room
    transform = subject.model.transform
    ones = np.eye(transform.outputs)
    size = np.sqrt(((transform.backward(ones) - transform.mean) ** 2).sum(axis=0))
    return transform.mean - _REACH * size, transform.mean + _REACH * size


def _cast(x: Array) -> Array:
    return np.asarray(x, np.float64)


def _on_a_line(surface: Surface) -> Block:
    """p over a histogram of the data, and the score."""
    x = np.linspace(surface.low[0], surface.high[0], _POINTS)
    p = np.exp(surface.log_density(x[:, None]))
    if not surface.normalised:
        p /= np.nansum(p) * (x[1] - x[0])
    data = surface.subject.seen
    parts = [p]
    if data is not None:
        heights, edges = np.histogram(data[:, 0], bins=60, range=(x[0], x[-1]), density=True)
        parts.append(heights)
    across = Axis(low=float(x[0]), high=float(x[-1]))
    most = max(float(np.nanmax(part)) for part in parts)
    chart = Chart(x=across, y=Axis(low=0.0, high=1.08 * most), x_label="x", y_label="p(x)")
    marks, legend = [], [("density", "model")]
    if data is not None:
        marks.append(chart.band(np.repeat(edges, 2)[1:-1], np.zeros(120), np.repeat(heights, 2), "data"))
        legend.append(("data", "data"))
    marks.append(chart.line(x, p, "density"))
    score = surface.score(x[:, None])[:, 0]
    slope = Chart(x=across, y=spanning(score), x_label="x", y_label="∂ log p/∂x")
    slopes = (slope.line(x, np.zeros(_POINTS), "zero"), slope.line(x, score, "density"))
    label = f"The density from x = {x[0]:.3g} to {x[-1]:.3g}"
    return Figures(
        (
            Figure(chart.drawn(*marks, label=label, legend=legend), _caption(surface)),
            Figure(slope.drawn(*slopes, label="The score, the slope of log p"), "The score ∂ log p/∂x = −∂E/∂x."),
        )
    )


def _in_the_plane(surface: Surface) -> Block:
    """p as ink with contours and data points, and the score as arrows."""
    x, y = (np.linspace(low, high, _GRID) for low, high in zip(surface.low, surface.high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    log_p = surface.log_density(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    p = np.exp(log_p - np.nanmax(log_p)) if np.isfinite(log_p).any() else np.zeros_like(log_p)
    p = np.nan_to_num(p)
    frame = _frame(surface)
    shaded = frame.picture(ink(0.85 * np.sqrt(p))[::-1])
    marks = [shaded]
    data = surface.subject.seen
    if data is not None:
        marks.append(frame.dots(data[:_SHOWN, 0], data[:_SHOWN, 1], "data"))
    marks += [frame.segments(contour(x, y, p, level_of_mass(p, mass)), "contour") for mass in MASSES]
    arrows = _frame(surface)
    label = "The density in the plane, with contours" + ("" if data is None else " and points of the data")
    held = "Contours hold 50, 90 and 99 % of the mass shown"
    points = "" if data is None else f"; dots are {min(len(data), _SHOWN)} samples of the data"
    return Figures(
        (
            Figure(frame.drawn(*marks, label=label), f"{_caption(surface)} {held}{points}."),
            Figure(
                arrows.drawn(
                    arrows.picture(ink(0.35 * np.sqrt(p))[::-1]),
                    _arrows(surface, arrows),
                    label="The score as arrows in the plane",
                ),
                "The score ∂ log p/∂x. The arrows point to where the density rises; long ones are shortened.",
            ),
        )
    )


def _frame(surface: Surface) -> Chart:
    x, y = (Axis(low=float(a), high=float(b)) for a, b in zip(surface.low, surface.high, strict=True))
    shape = float((surface.high[1] - surface.low[1]) / (surface.high[0] - surface.low[0]))
    height = _SIDE * shape if 0.5 < shape < 1.3 else _SIDE  # the same scale on both axes, if that is no thin strip
    return Chart(x=x, y=y, x_label="x₁", y_label="x₂", width=_SIDE, height=height)


def _arrows(surface: Surface, frame: Chart) -> Markup:
    """Arrows on a grid, with lengths s / (s + the median of s) of the room that there is."""
    x, y = (
        low + (np.arange(_ARROWS) + 0.5) / _ARROWS * (high - low)
        for low, high in zip(surface.low, surface.high, strict=True)
    )
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    pixels = np.array([frame.width, frame.height]) / (surface.high - surface.low)
    steps = surface.score(places) * pixels
    size = np.sqrt((steps**2).sum(axis=1))
    known = np.isfinite(size) & (size > 0)
    room = 1.1 * min(frame.width, frame.height) / _ARROWS
    length = room * size / (size + np.median(size[known])) if known.any() else size
    arrows = (steps / size[:, None] * length[:, None])[known]
    return frame.arrows(places[known, 0], places[known, 1], arrows[:, 0], arrows[:, 1], "score")


def _caption(surface: Surface) -> str:
    if not surface.normalised:
        return "The density, scaled to what is shown."
    measured = surface.subject.evaluation
    text = ""
    if measured is not None and measured.log_likelihood is not None:
        value = measured.log_likelihood
        text = f" The mean of log p over the data is {estimate(value.value, value.error)}."
    return f"The density p, normalised by quadrature.{text}"
