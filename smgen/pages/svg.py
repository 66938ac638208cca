"""Elements of HTML, SVG and MathML, with every text and attribute escaped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

Array = npt.NDArray[Any]

_VOID: Final = ("img",)


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. An attribute `class_` is called class, `text_anchor` text-anchor; numbers have up to two decimals."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(map(escape, children))
    if not inside and name in _VOID:
        return Markup(f"<{name}{named}>")
    return Markup(f"<{name}{named}>{inside}</{name}>")


def short(value: object) -> str:
    """The text of a value; of a number with at most two decimals."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def path(points: Iterable[tuple[float, float]], *, closed: bool = False) -> str:
    """The `d` of straight lines through points."""
    steps = " L".join(f"{short(float(x))} {short(float(y))}" for x, y in points)
    return f"M{steps}{'Z' if closed else ''}" if steps else ""


def lines(x: Array, y: Array) -> str:
    """The `d` of straight lines through points, broken where one is not finite."""
    runs: list[list[tuple[float, float]]] = [[]]
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(a) and np.isfinite(b):
            runs[-1].append((a, b))
        elif runs[-1]:
            runs.append([])
    return "".join(path(run) for run in runs)


def dots(x: Array, y: Array) -> str:
    """The `d` of lines of no length at points: round ends of the stroke make them dots."""
    return "".join(f"M{short(a)} {short(b)}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def drawing(
    *children: object, width: float, height: float, label: str, kind: str = "chart", style: str | None = None
) -> Markup:
    """A picture of its own, which scales with the page; `label` is what a screen reader says."""
    return tag(
        "svg",
        *children,
        viewBox=f"0 0 {short(float(width))} {short(float(height))}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        class_=kind,
        style=style,
    )
