"""The verdict on networks of tensors: against true Hessians both ways, and the rules of [+] 17 one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings

import smgen as sm
from smgen.analysis.exactness import verdict
from smgen.layers import patterns
from smgen.layers.nodes import Node
from smgen.network import Network
from tests.analysis.tensor_graphs import gap, tensor_graphs
from tests.dags import relaxed

Make = Callable[[], Node]


@settings(relaxed, max_examples=400)
@given(tensor_graphs())
def test_both_ways(network: Network) -> None:
    assert verdict(network).exact == (gap(network) < 1e-9), network.summary


@settings(relaxed, max_examples=100)
@given(tensor_graphs())
def test_never_exact_when_it_is_not(network: Network) -> None:
    """With so little memory that most tables are larger than the truth."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patterns.counts, "LIMIT", 12)
        patch.setattr(patterns.paths, "LIMIT", 12)
        exact = verdict(network).exact
    assert not exact or gap(network) < 1e-9, network.summary


@pytest.mark.slow
@settings(relaxed, max_examples=1200)
@given(tensor_graphs(most_nodes=14))
def test_larger_networks_both_ways(network: Network) -> None:
    assert verdict(network).exact == (gap(network) < 1e-9), network.summary


def f(node: Node) -> Node:
    """An expert: no derivative of it is 0 anywhere but at single points."""
    return sm.pointwise(node, lambda g: g + sp.cos(g) / 2)


def image(*shape: int) -> Node:
    return sm.input(shape)


def exponential(h: Node) -> Node:
    return sm.pointwise(h, sp.exp)


def logistic(h: Node) -> Node:
    return sm.pointwise(h, lambda g: 1 / (1 + sp.exp(-g)), kind="logistic")


def root(h: Node) -> Node:
    return sm.pointwise(h, lambda g: sp.sqrt(1 + g), domain=(0, None))


def softmax(h: Node, axis: int) -> Node:
    e = exponential(h)
    return sm.pointwise((e, sm.sum(e, axis, keepdims=True)), lambda a, b: a / b)


def layer_norm(h: Node, axis: int) -> Node:
    centred = sm.add(h, sm.mean(sm.pointwise(h, lambda g: -g), axis, keepdims=True))
    variance = sm.mean(sm.square(centred), axis, keepdims=True)
    return sm.pointwise((centred, root(variance)), lambda a, b: a / b)


def log_sum_exp(h: Node) -> Node:
    return sm.pointwise(sm.sum(exponential(h), 0, keepdims=True), sp.log, domain=(0, None))


def norm(h: Node) -> Node:
    return root(sm.sum(sm.square(h), 0, keepdims=True))


def two_layers_and_x() -> Node:
    x = sm.input(3)
    return sm.concat(f(sm.linear(f(sm.linear(x, 4)), 2)), f(x))


def rows_and_x() -> Node:
    """(6, 2): three rows of two layers, then the three rows of x."""
    x = sm.input((3, 2))
    return sm.concat(sm.linear(f(sm.linear(x, 2)), 2), x)


def first_layer(**options: object) -> Node:
    return f(sm.conv1d(image(1, 11), 2, 3, **options))  # type: ignore[arg-type]


EXACT: dict[str, Make] = {
    "conv, experts": lambda: f(sm.conv2d(image(2, 4, 4), 3, 3)),
    "conv with stride, dilation, groups, circular padding": lambda: f(
        sm.conv1d(image(2, 9), 4, 3, stride=2, dilation=2, groups=2, padding=3, padding_mode="circular")
    ),
    "conv whose taps fold at the border": lambda: f(sm.conv1d(image(1, 5), 2, 3, padding=2, padding_mode="reflect")),
    "conv that leaves places unread": lambda: f(sm.conv1d(image(1, 8), 2, 2, stride=3)),
    "transposed conv, experts": lambda: f(sm.conv_transpose1d(image(2, 4), 1, 3, stride=2)),
    "conv, experts, pool": lambda: sm.avg_pool2d(f(sm.conv2d(image(1, 5, 5), 2, 2)), 2, 1),
    "conv, experts, sum": lambda: sm.sum(f(sm.conv1d(image(2, 6), 3, 3)), 0),
    "conv, experts, linear": lambda: sm.linear(sm.flatten(f(sm.conv1d(image(2, 6), 3, 3))), 2),
    "patches, depthwise over patches": lambda: f(sm.conv1d(first_layer(stride=3), 2, 2, groups=2)),
    "overlap, depthwise with dilation 2 ≥ 3 / 2": lambda: f(
        sm.conv1d(first_layer(stride=2), 2, 2, groups=2, dilation=2)
    ),
    "conv, a gain a channel": lambda: f(sm.conv1d(first_layer(), 2, 1, groups=2)),
    "groups that see disjoint channels, 1 × 1": lambda: f(sm.conv1d(f(sm.conv1d(image(3, 5), 3, 3, groups=3)), 2, 1)),
    "conv with stride = kernel, experts, pool, experts": lambda: f(sm.avg_pool1d(first_layer(stride=3), 2, 1)),
    "conv with stride = kernel, pool, experts": lambda: f(sm.avg_pool1d(sm.conv1d(image(2, 9), 3, 3, stride=3), 2, 1)),
    "a product of disjoint parts": lambda: (x := sm.scale(image(2, 4)))[:1] * x[1:],
    "a quotient of disjoint parts": lambda: (x := sm.scale(image(2, 4)))[:1] / exponential(x[1:]),
    "a gate of disjoint parts": lambda: (x := image(4, 3))[:2] * logistic(sm.linear(x[2:], 3)),
    "log-sum-exp over the channels of x": lambda: log_sum_exp(sm.scale(image(4, 3))),
    "norm over the channels of x": lambda: norm(sm.scale(image(4, 3))),
    "linear layers above the last curved one": lambda: sm.linear(sm.linear(f(sm.linear(image(3, 4), 5)), 4), 3),
    "linear of each row": lambda: f(sm.linear(image(3, 4), 5)),
    "linear of each row, then of each column of other rows": lambda: f(
        sm.linear(sm.permute(f(sm.linear(image(3, 4), 1)), (1, 0)), 2)
    ),
    "two halves, one of them transposed": lambda: f((x := image(2, 3, 3))[0] + sm.permute(x[1], (1, 0))),
    "two layers, of which the wrong part is cut off": lambda: two_layers_and_x()[2:],
    "a nonlinearity whose wrong part is cut off": lambda: f(sm.flatten(rows_and_x()))[6:],
    "the same with axes of length one": lambda: f(sm.reshape(rows_and_x(), (1, 6, 1, 2)))[:, 3:],
    "a mixed derivative in a part that is cut off": lambda: ((x := sm.input(4)) * sm.concat(x[:2], x[1:2], x[2:3]))[3:],
}
INEXACT: dict[str, Make] = {
    "conv, conv": lambda: f(sm.conv1d(first_layer(), 1, 3)),
    "conv, 1 × 1": lambda: f(sm.conv1d(first_layer(), 1, 1)),
    "overlap, depthwise": lambda: f(sm.conv1d(first_layer(stride=2), 2, 2, groups=2)),
    "patches, full": lambda: f(sm.conv1d(first_layer(stride=3), 2, 2)),
    "conv, experts, pool, experts": lambda: f(sm.avg_pool1d(first_layer(), 2, 1)),
    "conv, pool, experts": lambda: f(sm.avg_pool1d(sm.conv1d(image(1, 9), 2, 3), 2, 1)),
    "reflect padding, then conv": lambda: f(sm.conv1d(sm.pad(image(1, 5), (2, 2), "reflect"), 2, 3)),
    "upsampling, then conv": lambda: f(sm.conv1d(sm.upsample(image(1, 4), 2), 2, 3)),
    "depthwise with multiplier 2, then 1 × 1": lambda: f(sm.conv1d(sm.conv1d(image(2, 5), 4, 3, groups=2), 2, 1)),
    "a product of one x": lambda: sm.linear(x := sm.input(4), 3) * sm.linear(x, 3),
    "a quotient of one x": lambda: sm.scale(x := sm.input(4)) / exponential(sm.linear(x, 4)),
    "a gate of one x": lambda: (x := image(2, 3)) * logistic(sm.linear(x, 3)),
    "softmax": lambda: softmax(image(3, 2), 0),
    "layer norm": lambda: layer_norm(image(3, 4), 1),
    "log-sum-exp over filters of one patch": lambda: log_sum_exp(sm.conv1d(image(2, 5), 4, 3)),
    "norm over filters of one patch": lambda: norm(sm.conv1d(image(2, 5), 4, 3)),
    "x − mean(x), experts": lambda: f((x := sm.scale(image(4, 3))) - sm.mean(x, (0, 1), keepdims=True)),
    "a square plus its transpose": lambda: f((x := image(3, 3)) + sm.permute(x, (1, 0))),
    "a nonlinearity whose wrong part is nearly cut off": lambda: f(sm.flatten(rows_and_x()))[5:],
    "the same with axes of length one, nearly": lambda: f(sm.reshape(rows_and_x(), (1, 6, 1, 2)))[:, 2:],
    "two layers, of which the right part is cut off": lambda: two_layers_and_x()[:2],
}  # fmt: skip


@pytest.mark.parametrize("name", [*EXACT, *INEXACT])
def test_the_rules(name: str) -> None:
    network = Network(energy=(EXACT | INEXACT)[name]())
    recursion = verdict(network)
    assert recursion.exact is (name in EXACT), recursion
    assert (gap(network) < 1e-9) is (name in EXACT)


WORDS: dict[str, tuple[Make, str]] = {
    "one layer": (
        lambda: f(sm.conv2d(image(1, 4, 4), 3, 3, name="filters")),
        "exact: one mixing layer ('filters') below pointwise experts",
    ),
    "no layer": (
        lambda: f(sm.permute(sm.pad(image(2, 3)[:, ::-1], (1, 1)), (1, 0))),
        "exact: no layer mixes the inputs",
    ),
    "several layers": (
        lambda: f(sm.avg_pool1d(sm.conv1d(image(1, 9), 3, 3, stride=3), 2, 1)),
        "exact: no input reaches a nonlinear unit along two paths (layers 'conv1d_1', 'avg_pool1d_1')",
    ),
    "two convolutions": (
        lambda: f(sm.conv2d(f(sm.conv2d(image(1, 5, 5), 2, 3)), 2, 3)),
        "inexact: conv2d 'conv2d_2' mixes units that already depend on the same inputs, below the nonlinearity 'poin",
    ),
    "padding, then a convolution": (
        lambda: f(sm.conv1d(sm.pad(image(1, 5), (2, 2), "reflect"), 2, 3)),
        "inexact: conv1d 'conv1d_1' mixes units",
    ),
    "a pool": (
        lambda: f(sm.avg_pool1d(sm.conv1d(image(1, 9), 2, 3), 2, 1)),
        "inexact: avg_pool1d 'avg_pool1d_1' mixes units",
    ),
    "a transposed convolution": (
        lambda: f(sm.conv_transpose1d(f(sm.conv1d(image(1, 6), 2, 2)), 1, 3)),
        "inexact: conv_transpose1d 'conv_transpose1d_1' mixes units",
    ),
    "a sum with the transpose": (
        lambda: f((x := image(3, 3)) + sm.permute(x, (1, 0))),
        "inexact: add 'add_1' mixes units",
    ),
    "a gate": (
        lambda: (x := image(2, 3)) * logistic(sm.linear(x, 3)),
        "inexact: multiply 'multiply_1' has a mixed derivative by 'x' and 'logistic_1', whose units depend on the same",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_the_words(name: str) -> None:
    make, expected = WORDS[name]
    words = str(verdict(Network(energy=make())))
    assert words[: len(expected)] == expected


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("zeros", [0, 1, 5, 6, 9, 11])
def test_zeros_of_fixed_weights_are_seen(zeros: int, bias: bool) -> None:
    """However many there are: rows of one number keep units apart, rows of two do not."""
    weights = np.random.default_rng(zeros).uniform(1, 2, 12)
    weights[np.random.default_rng(zeros + 1).permutation(12)[:zeros]] = 0
    below = f(sm.linear(sm.input(4), 4, weights=sm.constant(np.eye(4)), bias=bias))
    network = Network(energy=f(sm.linear(below, 3, weights=sm.constant(weights.reshape(3, 4)), bias=bias)))
    assert verdict(network).exact == (gap(network) < 1e-9)
    assert verdict(network).exact or zeros < 9
