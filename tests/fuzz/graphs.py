"""Random networks of up to thirty nodes, from a seeded generator."""

from __future__ import annotations

import numpy as np
import sympy

import smgen as sm
from smgen.network import Network
from smgen.nodes import Node

FUNCTIONS = (
    sm.tanh, sm.softplus, sm.sigmoid, sm.logcosh, sm.silu, sm.sin, sm.cos, sm.atan, sm.student_t, sm.pseudo_huber,
    sm.erf, sm.gelu,
    lambda h: sm.pointwise(h, lambda g: sympy.log(1 + sympy.exp(g / 2))),
    lambda h: sm.pointwise(h, lambda g: g / (1 + g**2)),
    lambda h: sm.pointwise(h, lambda g: sympy.exp(-(g**2) / 2)),
    lambda h: sm.pointwise(h, lambda g: sympy.Rational(1, 3) * g + 1),
)  # fmt: skip


def random_network(rng: np.random.Generator, most: int = 30) -> Network:
    """Every kind of node; widths to 5; what nothing reads is an energy, and sometimes a node inside is one too."""
    nodes: list[Node] = [sm.input(int(rng.integers(1, 5)))]
    shared: dict[tuple[int, int, bool], str] = {}
    for _ in range(int(rng.integers(1, most))):
        nodes.append(_layer(rng, nodes, shared))
    read = {source for node in nodes for source in node.inputs}
    energies = [node for node in nodes if node not in read]
    if rng.random() < 0.3:
        energies.append(nodes[int(rng.integers(len(nodes)))])
    return Network(energy=energies)


def _layer(rng: np.random.Generator, nodes: list[Node], shared: dict[tuple[int, int, bool], str]) -> Node:
    recent = nodes[-6:]
    source = recent[int(rng.integers(len(recent)))]
    kind = rng.choice(["linear", "pointwise", "add", "concat", "scale"], p=[0.3, 0.35, 0.15, 0.1, 0.1])
    if kind == "linear":
        units, bias = int(rng.integers(1, 6)), bool(rng.integers(2))
        group = shared.setdefault((units, source.units, bias), f"tied_{len(shared)}")
        return sm.linear(source, units, bias=bias, weights=group if rng.random() < 0.3 else None)
    if kind == "pointwise":
        return FUNCTIONS[int(rng.integers(len(FUNCTIONS)))](source)
    if kind == "add":
        same = [node for node in nodes if node.units == source.units]
        return sm.add(source, *(same[int(k)] for k in rng.integers(len(same), size=int(rng.integers(1, 3)))))
    if kind == "concat" and source.units <= 5:
        other = nodes[int(rng.integers(len(nodes)))]
        return sm.concat(source, other) if other.units <= 5 else sm.scale(source)
    return sm.scale(source)
