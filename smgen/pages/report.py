"""`smgen report`: a model as one page of HTML, which needs no other file and no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from smgen.applications import Evaluation, evaluate
from smgen.errors import SmgenError
from smgen.files import write
from smgen.models import Model
from smgen.pages import comparison, description, losses, measured, repeating, summary, surface, weights
from smgen.pages.blocks import Section
from smgen.pages.subject import Subject
from smgen.render import plain, render_html
from smgen.sampling import Samples

SECTIONS: Final[tuple[Callable[[Subject], Section | None], ...]] = (
    summary.section,
    losses.section,
    description.section,
    weights.section,
    surface.section,
    comparison.section,
    measured.section,
    repeating.data_section,
    repeating.section,
)
"""The sections in the order of the page."""

_REPLACED: Final = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), 127) if chr(code) not in "\t\n\r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the template lays out."""

    title: str
    subtitle: str
    badge: str
    quality: str
    reason: str
    style: Markup
    sections: tuple[Section, ...]
    generator: str


def report(
    model: Model,
    path: Path | str,
    *,
    data: Any = None,
    samples: Any = None,
    evaluation: Evaluation | None = None,
    conditions: Mapping[str, Any] | None = None,
    why_no_samples: str = "",
) -> Path:
    """Write the page of a model to a file, and return its path.

    `data` are samples (N, …) that the model did not learn from; with them, and without an `evaluation`, the model is
    evaluated. `samples` are those of the model: what `smgen.sample` returned, or an array; `why_no_samples` says why
    there are none, where they could not be drawn. `conditions` of the network are one for all samples. A model that
    was loaded without trust has a page too, without what needs its module. Raises `BuildError` if the file cannot be
    written, `ValueError` for data of another shape.
    """
    path = Path(path)
    text = page(
        model,
        data=data,
        samples=samples,
        evaluation=evaluation,
        conditions=conditions,
        why_no_samples=why_no_samples,
    )
    write(path, text)
    return path


def page(
    model: Model,
    *,
    data: Any = None,
    samples: Any = None,
    evaluation: Evaluation | None = None,
    conditions: Mapping[str, Any] | None = None,
    why_no_samples: str = "",
) -> str:
    """The text of the page. The same arguments give the same text."""
    drawn = samples.values if isinstance(samples, Samples) else samples
    subject = Subject(
        model=model,
        data=None if data is None else _shaped(model, "data", data),
        samples=None if drawn is None else _shaped(model, "samples", drawn),
        sampling=samples if isinstance(samples, Samples) else None,
        evaluation=evaluation,
        conditions=dict(conditions or {}),
        why_no_samples=why_no_samples,
    )
    if evaluation is None and subject.data is not None and not subject.obstacle:
        subject = replace(subject, evaluation=_evaluated(subject))
    record = model.record
    written = Page(
        title=record.network,
        subtitle=_subtitle(model),
        badge=summary.WORDS[summary.quality(model)],
        quality=summary.quality(model),
        reason=summary.reason(record),
        style=Markup(plain("pages/style.css")),
        sections=tuple(section for make in SECTIONS if (section := make(subject)) is not None),
        generator=f"smgen {record.machine.get('smgen', '')}".strip(),
    )
    return _clean(render_html("pages/page.html.j2", written))


def _evaluated(subject: Subject) -> Evaluation | None:
    """The model measured on the data as far as the network sees them, which is what its samples compare with.

    None where that cannot be done: without the conditions of the samples, for example.
    """
    assert subject.seen is not None
    seen = subject.seen.reshape(len(subject.seen), *subject.model.record.sample_shape)
    with np.errstate(all="ignore"):
        for samples in (subject.samples, None):  # a few samples allow less
            try:
                return evaluate(subject.model, seen, conditions=subject.conditions, samples=samples)
            except (SmgenError, ValueError):
                continue
    return None


def _shaped(model: Model, name: str, rows: Any) -> Any:
    """Samples in the shape that the data had. Raises `ValueError` for another one."""
    array = np.asarray(rows)
    sizes = model.record.sample_shape
    if array.ndim < 1 or array.shape[1:] not in (sizes, (int(np.prod(sizes)),)) or array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected numbers (N, {', '.join(map(str, sizes))}), got {array.dtype} {array.shape}")
    return array.reshape(len(array), *sizes)


def _subtitle(model: Model) -> str:
    """The objective, the data and the date."""
    record = model.record
    parts = [f"trained with the {record.objective} loss", f"on {record.data.get('origin', 'unnamed data')}"]
    parts += (
        [str(record.result["finished"]).replace("T", " ").replace("+00:00", " UTC")]
        if "finished" in record.result
        else []
    )
    return ", ".join(parts)


def _clean(text: str) -> str:
    """The text without characters that HTML and UTF-8 do not allow: names and paths of users may have any."""
    return text.translate(_REPLACED).encode("utf-8", "replace").decode("utf-8")
