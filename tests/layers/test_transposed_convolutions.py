"""Transposed convolutions against the oracle, in every mode, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, Energies, compare, each_mode, in_groups, places


def topped(h: Node) -> Network:
    """An energy whose δ is not the same in all places."""
    return Network(energy=sm.softplus(sm.scale(h, name="top")))


def line(size: int, channels: int = 1, out: int = 2, kernel: int = 3, **options: Any) -> Callable[[Node], Node]:
    """A convolution of a function of some units of x."""

    def energy(x: Node) -> Node:
        h = sm.tanh(places(x, (channels, size)))
        return sm.softplus(w.conv_transpose1d(h, out, kernel, **options))

    return energy


def plane(shape: tuple[int, int, int], out: int, kernel: Any, **options: Any) -> Callable[[Node], Node]:

    def energy(x: Node) -> Node:
        h = sm.tanh(places(x, shape))
        return sm.softplus(w.conv_transpose2d(h, out, kernel, **options))

    return energy


def of_the_input() -> Network:
    return Network(energy=sm.logcosh(w.conv_transpose2d(sm.input((2, 2, 2)), 1, 2, bias=False)))


def there_and_back() -> Network:
    """An encoder and a decoder with a skip connection."""
    x = sm.input((1, 6))
    h = sm.tanh(w.conv1d(x, 2, 3, stride=2, padding=1))
    return topped(w.conv_transpose1d(h, 1, 3, stride=2, padding=1, output_padding=1) + x)


def shared() -> Network:
    x = sm.input((2, 4))
    h = sm.tanh(w.conv_transpose1d(x, 2, 3, padding=1, name="first", weights="tied"))
    return topped(w.conv_transpose1d(h, 2, 3, stride=2, name="second", weights="tied"))


def positive_weights() -> Network:
    v = sm.exp(sm.parameter((2, 1, 2, 2), name="v"))
    return topped(w.conv_transpose2d(sm.tanh(sm.input((2, 2, 3))), 2, 2, weights=v, groups=2))


LINES: Energies = {
    "plain": line(4),
    "one place": line(1, 2, 2, 3),
    "one by one": line(4, 2, 3, 1),
    "one by one with a stride": line(3, 2, 2, 1, stride=2),
    "no bias": line(4, bias=False),
    "stride": line(4, stride=2),
    "stride and output_padding": line(3, stride=3, output_padding=2),
    "stride beyond the kernel": line(3, kernel=2, stride=3, output_padding=1),
    "padding": line(4, padding=2),
    "padding that cuts all but one place": line(3, kernel=3, padding=2),
    "padding beyond the kernel": line(6, kernel=2, padding=3),
    "dilation": line(4, dilation=2),
    "dilation, stride and padding": line(4, 2, 2, 3, dilation=3, stride=2, padding=2, output_padding=1),
    "groups": line(3, 4, 2, 3, groups=2, padding=1),
    "depthwise": line(3, 2, 4, 2, groups=2, stride=2),
}
PLANES: Energies = {
    "plain": plane((2, 3, 2), 2, (2, 3)),
    "odd in each direction": plane(
        (2, 3, 2), 2, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), dilation=(1, 2)
    ),
    "groups": plane((4, 2, 2), 2, 2, groups=2, padding=1, stride=2),
    "one row": plane((1, 1, 4), 2, (1, 3), padding=(0, 1)),
}
NETWORKS: dict[str, Callable[[], Network]] = {
    f.__name__: f for f in (of_the_input, there_and_back, shared, positive_weights)
}
GROUPS = {**in_groups("lines", (12,), LINES), **in_groups("planes", (16,), PLANES)}


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=("planes 1",))
def test_options(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, often=("there_and_back",))
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)
