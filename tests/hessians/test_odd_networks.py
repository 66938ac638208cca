"""Networks that once were wrong or refused in a hessian mode: each by what was special about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import smgen as sm
from smgen.hessians import Method
from smgen.layers.nodes import Node
from smgen.network import Network
from smgen.passes import run
from smgen.passes.prune import prune
from tests.hessians import against_given_probes
from tests.hessians.against_true_hessian import all_cuts, compare_module, compare_schedules
from tests.hessians.lowerings import lower_exact, lower_probes
from tests.support import random_case
from tests.targets.cuda.emitted import assert_agrees


def half_square(h: Node) -> Node:
    return sm.pointwise(h, lambda g: g**2 / 2)


def side_energy_of_the_input() -> Network:
    """A stretch of a linear layer and a nonlinearity that do not follow one another."""
    x = sm.input(8)
    return Network(energy=[sm.tanh(sm.linear(sm.linear(x, 3), 6)), sm.pointwise(x, lambda g: 3 * g)])


def square_beside_two_linears() -> Network:
    x = sm.input(3)
    return Network(energy=[sm.tanh(sm.linear(sm.linear(x, 4), 3)), sm.square(x)])


def slice_of(units: int) -> Callable[[], Network]:
    """f″ = 1, so that δ f″ is a slice of the concatenation's δ."""

    def network() -> Network:
        x = sm.input(3)
        joined = sm.concat(half_square(sm.linear(x, units)), sm.tanh(sm.linear(x, 3)))
        return Network(energy=sm.tanh(sm.linear(joined, 4)))

    return network


def concat_of_constant_tangents() -> Network:
    x = sm.input(3)
    h = sm.tanh(sm.linear(sm.concat(x, sm.linear(x, 3)), 3))
    return Network(energy=sm.tanh(sm.linear(h, 2)))


def constant_hessian() -> Network:
    return Network(energy=sm.square(sm.linear(sm.linear(sm.input(5), 4), 3)))


def one_input() -> Network:
    return Network(energy=sm.softplus(sm.linear(sm.tanh(sm.linear(sm.input(1), 3)), 2)))


ODD = {
    "side energy": side_energy_of_the_input,
    "square beside": square_beside_two_linears,
    "slice of 1": slice_of(1),
    "slice of 2": slice_of(2),
    "slice of 4": slice_of(4),
    "constant tangents": concat_of_constant_tangents,
    "constant Hessian": constant_hessian,
    "one input": one_input,
}


@pytest.mark.parametrize("name", ODD)
def test_lowerings(name: str) -> None:
    network = ODD[name]()
    for cuts in all_cuts(network):
        compare_schedules(network, tuple(run(s, (prune,)) for s in lower_exact(network, cuts)))
    for probes in (1, 3):
        against_given_probes.compare(network, tuple(run(s, (prune,)) for s in lower_probes(network, probes)), probes)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_modules(name: str, backend: str) -> None:
    network = ODD[name]()
    compare_module(network, backend)
    against_given_probes.compare_module(network, backend, 3)


@pytest.mark.parametrize("method", [Method("exact"), Method("hutchinson", probes=3)], ids=lambda m: m.hessian)
@pytest.mark.parametrize("name", ["slice of 1", "slice of 4", "constant tangents", "constant Hessian", "one input"])
def test_cuda(name: str, method: Method) -> None:
    network = ODD[name]()
    assert_agrees(network, "float64", *random_case(network, samples=3), method=method)
