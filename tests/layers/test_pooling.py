"""Pooling and upsampling against the oracle, in every mode, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, Energies, compare, each_mode, in_groups, places


def between(shape: tuple[int, ...], layer: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """The layer on some places of x, after a nonlinearity with a gain for each unit and before one."""

    def energy(x: Node) -> Node:
        h = sm.tanh(sm.scale(places(x, shape)))
        return sm.softplus(layer(h))

    return energy


def of_the_input() -> Network:
    return Network(energy=sm.logcosh(w.avg_pool2d(sm.input((1, 4, 4)), 2)))


def linear_energy() -> Network:
    """An energy that a linear layer is, beside one that gives it a curvature."""
    x = sm.input((2, 4))
    return Network(energy=[w.avg_pool1d(sm.square(x), 2), w.upsample(sm.tanh(x), 2, "linear")])


def down_and_up() -> Network:
    """A skip connection around pooling and upsampling."""
    h = sm.tanh(w.conv2d(sm.input((1, 4, 4)), 2, 3, padding=1))
    low = sm.softplus(w.conv2d(w.avg_pool2d(h, 2), 2, 1))
    return Network(energy=sm.square(h + w.upsample(low, 2)))


def several_on_each_other() -> Network:
    """Pooling of pooling, without a nonlinearity between them."""
    h = sm.softplus(sm.input((1, 9)))
    return Network(energy=sm.sin(w.sum_pool(w.avg_pool1d(w.upsample(h, 2), 3, 2), 2, 1)))


LINES: Energies = {
    "avg_pool1d": between((2, 6), lambda h: w.avg_pool1d(h, 2)),
    "avg_pool1d, places left over": between((1, 7), lambda h: w.avg_pool1d(h, 3)),
    "avg_pool1d, overlapping": between((2, 5), lambda h: w.avg_pool1d(h, 3, 1)),
    "avg_pool1d, stride beyond the kernel": between((1, 7), lambda h: w.avg_pool1d(h, 2, 3)),
    "avg_pool1d, padding": between((2, 5), lambda h: w.avg_pool1d(h, 3, 2, 1)),
    "avg_pool1d, of one place": between((2, 1), lambda h: w.avg_pool1d(h, 1)),
    "avg_pool1d, half of each window outside": between((1, 2), lambda h: w.avg_pool1d(h, 4, 1, 2)),
    "sum_pool, line": between((2, 5), lambda h: w.sum_pool(h, 3, 2, 1)),
    "nearest, line": between((2, 3), lambda h: w.upsample(h, 3)),
    "linear, line": between((2, 3), lambda h: w.upsample(h, 3, "linear")),
    "linear, of one place": between((2, 1), lambda h: w.upsample(h, 4, "linear")),
    "linear by one": between((1, 3), lambda h: w.upsample(h, 1, "linear")),
}
PLANES: Energies = {
    "avg_pool2d": between((1, 5, 4), lambda h: w.avg_pool2d(h, (3, 2), (2, 1), (1, 0))),
    "avg_pool2d, whole image": between((3, 2, 3), lambda h: w.avg_pool2d(h, (2, 3))),
    "sum_pool, plane": between((1, 4, 3), lambda h: w.sum_pool(h, (2, 1), padding=(1, 0))),
    "nearest, plane": between((1, 2, 3), lambda h: w.upsample(h, (3, 1))),
    "linear, plane": between((2, 2, 2), lambda h: w.upsample(h, (2, 3), mode="linear")),
}
NETWORKS: dict[str, Callable[[], Network]] = {
    f.__name__: f for f in (of_the_input, linear_energy, down_and_up, several_on_each_other)
}
GROUPS = {**in_groups("lines", (12,), LINES), **in_groups("planes", (20,), PLANES)}


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=("planes 1",))
def test_options(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, often=("down_and_up",))
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)
