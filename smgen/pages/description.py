"""The network: its graph, its functions with their derivatives, and its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import sympy as sp
from markupsafe import Markup

from smgen.calculus.primitives import MARKS
from smgen.layers.protocol import Vertex
from smgen.network import Network
from smgen.pages.blocks import Block, Equations, Figure, Figures, Notes, Paragraph, Section, Table
from smgen.pages.graph import MOST, graph, shown_vertices
from smgen.pages.mathml import applied, equation, identifier
from smgen.pages.numbers import count, number, shape
from smgen.pages.subject import NOT_RUN, Subject
from smgen.pages.svg import tag

_LONG: Final = 40
"""The most arrays of parameters, and functions, that are listed."""


def section(subject: Subject) -> Section:
    """The section."""
    network = subject.model.network
    blocks: list[Block] = []
    if network is not None:
        blocks += _drawn(network)
        blocks += _functions(network)
    elif subject.model.module is None:
        blocks.append(Notes((NOT_RUN,)))
    else:
        blocks.append(Notes(("The model was trained from a generated module, which has no graph to show.",)))
    return Section(title="The network", anchor="network", blocks=(*blocks, _parameters(subject)))


def _drawn(network: Network) -> Iterator[Block]:
    vertices = shown_vertices(network)
    if len(vertices) > MOST:
        yield Paragraph(f"{len(vertices)} vertices are too many to draw; net.py is printed at the end.")
        return
    caption = (
        "Each box is a vertex, with its operation, the shape of its value for one sample, and the shapes of its "
        "parameters. The energy is the sum over all units of what leads to E(x)."
    )
    yield Figures((Figure(graph(network), caption, wide=True),))


def _functions(network: Network) -> Iterator[Block]:
    """f, f′, f″ and f‴ of functions of one unit, once for all vertices that have them; f of several units."""
    groups = list(network.nonlinearities.items())
    if any(derivatives[2] != 0 for derivatives, _ in groups):
        yield Paragraph(
            "The loss reads f′ and f″ of each function of one unit, and its gradient f‴ too. These are the forms that "
            "the module computes; σ is the logistic function."
        )
    curved = [(derivatives, names) for derivatives, names in groups if derivatives[2] != 0]
    for derivatives, names in curved[:_LONG]:
        lines = (equation(applied(mark, "g"), f) for mark, f in zip(MARKS, derivatives, strict=True))
        yield Equations(_few(names), tuple(lines))
    straight = [(names, f) for (f, _, second, _), names in groups if second == 0]
    if straight:
        lines = (_named(_few(names), f) for names, f in straight[:_LONG])
        yield Equations("Functions without curvature, f″ = 0", tuple(lines))
    joint = [v for v in network.all_vertices if v.layer.function is not None and v.layer.nonlinearity is None]
    if joint:
        yield Equations("Functions of several operands", tuple(map(_joint, joint[:_LONG])))
    left_out = sum(max(0, len(group) - _LONG) for group in (curved, straight, joint))
    if left_out:
        yield Paragraph(f"{left_out} more are not listed.")


def _named(names: str, f: sp.Expr) -> Markup:
    """`names: f(g) = …`."""
    return equation(tag("mrow", tag("mtext", f"{names}:"), tag("mspace", width="0.5em"), applied(MARKS[0], "g")), f)


def _joint(v: Vertex) -> Markup:
    """The equation of a function of several operands, with their names in it."""
    function = v.layer.function
    assert function is not None
    named = dict(zip(function.symbols, map(sp.Symbol, v.operands), strict=False))
    return equation(identifier(v.name), function.derivative().xreplace(named))


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _parameters(subject: Subject) -> Table:
    model = subject.model
    order = model.params if model.network is None else model.network.parameters
    params = {name: model.params[name] for name in order}
    rows = [
        (name, shape(array.shape), count(int(array.size)), *_spread(np.asarray(array, np.float64)))
        for name, array in list(params.items())[:_LONG]
    ]
    if len(params) > _LONG:
        rows.append((f"{len(params) - _LONG} more", "", "", "", "", ""))
    columns = ("Parameter", "Shape", "Numbers", "Mean", "Standard deviation", "Greatest size")
    return Table("The parameters after training", columns, tuple(rows), numeric=(1, 2, 3, 4, 5))


def _spread(array: Any) -> tuple[str, str, str]:
    with np.errstate(all="ignore"):
        return (number(array.mean()), number(array.std()), number(np.abs(array).max())) if array.size else ("", "", "")
