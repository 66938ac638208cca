"""Random networks: any DAG of every kind of node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import sympy
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import oracle
from tests.support import random_case, random_conditions, spec_of

NONLINEARITIES = (
    sm.tanh, sm.softplus, sm.sigmoid, sm.logcosh, sm.silu, sm.square, sm.sin, sm.atan, sm.student_t, sm.pseudo_huber,
    lambda h: sm.pointwise(h, lambda g: sympy.log(1 + sympy.exp(g / 2))),
    lambda h: sm.pointwise(h, lambda g: 3 * g),
    lambda h: sm.pointwise(h, lambda g: g**3 / 8 - g),
)  # fmt: skip


T = TypeVar("T")


class Choices(Protocol):
    """What decides about a random network: hypothesis, or a seeded generator."""

    def one_of(self, things: Sequence[T]) -> T: ...
    def whole(self, least: int, most: int) -> int: ...
    def yes(self) -> bool: ...
    def one_or_two_of(self, things: Sequence[T]) -> list[T]: ...


@dataclass(frozen=True)
class Drawn:
    """Hypothesis decides."""

    draw: st.DrawFn

    def one_of(self, things: Sequence[T]) -> T:
        return self.draw(st.sampled_from(things))

    def whole(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def yes(self) -> bool:
        return self.draw(st.booleans())

    def one_or_two_of(self, things: Sequence[T]) -> list[T]:
        return self.draw(st.lists(st.sampled_from(things), min_size=1, max_size=2))


@st.composite
def dags(draw: st.DrawFn, max_nodes: int = 8) -> Network:
    """A network of 1–4 inputs and up to `max_nodes` layers; every node that nothing reads is an energy."""
    return random_network(Drawn(draw), max_nodes, NONLINEARITIES)


def random_network(choices: Choices, max_nodes: int, nonlinearities: Sequence[Callable[[Node], Node]]) -> Network:
    """Layers of all kinds on each other; sometimes one that is read is an energy too."""
    nodes: list[Node] = [sm.input(choices.whole(1, 4))]
    shared: dict[tuple[int, int, bool], str] = {}
    for _ in range(choices.whole(1, max_nodes)):
        nodes.append(_layer(choices, nodes, shared, nonlinearities))
    read = {source for node in nodes for source in node.operands}
    energies = [node for node in nodes if node not in read]
    if choices.yes():
        energies.append(choices.one_of(nodes))
    return Network(energy=energies)


def _layer(
    choices: Choices,
    nodes: list[Node],
    shared: dict[tuple[int, int, bool], str],
    nonlinearities: Sequence[Callable[[Node], Node]],
) -> Node:
    source = choices.one_of(nodes[-4:])
    kind = choices.one_of(["linear", "linear", "pointwise", "pointwise", "pointwise", "add", "concat", "scale"])
    match kind:
        case "linear":
            units, bias = choices.whole(1, 4), choices.yes()
            group = shared.setdefault((units, source.units, bias), f"tied_{len(shared)}")
            return sm.linear(source, units, bias=bias, weights=group if choices.yes() else None)
        case "pointwise":
            return choices.one_of(nonlinearities)(source)
        case "add":
            return sm.add(source, *choices.one_or_two_of([node for node in nodes if node.units == source.units]))
        case "concat" if source.units <= 4:
            return sm.concat(source, choices.one_of(nodes))
        case _:
            return sm.scale(source)


relaxed = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], derandomize=True
)


def moderate(network: Network) -> bool:
    """Whether the energy stays in a range where 1e-12 of the result can be asked for."""
    params, x = random_case(network, 0)
    given = random_conditions(network, 0)
    with np.errstate(all="ignore"):
        try:
            return bool(np.abs(oracle.hessian_diagonal(spec_of(network), params, x, given)).max() < 1e6)
        except OverflowError:
            return False
