"""A network as a picture: a box for each vertex, with its shape and its parameters, and curves between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from smgen.calculus.symbolic import formula
from smgen.layers.protocol import Vertex
from smgen.network import Network
from smgen.pages.layout import Layout, laid_out
from smgen.pages.numbers import shape
from smgen.pages.svg import drawing, short, tag

MOST: Final = 120
"""The most vertices that are drawn; more would not be seen."""

ENERGY: Final = ""
"""The name of the node at the end, which no vertex has."""

_WIDE, _GAP, _NARROW = 176.0, 24.0, 30.0
_LINE, _PADDING, _BETWEEN = 15.0, 9.0, 30.0
_LEAST: Final = 0.7
"""Wider pictures than the page are scaled down to this part of their size, and scrolled."""

_LETTERS: Final = 26
"""The most letters on a line of a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """What stands in a box: a heading, small lines below it, and the CSS class."""

    heading: str
    lines: tuple[str, ...]
    kind: str

    @property
    def height(self) -> float:
        """The height in pixels."""
        return 2 * _PADDING + _LINE * (1 + len(self.lines))


def shown_vertices(network: Network) -> tuple[Vertex, ...]:
    """The vertices that are drawn: parameters are named in the boxes of the vertices that they are of."""
    made = (c for c in network.constants if c.operands or c.layer.fixed is not None)
    return (network.input, *made, *(v for v in network.varying if v is not network.input))


def graph(network: Network) -> Markup:
    """The picture."""
    vertices = {v.name: v for v in shown_vertices(network)}
    boxes = {name: _box(network, v) for name, v in vertices.items()}
    energy = " + ".join(f"{'' if count == 1 else f'{count} '}Σ {name}" for name, count in network.energies)
    boxes[ENERGY] = Box("E(x)", (_cut(energy, _LETTERS),), "energy")
    reads = {name: [p for p in v.operands if p in vertices] for name, v in vertices.items()}
    reads = _in_order(reads) | {ENERGY: [name for name, _ in network.energies]}
    layout = laid_out(reads, wide=_WIDE + _GAP, narrow=_NARROW)
    tops, height = _heights(layout, boxes)
    edges = [_edge(layout, n, boxes, tops) for n in range(len(layout.edges))]
    drawn = [_drawn(box, layout.nodes[name][1], _top(layout, name, boxes, tops)) for name, box in boxes.items()]
    label = f"The network: {len(vertices)} vertices from the input {network.input.name} to the energy"
    style = f"min-width:{_LEAST * layout.width:.0f}px"
    return drawing(*edges, *drawn, width=layout.width, height=height, label=label, kind="graph", style=style)


def _in_order(reads: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same, each node after those that it reads."""
    order: dict[str, list[str]] = {}
    waiting = list(reads)
    while waiting:
        ready = [name for name in waiting if all(p in order for p in reads[name])]
        order |= {name: reads[name] for name in ready}
        waiting = [name for name in waiting if name not in order]
    return order


def _box(network: Network, v: Vertex) -> Box:
    lines = [f"{_operation(v)} → {shape(v.shape)}"]
    for key, sizes in network.parameters_of(v).items():
        lines.append(f"{key.removeprefix(f'{v.name}.')} {shape(sizes)}")
    kind = "data" if v.layer.per_sample else "constant" if not v.batched else "layer"
    return Box(_cut(v.name, 22), tuple(_cut(line, _LETTERS) for line in lines[:5]), kind)


def _operation(v: Vertex) -> str:
    """The kind of a vertex, or its function where that is short."""
    nonlinearity = v.layer.nonlinearity
    text = v.layer.kind if nonlinearity is None else formula(nonlinearity.derivatives[0])
    return text if len(text) < 16 else v.layer.kind


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _heights(layout: Layout, boxes: dict[str, Box]) -> tuple[list[tuple[float, float]], float]:
    """The upper and the lower end of each layer, and the height of all."""
    ends, at = [], 2.0
    for layer in range(layout.layers):
        height = max(box.height for name, box in boxes.items() if layout.nodes[name][0] == layer)
        ends.append((at, at + height))
        at += height + _BETWEEN
    return ends, at - _BETWEEN + 2


def _top(layout: Layout, name: str, boxes: dict[str, Box], ends: list[tuple[float, float]]) -> float:
    """Where a box begins: in the middle of its layer."""
    upper, lower = ends[layout.nodes[name][0]]
    return (upper + lower - boxes[name].height) / 2


def _edge(layout: Layout, n: int, boxes: dict[str, Box], ends: list[tuple[float, float]]) -> Markup:
    """A curve from the lower end of a box through the waypoints to the upper end of another."""
    edge = layout.edges[n]
    source, target = layout.nodes[edge.source][1], layout.nodes[edge.target][1]
    points = [(source, _top(layout, edge.source, boxes, ends) + boxes[edge.source].height)]
    for layer, x in edge.waypoints:
        points += [(x, ends[layer][0]), (x, ends[layer][1])]
    points.append((target, _top(layout, edge.target, boxes, ends)))
    return tag("path", d=_curve(points), class_="edge")


def _curve(points: Iterable[tuple[float, float]]) -> str:
    """Bézier curves that leave and reach every point upright."""
    points = list(points)
    parts = [f"M{short(points[0][0])} {short(points[0][1])}"]
    for (x, y), (u, v) in pairwise(points):
        middle = (y + v) / 2
        parts.append(f"C{' '.join(map(short, (x, middle, u, middle, u, v)))}")
    return "".join(parts)


def _drawn(box: Box, x: float, top: float) -> Markup:
    rectangle = tag("rect", x=x - _WIDE / 2, y=top, width=_WIDE, height=box.height, rx=6.0)
    down = top + _PADDING + 11
    heading = tag("text", box.heading, x=x, y=down, text_anchor="middle", class_="heading")
    small = [tag("text", line, x=x, y=down + _LINE * (n + 1), text_anchor="middle") for n, line in enumerate(box.lines)]
    return tag("g", rectangle, heading, *small, class_=f"box {box.kind}")
