"""Sums, parts, padding, shapes and orders of axes, and concatenation on an axis against the oracle, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, compare, each_mode, in_groups

SHAPE = (2, 3, 4)
CONVOLVED = (2, 3, 2)


def between(layer: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """The layer between nonlinearities, on a value that has a number for all places of a channel."""
    return lambda x: sm.softplus(layer(sm.tanh(x * sm.parameter((2, 1, 1)))))


def beside_convolutions(layer: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """The layer on a value with channels last in memory."""
    return lambda x: sm.square(layer(sm.tanh(w.conv2d(x, 2, (2, 1), padding=(1, 0)))))


def cut(index: Any) -> Callable[[Node], Node]:
    return lambda h: w.part(h, index)


LAYERS: dict[str, Callable[[Node], Node]] = {
    "sum": lambda h: w.total(h),
    "sum, keepdims": lambda h: w.total(h, keepdims=True),
    "sum of channels": lambda h: w.total(h, 0),
    "sum of the last axis": lambda h: w.total(h, -1),
    "sum of two axes": lambda h: w.total(h, (0, 2)),
    "sum of two axes, keepdims": lambda h: w.total(h, (2, 1), keepdims=True),
    "mean": lambda h: w.mean(h),
    "mean of places": lambda h: w.mean(h, axis=(1, 2)),
    "mean of channels, keepdims": lambda h: w.mean(h, 0, keepdims=True),
    "part of channels": cut(np.s_[1:]),
    "part of the border": cut(np.s_[:, 1:-1, 1:]),
    "every other": cut(np.s_[:, ::2, ::3]),
    "backwards": cut(np.s_[::-1, :, ::-1]),
    "one place": cut(np.s_[:, 1, -1]),
    "one unit": cut(np.s_[1, 2, 0]),
    "dots": cut(np.s_[..., 1]),
    "dots between": cut(np.s_[0, ..., 1:]),
    "pad": lambda h: w.pad(h, (1, 2)),
    "pad rows": lambda h: w.pad(h, (0, 0, 2, 1)),
    "pad channels": lambda h: w.pad(h, (1, 0, 0, 1, 0, 1)),
    "pad and cut": lambda h: w.pad(h, (-1, 2, 1, -2)),
    "pad, circular": lambda h: w.pad(h, (1, 1, 3, 2), "circular"),
    "pad, reflect": lambda h: w.pad(h, (1, 0, 1, 2), mode="reflect"),
    "pad, replicate": lambda h: w.pad(h, (4, 1, 0, 2), "replicate"),
    "pad and cut, reflect": lambda h: w.pad(h, (2, -2, -1, 1), "reflect"),
    "pad and cut, replicate": lambda h: w.pad(h, (-1, 2, 2, -2), "replicate"),
    "pad, circular after cutting": lambda h: w.pad(h, (0, 0, -1, 1), "circular"),
    "reshape": lambda h: w.reshape(h, (4, -1)),
    "reshape to one row": lambda h: w.reshape(h, -1),
    "reshape to more axes": lambda h: w.reshape(h, (1, 2, -1, 2, 1)),
    "flatten": lambda h: w.flatten(h),
    "permute": lambda h: w.permute(h, (2, 0, 1)),
    "permute back": lambda h: w.permute(w.permute(h, (1, 2, 0)), (-1, 0, 1)),
    "permute to nothing": lambda h: w.permute(h, (0, 1, 2)),
    "concat of channels": lambda h: w.concat(h, sm.sin(h)),
    "concat of rows": lambda h: w.concat(h, sm.sin(h), h, axis=1),
    "concat of columns": lambda h: w.concat(w.part(h, np.s_[:, :, 1:]), h, axis=-1),
    "linear on the last axis": lambda h: sm.linear(h, 3),
    "linear without bias": lambda h: sm.linear(h, 1, bias=False),
    "linear on rows": lambda h: w.permute(sm.linear(w.permute(h, (0, 2, 1)), 2), (0, 2, 1)),
    "product with a part": lambda h: h * w.part(h, np.s_[:, :1, :1]),
    "product with a mean": lambda h: h * w.mean(h, axis=(1, 2), keepdims=True),
    "quotient by a sum": lambda h: h / (2 + sm.softplus(w.total(h, 0))),
    "outer product": lambda h: w.part(h, np.s_[:, :, :1]) * w.part(h, np.s_[:, :1, :]),
    "sum and part of one": lambda h: w.part(h, np.s_[0]) + w.total(h, 0),
    "flatten of a permutation": lambda h: w.flatten(w.permute(h, (1, 0, 2))),
    "linear after flatten": lambda h: sm.linear(w.flatten(h), 2),
}


def row_of_parts() -> Network:
    """Parts and pads of a network of one axis."""
    x = sm.input(6)
    h = sm.tanh(sm.linear(x, 5))
    joined = w.concat(w.part(h, np.s_[1:]), w.pad(x, (-2, 0)), w.part(x, np.s_[::2]))
    return Network(energy=[sm.softplus(sm.linear(joined, 3)), w.part(sm.square(x), 2)])


def of_the_input() -> Network:
    """Layers that read x itself, and energies that are linear layers."""
    x = sm.input((2, 3))
    return Network(energy=[w.total(sm.square(w.permute(x, (1, 0))), 0), w.pad(sm.sin(x), (1, 1)), w.part(x, np.s_[1:])])


def an_axis_of_one() -> Network:
    """Axes of length one everywhere."""
    x = sm.input((1, 4, 1))
    h = sm.tanh(w.conv2d(x, 1, (3, 1), padding=(1, 0)))
    return Network(energy=sm.square(w.concat(w.permute(h, (2, 1, 0)), h, axis=2)))


def shared_on_the_last_axis() -> Network:
    x = sm.input((3, 2))
    h = sm.tanh(sm.linear(x, 2, name="first", weights="tied"))
    return Network(energy=sm.softplus(sm.linear(h, 2, name="second", weights="tied")))


def positive_on_the_last_axis() -> Network:
    v = sm.exp(sm.parameter((2, 3), name="v"))
    h = sm.tanh(sm.linear(sm.input((2, 3)), 2, weights=v))
    return Network(energy=sm.softplus(sm.linear(w.reshape(w.concat(h, h, h, axis=0), (4, 3)), 2, weights=v)))


NARROW = ("pad, circular", "pad and cut", "pad and cut, reflect")
"""Those that need more places on the last axis than the value of the convolution has."""
NETWORKS: dict[str, Callable[[], Network]] = {f.__name__: f for f in (
    row_of_parts, of_the_input, an_axis_of_one, shared_on_the_last_axis, positive_on_the_last_axis
)}  # fmt: skip
GROUPS = {
    **in_groups("axes", SHAPE, {name: between(layer) for name, layer in LAYERS.items()}),
    **in_groups("beside convolutions", CONVOLVED,
                {name: beside_convolutions(layer) for name, layer in LAYERS.items() if name not in NARROW}),
}  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=("axes 5",))
def test_layers(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, often=("row_of_parts",))
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)
