"""Charts: a frame with two axes, and marks in it. Colours and widths of lines are those of CSS classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from smgen.pages.axes import Axis
from smgen.pages.png import data_uri
from smgen.pages.svg import dots, drawing, lines, path, tag

Array = npt.NDArray[Any]

_LEFT: Final = 54
_RIGHT: Final = 18
_TOP: Final = 12
_BOTTOM: Final = 40
_LEGEND: Final = 22
_HEAD: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A frame of `width` by `height` pixels. Marks are drawn by its methods, and put together by `drawn`."""

    x: Axis
    y: Axis
    x_label: str = ""
    y_label: str = ""
    width: float = 366
    height: float = 230

    def places(self, x: Any, y: Any) -> tuple[Array, Array]:
        """The pixels of points, from the upper left corner of the frame."""
        return self.x.part(x) * self.width, (1 - self.y.part(y)) * self.height

    def line(self, x: Any, y: Any, kind: str) -> Markup:
        """Straight lines through points; broken where a value is not finite."""
        return tag("path", d=lines(*self.places(x, y)), class_=f"line {kind}")

    def dots(self, x: Any, y: Any, kind: str) -> Markup:
        """A dot at each point that has a place."""
        across, down = self.places(x, y)
        shown = np.isfinite(across) & np.isfinite(down)
        return tag("path", d=dots(across[shown], down[shown]), class_=f"dots {kind}")

    def band(self, x: Any, low: Any, high: Any, kind: str) -> Markup:
        """The area between two lines."""
        across, upper = self.places(x, high)
        _, lower = self.places(x, low)
        lower = np.where(np.isnan(lower), self.height, lower)  # below the least value of a logarithmic axis
        shown = np.isfinite(across) & np.isfinite(upper)
        there = list(zip(across[shown], upper[shown], strict=True))
        back = list(zip(across[shown], lower[shown], strict=True))[::-1]
        return tag("path", d=path([*there, *back], closed=True), class_=f"band {kind}")

    def upright(self, x: float, kind: str) -> Markup:
        """A line from top to bottom."""
        across, _ = self.places(x, self.y.low)
        return tag("path", d=path([(float(across), 0), (float(across), self.height)]), class_=f"line {kind}")

    def picture(self, pixels: Array) -> Markup:
        """A picture (rows, columns, 4) over the whole frame; its first row is at the top."""
        return tag(
            "image",
            href=data_uri(pixels),
            width=self.width,
            height=self.height,
            preserveAspectRatio="none",
        )

    def segments(self, ends: Array, kind: str) -> Markup:
        """Straight lines (K, 2, 2): for each its two ends, x and y."""
        across, down = self.places(ends[..., 0], ends[..., 1])
        pairs = zip(across.tolist(), down.tolist(), strict=True)
        return tag("path", d="".join(path(zip(a, b, strict=True)) for a, b in pairs), class_=f"line {kind}")

    def arrows(self, x: Array, y: Array, u: Array, v: Array, kind: str) -> Markup:
        """Arrows from points, (K,) each, by `u` and `v` in pixels: to the right and up."""
        across, down = self.places(x, y)
        length = np.maximum(np.hypot(u, v), 1e-12)
        a, b = u / length, v / length
        head = np.minimum(_HEAD, length / 2)
        tips = np.stack([across + u, down - v], axis=1)
        backs = [np.stack([-a * head - s * b * head * 0.6, b * head - s * a * head * 0.6], axis=1) for s in (1, -1)]
        parts = []
        for start, tip, one, other in zip(np.stack([across, down], axis=1), tips, *backs, strict=True):
            parts.append(path([start, tip]) + path([tip + one, tip, tip + other]))
        return tag("path", d="".join(parts), class_=f"line {kind}")

    def drawn(self, *marks: Markup, label: str, legend: Sequence[tuple[str, str]] = ()) -> Markup:
        """The chart. `legend` has the CSS class of each mark that needs a name, and the name."""
        top = _TOP + (_LEGEND if legend else 0)
        inside = tag("svg", *marks, x=_LEFT, y=top, width=self.width, height=self.height, class_="inside")
        frame = tag("g", *self._ticks(), transform=f"translate({_LEFT} {top})")
        names = tag("g", *self._legend(legend), transform=f"translate({_LEFT} {_TOP})")
        return drawing(
            frame,
            inside,
            names,
            width=_LEFT + self.width + _RIGHT,
            height=top + self.height + _BOTTOM,
            label=label,
        )

    def _ticks(self) -> list[Markup]:
        marks = []
        for value, text in self.x.ticks:
            at = float(self.x.part(value)) * self.width
            if -0.5 <= at <= self.width + 0.5:
                marks.append(tag("path", d=path([(at, 0), (at, self.height)]), class_="grid"))
                marks.append(tag("text", text, x=at, y=self.height + 16, text_anchor="middle"))
        for value, text in self.y.ticks:
            at = (1 - float(self.y.part(value))) * self.height
            if -0.5 <= at <= self.height + 0.5:
                marks.append(tag("path", d=path([(0, at), (self.width, at)]), class_="grid"))
                marks.append(tag("text", text, x=-7, y=at + 4, text_anchor="end"))
        marks.append(tag("rect", width=self.width, height=self.height, class_="frame"))
        if self.x_label:
            place = {"x": self.width / 2, "y": self.height + 34}
            marks.append(tag("text", self.x_label, **place, text_anchor="middle", class_="label"))
        if self.y_label:
            turned = f"translate({-_LEFT + 11} {self.height / 2:g}) rotate(-90)"
            marks.append(tag("text", self.y_label, transform=turned, text_anchor="middle", class_="label"))
        return marks

    def _legend(self, legend: Sequence[tuple[str, str]]) -> list[Markup]:
        marks, at = [], 0.0
        for kind, name in legend:
            marks.append(tag("path", d=f"M{at:g} 4h16", class_=f"line key {kind}"))
            marks.append(tag("text", name, x=at + 21, y=8))
            at += 40 + 6.3 * len(name)
        return marks
