"""The history of a run: training and held-out loss, and the module's own where that is another number."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from smgen.models import Record
from smgen.pages.axes import fitting, spanning
from smgen.pages.blocks import Block, Figure, Figures, Notes, Paragraph, Section
from smgen.pages.charts import Chart
from smgen.pages.numbers import count, estimate
from smgen.pages.subject import Subject
from smgen.pages.summary import best_entry, stopped

Array = npt.NDArray[Any]

_LATE: Final = 0.4
"""The part of the steps that the second chart leaves out."""

_FEW: Final = 6
"""Entries of a history from which on the end is shown apart."""

TRAINING, HELD_OUT, OWN = "training", "held-out", "own"
_NAMES: Final = {
    TRAINING: "training",
    HELD_OUT: "held out ± error",
    OWN: "held out, module’s own",
}


def section(subject: Subject) -> Section:
    """The section."""
    record = subject.model.record
    ended = Paragraph(stopped(record))
    if not record.history:
        return Section(title="Training", anchor="training", blocks=(ended, Notes(("No history was recorded.",))))
    blocks: list[Block] = [ended]
    values = {name: _column(record, name) for name in ("step", "loss", "held_out", "error", "own")}
    lost = sum(int((~np.isfinite(v[1:])).sum()) for v in (values["loss"],))
    lost += sum(
        int(entry.get("held_out") is not None and not np.isfinite(entry["held_out"])) for entry in record.history
    )
    if lost:
        blocks.append(
            Notes((f"{count(lost)} losses are not finite, and have no place in the charts.",), is_warning=True)
        )
    figures = [Figure(_chart(record, values), _caption(record))]
    late = values["step"] >= _LATE * np.nanmax(values["step"])
    if len(record.history) >= _FEW and np.isfinite(values["loss"][late]).any():
        last = {name: column[late] for name, column in values.items()}
        figures.append(Figure(_chart(record, last), "The same, without the first two fifths of the steps."))
    return Section(title="Training", anchor="training", blocks=(*blocks, Figures(tuple(figures))))


def _column(record: Record, name: str) -> Array:
    return np.array([np.nan if entry.get(name) is None else entry[name] for entry in record.history], np.float64)


def _chart(record: Record, values: dict[str, Array]) -> Markup:
    step, held_out, error = values["step"], values["held_out"], np.nan_to_num(values["error"])
    chart = Chart(
        x=spanning(step, margin=0.0),
        y=fitting(values["loss"], held_out, held_out - error, held_out + error, values["own"]),
        x_label="step",
        y_label="J",
    )
    marks, legend = [], [(TRAINING, _NAMES[TRAINING])]
    best = best_entry(record)
    if best is not None and best["step"] >= step[0]:
        marks.append(chart.upright(best["step"], "best"))
    if np.isfinite(held_out).any():
        marks.append(chart.band(step, held_out - error, held_out + error, HELD_OUT))
        legend.append((HELD_OUT, _NAMES[HELD_OUT]))
    marks.append(chart.line(step, values["loss"], TRAINING))
    if np.isfinite(values["own"]).any():
        marks.append(chart.line(step, values["own"], OWN))
        legend.append((OWN, _NAMES[OWN]))
    marks.append(chart.line(step, held_out, HELD_OUT))
    if best is not None and best["step"] >= step[0]:
        marks.append(chart.dots([best["step"]], [best["held_out"]], "best"))
    label = f"The losses J against the step, from step {step[0]:.0f} to {step[-1]:.0f}"
    return chart.drawn(*marks, label=label, legend=legend)


def _caption(record: Record) -> str:
    best = best_entry(record)
    parts = ["The loss J of the samples that were learned from, the mean since the evaluation before"]
    if best is not None:
        parts.append(
            f", and of those held out, at λ = 0, with a standard error on each side. The least, "
            f"{estimate(best['held_out'], best['error'])}, was at step {count(best['step'])}, which is marked"
        )
    if any(entry.get("own") is not None for entry in record.history):
        parts.append(
            ". The module’s own loss of the samples held out differs from the true one: its δ′ is not the diagonal of "
            "the Hessian"
        )
    return f"{''.join(parts)}."
