"""Nodes and parameters that broadcast in pointwise layers, against the oracle, in every mode, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import sympy

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, compare, each_mode, in_groups

SHAPE = (2, 3, 4)
SHAPES = (
    (1,), (4,), (1, 1), (3, 1), (1, 4), (3, 4), (1, 1, 1), (2, 1, 1), (1, 3, 1), (2, 3, 1), (2, 1, 4), (2, 3, 4)
)  # fmt: skip


def gate(h: Node, theta: Node) -> Node:
    """A function of a unit and a number with all mixed derivatives."""
    return sm.pointwise((h, theta), lambda h, theta: sympy.tanh(h) / (1 + sympy.exp(theta * h)))


def written_order(shape: tuple[int, ...], x: Node) -> Node:
    return gate(sm.sin(x), sm.parameter(shape))


def channels_last(shape: tuple[int, ...], x: Node) -> Node:
    """On a value of a convolution, whose channels are last in memory."""
    return sm.softplus(gate(w.conv2d(x, 2, 1), sm.parameter(shape)))


def function_of_parameters(shape: tuple[int, ...], x: Node) -> Node:
    """What is read is made of two parameters that broadcast."""
    theta = sm.exp(sm.parameter(shape)) + sm.parameter((3, 1))
    h = w.conv2d(x, 2, (2, 1))
    return sm.square(w.permute(h, (0, 1, 2)) * theta)


def two_parameters() -> Network:
    h, a, b = sm.input((2, 2, 3)), sm.parameter((2, 1, 1), name="a"), sm.parameter((2, 3), name="b")
    return Network(energy=sm.pointwise((h, a, b), lambda h, a, b: sympy.log(1 + sympy.exp(a * h)) * (1 + b**2) + h**2))


def more_axes_than_the_node() -> Network:
    """A parameter that gives a node more axes."""
    h = sm.tanh(sm.linear(sm.input(3), 2))
    return Network(energy=sm.softplus(h * sm.parameter((3, 2), name="theta")))


def longer_axes_than_the_node() -> Network:
    h = w.total(sm.tanh(sm.input((2, 3))), 1, keepdims=True)
    return Network(energy=sm.square(h + sm.parameter((1, 4), name="theta")))


def nodes_of_several_shapes() -> Network:
    x = sm.input((2, 2, 3))
    h = sm.tanh(w.conv2d(x, 2, 1))
    column, row = w.mean(h, axis=2, keepdims=True), w.total(x, axis=(0, 1))
    return Network(energy=sm.softplus(h * column - row))


def one_unit_and_an_image() -> Network:
    x = sm.input((2, 2, 2))
    one = sm.linear(w.flatten(x), 1)
    return Network(energy=sm.sin(x) * sm.softplus(one) + sm.square(one))


def a_node_twice() -> Network:
    h = sm.tanh(w.conv1d(sm.input((2, 4)), 2, 2))
    return Network(energy=sm.pointwise((h, h, w.total(h, 0)), lambda a, b, c: a * b + sympy.exp(a * c / 4)))


def gain_and_tilt() -> Network:
    """Parameters that multiply, add to and bound a value."""
    x = sm.input((2, 3))
    nu = 1 + sm.softplus(sm.parameter((2, 1), name="nu"))
    h = sm.pointwise((x, nu), lambda g, nu: (nu + 1) / 2 * sympy.log(1 + g**2 / nu))
    return Network(energy=[h, x * sm.parameter((1, 3), name="tilt")])


def quadratic() -> Network:
    """δ′ and f″ that are the same for all samples, and differ from place to place."""
    theta = sm.parameter((2, 1, 3), name="theta")
    return Network(energy=sm.square(w.conv2d(sm.square(sm.input((1, 2, 3))) * theta, 2, 1)))


def weighted_energy(layer: Callable[[Node], Node], shape: tuple[int, ...], x: Node) -> Node:
    """δ of a linear layer is a parameter: the same for all samples, and for all places or all units of one."""
    return layer(sm.square(x)) * sm.parameter(shape)


LINEAR: dict[str, Callable[[Node], Node]] = {
    "linear": lambda h: sm.linear(h, 3),
    "conv1d": lambda h: w.conv1d(h, 2, 1),
    "conv1d, groups": lambda h: w.conv1d(h, 2, 3, groups=2, padding=1, padding_mode="circular"),
    "conv_transpose1d": lambda h: w.conv_transpose1d(h, 2, 1),
    "concat": lambda h: w.concat(w.part(h, slice(1)), w.part(h, slice(1, 2))),
    "permute": lambda h: w.reshape(w.permute(h, (1, 0)), (2, 3)),
}


def weighted_row(count: int) -> Network:
    return Network(energy=sm.linear(sm.input(2), 4) * sm.parameter(count, name="theta"))


NETWORKS: dict[str, Callable[[], Network]] = {
    "energy of a row and one number": partial(weighted_row, 1),
    "energy of a row": partial(weighted_row, 4),
    **{f.__name__: f for f in (
        two_parameters, more_axes_than_the_node, longer_axes_than_the_node, nodes_of_several_shapes,
        one_unit_and_an_image, a_node_twice, gain_and_tilt, quadratic,
    )},
}  # fmt: skip
GROUPS = {
    **in_groups("written order", SHAPE, {str(shape): partial(written_order, shape) for shape in SHAPES}),
    **in_groups("channels last", (1, 3, 4), {str(shape): partial(channels_last, shape) for shape in SHAPES}),
    **in_groups("functions", (2, 4, 3), {
        str(shape): partial(function_of_parameters, shape)
        for shape in ((1,), (3,), (1, 3), (2, 1, 1), (2, 3, 1), (2, 1, 3))
    }),
    **in_groups("energies", (2, 3), {
        f"{name} {shape}": partial(weighted_energy, layer, shape)
        for name, layer in LINEAR.items() for shape in ((1,), (1, 3), (2, 1))
    }),
}  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=("functions 1",))
def test_shapes(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, often=("nodes_of_several_shapes",))
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)
