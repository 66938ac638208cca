"""Random networks of layers on tensors, and the definitions that the verdict is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import sympy as sp
from hypothesis import strategies as st

import smgen as sm
from smgen.errors import NetworkError
from smgen.ir import Padding
from smgen.layers.nodes import Node
from smgen.layers.pointwise import Pointwise
from smgen.network import Network
from smgen.report.definitions import Samples
from tests.dags import Choices, Drawn
from tests.support import Array

MOST_UNITS = 60
PADDINGS: Final[tuple[Padding, ...]] = ("zeros", "reflect", "replicate", "circular")
CURVED: Final[tuple[Callable[[sp.Expr], sp.Expr], ...]] = (sp.sin, sp.atan, lambda g: g + sp.cos(g) / 2)
"""Functions of one node. Their derivatives do not underflow: that would hide a path."""
OF_TWO: Final[tuple[Callable[[sp.Expr, sp.Expr], sp.Expr], ...]] = (
    lambda a, b: (a + 2) * (b + 3),
    lambda a, b: sp.atan(a + 1) + 3 * b,
    lambda a, b: sp.sin(a + 2 * b),
)
"""Functions of two nodes whose slopes are not 0 where a node is 0 outside an image."""


@st.composite
def tensor_graphs(draw: st.DrawFn, most_nodes: int = 9) -> Network:
    """A network of layers of all kinds on an x of one to three axes. What nothing reads is an energy."""
    choices = Drawn(draw)
    nodes = [sm.input(_input_shape(choices))]
    for _ in range(choices.whole(2, most_nodes)):
        source = choices.one_of(nodes[-3:])
        try:
            node = _layer(choices, source, nodes)
        except NetworkError:  # no window fits, or padding does not reach
            continue
        if node.units <= MOST_UNITS:
            nodes.append(node)
    read = {source for node in nodes for source in node.operands}
    energies = [node for node in nodes if node not in read]
    return Network(energy=[_curved(choices, node) if choices.whole(0, 3) else node for node in energies])


def _input_shape(choices: Choices) -> tuple[int, ...]:
    match choices.whole(1, 3):
        case 1:
            return (choices.whole(1, 12),)
        case 2:
            return choices.whole(1, 4), choices.whole(2, 8)
        case _:
            return choices.whole(1, 3), choices.whole(2, 4), choices.whole(1, 3)


def _layer(choices: Choices, node: Node, nodes: Sequence[Node]) -> Node:
    kinds = ["curved", "curved", "along", "mix", "mix", "arrange", "several", "several"]
    kinds += ["convolution", "convolution", "pool"] if len(node.shape) > 1 else []
    match choices.one_of(kinds):
        case "curved":
            return _curved(choices, node)
        case "convolution":
            return _convolution(choices, node)
        case "pool":
            return _pool(choices, node)
        case "along":
            return _along(choices, node)
        case "mix":
            return sm.linear(node, choices.whole(1, 4)) if choices.yes() else sm.scale(node)
        case "arrange":
            return _arranged(choices, node)
        case _:
            return _several(choices, node, nodes)


def _curved(choices: Choices, node: Node) -> Node:
    return sm.pointwise(node, choices.one_of(CURVED))


def _convolution(choices: Choices, node: Node) -> Node:
    axes = len(node.shape) - 1
    channels = node.shape[0]
    groups = choices.one_of([n for n in range(1, channels + 1) if channels % n == 0])
    out, kernel, stride = groups * choices.whole(1, 2), choices.whole(1, 3), choices.whole(1, 3)
    padding, dilation = choices.whole(0, 2), choices.whole(1, 2)
    if choices.whole(0, 3) == 0:
        transposed = sm.conv_transpose1d if axes == 1 else sm.conv_transpose2d
        return transposed(node, out, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    mode = choices.one_of(PADDINGS)
    convolution = sm.conv1d if axes == 1 else sm.conv2d
    return convolution(
        node, out, kernel, stride=stride, padding=padding, padding_mode=mode, dilation=dilation, groups=groups
    )


def _pool(choices: Choices, node: Node) -> Node:
    if choices.yes():
        return sm.upsample(node, choices.whole(1, 2), mode=choices.one_of(["nearest", "linear"]))
    kernel = choices.whole(1, 3)
    return sm.sum_pool(node, kernel, stride=choices.whole(1, 3), padding=choices.whole(0, kernel // 2))


def _along(choices: Choices, node: Node) -> Node:
    axis = choices.whole(0, len(node.shape) - 1)
    match choices.whole(0, 3):
        case 0:
            return sm.sum(node, axis, keepdims=choices.yes())
        case 1:
            mode = choices.one_of(PADDINGS)
            return sm.pad(node, (choices.whole(-1, 2), choices.whole(-1, 2)), mode)
        case 2:
            start, step = choices.whole(0, node.shape[axis] - 1), choices.one_of([1, 1, 2, -1])
            return node[(*(slice(None),) * axis, slice(start, None, step))]
        case _:
            return node[(*(slice(None),) * axis, choices.whole(0, node.shape[axis] - 1))]


def _arranged(choices: Choices, node: Node) -> Node:
    match choices.whole(0, 2):
        case 0:
            return sm.flatten(node)
        case 1:
            order = list(range(len(node.shape)))
            return sm.permute(node, tuple(order.pop(choices.whole(0, len(order) - 1)) for _ in node.shape))
        case _:
            factor = choices.one_of([n for n in range(1, node.units + 1) if node.units % n == 0])
            rest = node.units // factor
            other = choices.one_of([n for n in range(1, rest + 1) if rest % n == 0])
            return sm.reshape(node, choices.one_of([(factor, rest), (factor, other, rest // other)]))


def _several(choices: Choices, node: Node, nodes: Sequence[Node]) -> Node:
    """A layer of two nodes. One that is too short is repeated."""
    other = choices.one_of(nodes)
    match choices.whole(0, 3):
        case 0:
            same = [n for n in nodes if n.shape[1:] == node.shape[1:]]
            return sm.concat(node, choices.one_of(same))
        case 1:
            axis = choices.whole(0, len(node.shape) - 1)
            same = [n for n in nodes if _without(n.shape, axis) == _without(node.shape, axis)]
            return sm.concat(node, choices.one_of(same), axis=axis)
        case 2:
            return sm.pointwise((node, other), choices.one_of(OF_TWO)) if node is not other else sm.scale(node)
        case _:
            return sm.add(node, sm.scale(other)) if choices.yes() else sm.add(node, other)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """The number of axes, and the lengths of all but one."""
    return (len(shape), *shape[:axis], *shape[axis + 1 :])


def gap(network: Network, seeds: Sequence[int] = (0, 1)) -> float:
    """The largest error of the recursion, relative to the largest true δ′."""
    errors = list[float]()
    for seed in seeds:
        x = np.random.default_rng(seed + 100).normal(size=(2, network.input.units))
        sample = Samples(network, params_of(network, seed), x, _differentiated)
        truth, recursion = sample.diagonal(network.input), sample.prime[network.input.name]
        scale = max(float(np.abs(truth).max()), float(np.abs(recursion).max()), 1e-300)
        errors.append(float(np.abs(truth - recursion).max()) / scale)
    return max(errors)


def counted(network: Network) -> dict[str, Array]:
    """The number of paths up to 2 from each x_d to each unit, as one writes it down: (units, D) for each vertex."""
    params, tables = params_of(network, 0), {network.input.name: np.eye(network.input.units, dtype=int)}
    for v in network.vertices[1:]:
        if isinstance(v.layer, Pointwise):
            table = sum(tables[p] for p in v.inputs)
        else:
            slopes = {p: v.layer.slope(v, p, params, _differentiated) for p in v.inputs}
            units = {p: np.eye(network[p].units) for p in v.inputs}
            table = sum((slopes[p].forward(units[p]).T != 0).astype(int) @ tables[p] for p in v.inputs)
        tables[v.name] = np.minimum(table, 2)
    return tables


def params_of(network: Network, seed: int) -> dict[str, Array]:
    """Random parameters. Almost surely no sum of products of them is 0."""
    rng = np.random.default_rng(seed)
    return {key: rng.normal(0.3, 0.7, shape) for key, shape in network.parameters.items()}


def _differentiated(expr: sp.Expr, values: Mapping[sp.Symbol, Array], by: tuple[sp.Symbol, ...]) -> Array:
    shape = np.broadcast_shapes(*(value.shape for value in values.values()))
    return np.broadcast_to(_function(expr, tuple(values), by)(*values.values()), shape).astype(float)


@lru_cache(maxsize=256)
def _function(expr: sp.Expr, symbols: tuple[sp.Symbol, ...], by: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    function: Callable[..., Any] = sp.lambdify(symbols, sp.diff(expr, *by) if by else expr, "numpy")
    return function
