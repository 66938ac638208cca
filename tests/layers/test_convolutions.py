"""Convolutions against the oracle: every option alone and with others, in every mode, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, MODES, Energies, compare, each_mode, in_groups, places


def topped(h: Node) -> Network:
    """An energy whose δ is not the same in all places."""
    return Network(energy=sm.softplus(sm.scale(h, name="top")))


def line(size: int, channels: int = 1, out: int = 2, kernel: int = 3, **options: Any) -> Callable[[Node], Node]:
    """A convolution of a function of some units of x."""

    def energy(x: Node) -> Node:
        h = sm.tanh(places(x, (channels, size)))
        return sm.softplus(w.conv1d(h, out, kernel, **options))

    return energy


def plane(shape: tuple[int, int, int], out: int, kernel: Any, **options: Any) -> Callable[[Node], Node]:

    def energy(x: Node) -> Node:
        h = sm.tanh(places(x, shape))
        return sm.softplus(w.conv2d(h, out, kernel, **options))

    return energy


LINES: Energies = {
    "plain": line(7),
    "one window": line(3),
    "one place of padding": line(1, kernel=3, padding=1),
    "no bias": line(5, bias=False),
    "stride 2": line(8, stride=2),
    "stride beyond the kernel": line(8, kernel=2, stride=3),
    "dilation": line(8, dilation=3),
    "padding": line(5, padding=2),
    "more padding than kernel": line(3, kernel=2, padding=3),
    "padding that is never reached": line(4, kernel=3, padding=1, stride=3),
    "valid": line(6, padding="valid"),
    "same": line(5, padding="same"),
    "same, even kernel": line(5, kernel=4, padding="same"),
    "same, even kernel, circular": line(5, kernel=4, padding="same", padding_mode="circular"),
    "same, dilation, reflect": line(6, kernel=3, padding="same", dilation=2, padding_mode="reflect"),
    "reflect": line(5, padding=2, padding_mode="reflect"),
    "reflect as far as it goes": line(3, kernel=5, padding=2, padding_mode="reflect"),
    "reflect, stride 2": line(6, kernel=4, padding=3, padding_mode="reflect", stride=2),
    "replicate": line(4, padding=1, padding_mode="replicate"),
    "replicate beyond the kernel": line(2, padding=4, padding_mode="replicate"),
    "replicate of one place": line(1, padding=2, padding_mode="replicate"),
    "circular": line(5, padding=1, padding_mode="circular"),
    "circular once round": line(3, kernel=7, padding=3, padding_mode="circular"),
    "circular kernel beyond the axis": line(4, kernel=6, padding=3, padding_mode="circular"),
    "circular dilation of one round": line(4, kernel=3, padding=4, dilation=4, padding_mode="circular"),
    "circular dilation of half a round": line(4, kernel=3, padding=4, dilation=2, padding_mode="circular"),
    "circular of one place": line(1, kernel=3, padding=1, padding_mode="circular"),
    "circular, stride 2": line(5, kernel=4, padding=2, padding_mode="circular", stride=2),
}

CHANNELS: Energies = {
    "one place": line(1, 2, 3, 1),
    "one by one": line(5, 2, 3, 1),
    "one by one with a stride": line(5, 2, 2, 1, stride=2),
    "groups": line(4, 4, 6, 3, groups=2),
    "depthwise": line(4, 3, 3, 3, groups=3, padding=1),
    "depthwise, two each": line(4, 2, 4, 3, groups=2, padding=1, padding_mode="circular"),
    "groups, one by one": line(3, 4, 2, 1, groups=2),
    "groups, circular once round": line(3, 2, 2, 5, groups=2, padding=2, padding_mode="circular", stride=2, dilation=1),
    "groups, no bias, dilation": line(5, 2, 2, 2, groups=2, dilation=3, padding=1, bias=False),
}

PLANES: Energies = {
    "plain": plane((1, 4, 5), 2, 3),
    "one window": plane((2, 3, 2), 3, (3, 2)),
    "odd in each direction": plane((2, 4, 3), 2, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(2, 1)),
    "one row": plane((2, 1, 5), 2, (1, 3), padding=(0, 1)),
    "one column": plane((1, 5, 1), 2, (3, 1), padding=(1, 0), stride=2),
    "one by one": plane((3, 2, 3), 2, 1),
    "one by one with padding": plane((2, 2, 2), 2, 1, padding=1),
    "unread places": plane((1, 5, 4), 2, 2, stride=3),
    "same": plane((1, 4, 3), 2, (3, 2), padding="same"),
    "reflect": plane((1, 3, 4), 2, 3, padding=(2, 1), padding_mode="reflect"),
    "replicate": plane((1, 2, 3), 2, 3, padding=(3, 1), padding_mode="replicate"),
    "circular": plane((1, 3, 4), 2, 3, padding=1, padding_mode="circular"),
    "circular once round": plane((1, 2, 3), 2, (3, 5), padding=(1, 2), padding_mode="circular"),
    "circular in one direction": plane((2, 3, 3), 1, 3, padding=(1, 0), padding_mode="circular"),
    "groups": plane((4, 2, 3), 2, 2, groups=2, padding=1),
    "depthwise": plane((2, 3, 3), 4, 3, groups=2, padding=1, stride=2),
    "one window of the whole image": plane((2, 3, 3), 3, 3),
}


def of_the_input() -> Network:
    return Network(energy=sm.logcosh(w.conv2d(sm.input((1, 4, 4)), 3, 3, bias=False, name="filters")))


def linear_energy() -> Network:
    return Network(energy=w.conv2d(sm.input((2, 3, 3)), 2, 2))


def twice() -> Network:
    """Two convolutions without a nonlinearity between them, in the middle of the network."""
    h = sm.square(sm.input((2, 6)))
    return topped(w.conv1d(w.conv1d(h, 3, 2), 2, 3, padding=1))


def shared() -> Network:
    x = sm.input((2, 5))
    h = sm.tanh(w.conv1d(x, 2, 3, padding=1, name="first", weights="tied"))
    return topped(w.conv1d(h, 2, 3, padding=1, padding_mode="circular", name="second", weights="tied"))


def weights_of_a_parameter() -> Network:
    """Positive weights, used by two layers."""
    v = sm.exp(sm.parameter((2, 2, 3), name="v"))
    h = sm.tanh(w.conv1d(sm.input((2, 5)), 2, 3, weights=v, bias=False))
    return topped(w.conv1d(h, 2, 3, padding=2, padding_mode="reflect", weights=v, name="upper"))


def weights_of_two_parameters() -> Network:
    """A direction times a length for each filter."""
    v, length = sm.parameter((3, 2, 2, 2), name="v"), sm.parameter((3, 1, 1, 1), name="length")
    return topped(w.conv2d(sm.tanh(sm.input((2, 3, 3))), 3, 2, weights=v * sm.softplus(length)))


def weights_of_a_convolution_and_its_transpose() -> Network:
    """One array as the weight of a convolution and of a transposed one."""
    v = sm.parameter((3, 2, 2), name="v")
    h = sm.softplus(w.conv1d(sm.input((2, 4)), 3, 2, weights=v))
    return topped(w.conv_transpose1d(h, 2, 2, weights=v, bias=False))


def grouped_and_shared() -> Network:
    v = sm.parameter((4, 1, 3), name="v")
    h = sm.tanh(w.conv1d(sm.input((4, 4)), 4, 3, weights=sm.exp(v), groups=4, padding=1))
    return topped(w.conv1d(h, 4, 3, weights=v, groups=4, padding=1, padding_mode="circular"))


def energy_with_children() -> Network:
    h = sm.softplus(w.conv2d(sm.input((1, 3, 4)), 2, 2))
    return Network(energy=[h, sm.square(w.conv2d(h, 1, 2)), w.conv2d(h, 1, (1, 3))])


def skip_and_branch() -> Network:
    x = sm.input((1, 3, 3))
    h = sm.tanh(w.conv2d(x, 2, 3, padding=1))
    up = sm.softplus(w.conv2d(h, 2, 3, padding=1, padding_mode="reflect"))
    return topped(h + up + w.conv2d(x, 2, 1))


NETWORKS: dict[str, Callable[[], Network]] = {f.__name__: f for f in (
    of_the_input, linear_energy, twice, shared, weights_of_a_parameter, weights_of_two_parameters,
    weights_of_a_convolution_and_its_transpose, grouped_and_shared, energy_with_children, skip_and_branch,
)}  # fmt: skip
OFTEN = (
    "shared", "weights_of_two_parameters", "weights_of_a_convolution_and_its_transpose", "energy_with_children"
)  # fmt: skip
GROUPS = {
    **in_groups("lines", (8,), LINES),
    **in_groups("lines of channels", (16,), CHANNELS),
    **in_groups("planes", (24,), PLANES),
}


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=("lines of channels 1",))
def test_options(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, OFTEN)
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_sample(backend: str) -> None:
    for name in ("lines of channels 1", "planes 1"):
        for mode in MODES[:2]:
            GROUPS[name].compare(mode, backend, samples=1)
