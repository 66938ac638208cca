"""Random networks: any DAG of every kind of node, for hypothesis."""

from __future__ import annotations

from collections.abc import Callable

import sympy
from hypothesis import strategies as st

import smgen as sm
from smgen.network import Network
from smgen.nodes import Node

NONLINEARITIES = (
    sm.tanh, sm.softplus, sm.sigmoid, sm.logcosh, sm.silu, sm.square, sm.sin, sm.atan, sm.student_t, sm.pseudo_huber,
    lambda h: sm.pointwise(h, lambda g: sympy.log(1 + sympy.exp(g / 2))),
    lambda h: sm.pointwise(h, lambda g: 3 * g),
    lambda h: sm.pointwise(h, lambda g: g**3 / 8 - g),
)  # fmt: skip


@st.composite
def dags(draw: st.DrawFn, max_nodes: int = 8) -> Network:
    """A network of 1–4 inputs and up to `max_nodes` layers; every node that nothing reads is an energy."""
    x = sm.input(draw(st.integers(1, 4)))
    nodes: list[Node] = [x]
    shared: dict[tuple[int, int, bool], str] = {}
    for _ in range(draw(st.integers(1, max_nodes))):
        nodes.append(_layer(draw, nodes, shared))
    read = {source for node in nodes for source in node.inputs}
    energies = [node for node in nodes if node not in read]
    if draw(st.booleans()):
        energies.append(draw(st.sampled_from(nodes)))
    return Network(energy=energies)


def _layer(draw: st.DrawFn, nodes: list[Node], shared: dict[tuple[int, int, bool], str]) -> Node:
    source = draw(st.sampled_from(nodes[-4:]))
    kind = draw(st.sampled_from(["linear", "linear", "pointwise", "pointwise", "pointwise", "add", "concat", "scale"]))
    match kind:
        case "linear":
            units, bias = draw(st.integers(1, 4)), draw(st.booleans())
            group = shared.setdefault((units, source.units, bias), f"tied_{len(shared)}")
            return sm.linear(source, units, bias=bias, weights=group if draw(st.booleans()) else None)
        case "pointwise":
            nonlinearity: Callable[[Node], Node] = draw(st.sampled_from(NONLINEARITIES))
            return nonlinearity(source)
        case "add":
            same_width = [node for node in nodes if node.units == source.units]
            others = draw(st.lists(st.sampled_from(same_width), min_size=1, max_size=2))
            return sm.add(source, *others)
        case "concat" if source.units <= 4:
            return sm.concat(source, draw(st.sampled_from(nodes)))
        case _:
            return sm.scale(source)
