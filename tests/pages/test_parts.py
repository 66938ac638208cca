"""The parts that pages are drawn with: numbers, axes, pictures, layouts, contours, formulas."""

from __future__ import annotations

import io
import itertools
import zlib
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from smgen.calculus.primitives import G, choose, logcosh, sigmoid
from smgen.network.netfile import load_network
from smgen.pages.axes import Axis, fitting, spanning
from smgen.pages.contours import contour, level_of_mass
from smgen.pages.graph import graph
from smgen.pages.layout import laid_out, spread
from smgen.pages.mathml import equation, identifier, typeset
from smgen.pages.numbers import duration, estimate, number, shape
from smgen.pages.pictures import tiled
from smgen.pages.png import png
from smgen.pages.svg import tag
from tests.pages.parsed import Parsed

GENERATED = sorted((Path(__file__).resolve().parent.parent.parent / "generated").glob("*/net.py"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (3, "3"), (0.01234, "0.0123"), (0.5, "0.500"), (-2.5, "−2.50"), (1234567.0, "1.23×10⁶"),
     (12345, "1.23×10⁴"), (1.2e-7, "1.20×10⁻⁷"), (None, "—"), (nan, "NaN"), (-inf, "−∞")],
)  # fmt: skip
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_numbers_with_more_to_them() -> None:
    assert estimate(-23.6048, 1.02) == "−23.6 ± 1.0"
    assert estimate(1.234567e-9, 2e-12) == "(1.2346 ± 0.0020)×10⁻⁹"
    assert estimate(2.0, nan) == "2"
    assert [duration(s) for s in (0.1234, 65.0, 125.4, 11520.0)] == ["0.123 s", "65 s", "2 min 5 s", "3 h 12 min"]
    assert shape((64, 3, 3)) == "64 × 3 × 3"
    assert shape(()) == "1"


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 9], ["0", "2", "4", "6", "8"]),
        ([-0.02, 0.03], ["−0.02", "−0.01", "0.00", "0.01", "0.02", "0.03"]),
        ([1e-3, 1e3], ["10⁻³", "10⁻¹", "10¹", "10³"]),
        ([-1, 2, 3, 1e12], ["0", "10¹", "10⁴", "10⁷", "10¹⁰"]),
        ([5, 5], ["3", "4", "5", "6", "7"]),
        ([nan, inf], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_axes(values: list[float], ticks: list[str]) -> None:
    axis = fitting(np.array(values))
    assert [text for _, text in axis.ticks] == ticks
    places = axis.part([v for v, _ in axis.ticks])
    assert (np.diff(places) > 0).all()
    finite = [v for v in values if np.isfinite(v)]
    assert ((axis.part(finite) >= 0) & (axis.part(finite) <= 1)).all()


def test_a_value_without_a_place_has_none() -> None:
    assert np.isnan(Axis(low=1, high=10, is_log=True).part([-1.0])).all()
    assert spanning(np.zeros(0)).low < spanning(np.zeros(0)).high


def test_a_png_is_read_by_another_program() -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    assert np.array_equal(np.asarray(image.open(io.BytesIO(png(pixels)))), pixels)
    assert zlib.crc32(png(pixels)) == zlib.crc32(png(pixels.copy()))


def test_tiles_stand_in_rows() -> None:
    sheet = tiled(np.full((5, 2, 3, 4), 9, np.uint8), 2)
    assert sheet.shape == (3 * 17 - 1, 2 * 25 - 1, 4)
    assert sheet[0, 24].tolist() == [0, 0, 0, 0]
    assert sheet[49, 48].tolist() == [0, 0, 0, 0]


def test_nodes_are_spread_as_near_as_can_be() -> None:
    """Against the least Σ (p − wanted)² of a fine grid."""
    wanted, sizes = [0.0, 0.5, 0.6], [1.0, 1.0, 2.0]
    places = spread(wanted, sizes)
    assert places[1] - places[0] >= 1 - 1e-12
    assert places[2] - places[1] >= 1.5 - 1e-12
    grid = np.arange(-2, 3, 0.05)
    best = min(
        sum((p - w) ** 2 for p, w in zip(point, wanted, strict=True))
        for point in itertools.product(grid, repeat=3)
        if point[1] - point[0] >= 1 and point[2] - point[1] >= 1.5
    )
    assert sum((p - w) ** 2 for p, w in zip(places, wanted, strict=True)) <= best + 1e-9


def test_a_layout_has_skips_beside_the_nodes_that_they_pass() -> None:
    layout = laid_out(
        {"x": [], "a": ["x"], "b": ["a"], "sum": ["b", "x"], "alpha": [], "out": ["sum", "alpha"]}, wide=10, narrow=2
    )
    assert [layout.nodes[name][0] for name in ("x", "a", "b", "sum", "alpha", "out")] == [0, 1, 2, 3, 3, 4]
    (skip,) = [edge for edge in layout.edges if (edge.source, edge.target) == ("x", "sum")]
    assert [layer for layer, _ in skip.waypoints] == [1, 2]
    for layer, x in skip.waypoints:
        assert abs(x - layout.nodes["a" if layer == 1 else "b"][1]) >= 6 - 1e-9
    assert all(0 <= x <= layout.width for _, x in layout.nodes.values())


def test_branches_do_not_cross() -> None:
    """Two chains that the order of the nodes interleaves."""
    reads = {
        "x": [],
        "a": ["x"],
        "b": ["x"],
        "c": ["x"],
        "b2": ["b"],
        "c2": ["c"],
        "a2": ["a"],
        "out": ["a2", "b2", "c2"],
    }
    layout = laid_out(reads, wide=10, narrow=2)
    upper, lower = (sorted(names, key=lambda n: layout.nodes[n][1]) for names in (["a", "b", "c"], ["a2", "b2", "c2"]))
    assert [f"{name}2" for name in upper] == lower


@pytest.mark.parametrize("net", GENERATED, ids=lambda path: path.parent.name)
def test_every_network_is_drawn(net: Path) -> None:
    network = load_network(net)
    drawn = Parsed(str(graph(network)))
    headings = [a for a in drawn.all("text") if a.get("class") == "heading"]
    assert len(headings) >= len(network.varying) + 1
    assert all(name[:20] in "".join(drawn.words) for name in network.varying[0].name.split())
    for v in network.all_vertices:
        if v.layer.function is not None:
            Parsed(str(equation(identifier(v.name), v.layer.function.derivative())))


def test_contours_lie_on_the_level() -> None:
    x = y = np.linspace(-2, 2, 81)
    values = np.exp(-(x[None] ** 2 + y[:, None] ** 2))
    pieces = contour(x, y, values, np.exp(-1))
    assert np.allclose(np.hypot(pieces[..., 0], pieces[..., 1]), 1, atol=2e-3)
    level = level_of_mass(values, 0.5)  # the circle that holds half of a Gaussian has radius √(log 2)
    assert abs(level - 0.5) < 0.02
    assert contour(x, y, values, 2.0).shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        (G**2 / 2, "g22"),
        (-sp.tanh(G), "−tanh\N{FUNCTION APPLICATION}(g)"),
        (sigmoid(-G) - sigmoid(G), "σ\N{FUNCTION APPLICATION}(−g)−σ\N{FUNCTION APPLICATION}(g)"),
        (logcosh(G), "logcosh\N{FUNCTION APPLICATION}(g)"),
        (sp.sqrt(G + 1), "g+1"),
        (choose(G, 0, -G, G), "{−gwhere g<0gelsewhere"),
        (sp.Symbol("nu") * sp.Symbol("hidden"), "hidden⋅ν"),
        (sp.exp(-G), "e−g"),
    ],
)
def test_formulas(expression: sp.Expr, shown: str) -> None:
    assert "".join(Parsed(str(typeset(expression))).words) == shown


def test_text_and_attributes_are_escaped() -> None:
    assert tag("p", "<b>&", title='"<') == '<p title="&#34;&lt;">&lt;b&gt;&amp;</p>'
    assert tag("g", tag("p", "<"), x=1.0, y=0.126, z=-0.001) == '<g x="1" y="0.13" z="0"><p>&lt;</p></g>'
