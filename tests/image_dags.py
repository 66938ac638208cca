"""Random networks on arrays: convolutions and their like mixed with linear and pointwise layers, skips and parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy
from hypothesis import strategies as st

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.dags import Choices, Drawn

MOST_UNITS = 30
FUNCTIONS: Sequence[Callable[[Node], Node]] = (
    sm.tanh, sm.softplus, sm.sin, sm.sigmoid, sm.square, lambda h: sm.pointwise(h, lambda g: sympy.log(1 + g**2) + g)
)  # fmt: skip
MODES = ("zeros", "reflect", "replicate", "circular")


@st.composite
def image_dags(draw: st.DrawFn, max_nodes: int = 6) -> Network:
    """A network of up to 30 inputs and `max_nodes` layers; every node that nothing reads is an energy."""
    return random_images(Drawn(draw), max_nodes)


def random_images(choices: Choices, max_nodes: int) -> Network:
    """Layers of all kinds on each other, with nonlinearities between them more often than not."""
    nodes: list[Node] = [sm.input(choices.one_of([(1, 5), (2, 4), (1, 3, 3), (2, 2, 3), (2, 3, 2), (3, 1, 4), (4,)]))]
    for _ in range(choices.whole(1, max_nodes)):
        layer = choices.one_of(LAYERS)(choices, nodes)
        if layer.units <= 2 * MOST_UNITS:
            nodes.append(layer)
    read = {source for node in nodes for source in node.operands}
    energies = [node for node in nodes if node not in read]
    return Network(energy=[*energies, choices.one_of(nodes)] if choices.yes() else energies)


def _window(choices: Choices, nodes: Sequence[Node]) -> Node:
    """A convolution of an image, with options that fit."""
    h = _image(choices, nodes)
    sizes, mode = h.shape[1:], choices.one_of(MODES)
    most = {"zeros": 2, "replicate": 3, "reflect": min(sizes) - 1, "circular": min(sizes)}[mode]
    padding, dilation, stride = choices.whole(0, min(most, 3)), choices.whole(1, 2), choices.whole(1, 3)
    kernel = tuple(choices.whole(1, max(1, min(3, (size + 2 * padding - 1) // dilation + 1))) for size in sizes)
    groups = choices.one_of([n for n in (1, 2, 3) if h.shape[0] % n == 0])
    convolution: Callable[..., Node] = w.conv1d if len(sizes) == 1 else w.conv2d
    return convolution(
        h,
        groups * choices.whole(1, 2),
        kernel,
        stride=stride,
        padding=padding,
        padding_mode=mode,
        dilation=dilation,
        groups=groups,
        bias=choices.yes(),
    )


def _transposed(choices: Choices, nodes: Sequence[Node]) -> Node:
    h = _image(choices, nodes)
    stride = choices.whole(1, 2)
    transposed: Callable[..., Node] = w.conv_transpose1d if len(h.shape) == 2 else w.conv_transpose2d
    kernel = choices.whole(1, 3)
    padding = choices.whole(0, kernel // 2) if min(h.shape[1:]) > 1 else 0
    return transposed(h, choices.whole(1, 2), kernel, stride=stride, padding=padding, output_padding=stride - 1)


def _resized(choices: Choices, nodes: Sequence[Node]) -> Node:
    h = _image(choices, nodes)
    kernel = tuple(choices.whole(1, min(size, 2)) for size in h.shape[1:])
    match choices.one_of(["mean", "sum", "nearest", "linear"]):
        case "mean":
            pool: Callable[..., Node] = w.avg_pool1d if len(kernel) == 1 else w.avg_pool2d
            return pool(h, kernel, choices.whole(1, 2))
        case "sum":
            return w.sum_pool(h, kernel)
        case mode:
            return w.upsample(h, kernel, mode)


def _image(choices: Choices, nodes: Sequence[Node]) -> Node:
    """A recent node as channels with one or two axes."""
    h = choices.one_of(nodes[-3:])
    if len(h.shape) in (2, 3):
        return h
    return w.reshape(h, (1, -1) if choices.yes() else (choices.one_of([n for n in (1, 2) if h.units % n == 0]), 1, -1))


def _pointwise(choices: Choices, nodes: Sequence[Node]) -> Node:
    return choices.one_of(FUNCTIONS)(choices.one_of(nodes[-3:]))


def _learned(choices: Choices, nodes: Sequence[Node]) -> Node:
    """With a parameter that broadcasts to the node."""
    h = choices.one_of(nodes[-3:])
    theta = sm.parameter(tuple(size if choices.yes() else 1 for size in h.shape))
    match choices.one_of(["gain", "shift", "inside"]):
        case "gain":
            return h * theta
        case "shift":
            return h + sm.tanh(theta)
        case _:
            return sm.pointwise((h, theta), lambda h, theta: sympy.sin(h * theta) + h)


def _joined(choices: Choices, nodes: Sequence[Node]) -> Node:
    """A skip connection: a node with one that broadcasts to it."""
    h = choices.one_of(nodes[-3:])
    other = choices.one_of([node for node in nodes if node.shape == h.shape])
    if choices.yes():
        other = w.mean(other, choices.whole(0, len(h.shape) - 1), keepdims=True)
    match choices.one_of(["sum", "gate", "quotient", "three"]):
        case "sum":
            return sm.add(h, other)
        case "gate":
            return h * sm.sigmoid(other)
        case "quotient":
            return h / (1 + sm.softplus(other))
        case _:
            return sm.add(h, other, sm.square(h))


def _concatenated(choices: Choices, nodes: Sequence[Node]) -> Node:
    h = choices.one_of(nodes[-3:])
    axis = choices.whole(-len(h.shape), len(h.shape) - 1)
    at = axis % len(h.shape)
    same = [n for n in nodes if len(n.shape) == len(h.shape) and _without(n, at) == _without(h, at)]
    return w.concat(h, choices.one_of(same), axis=axis)


def _without(node: Node, axis: int) -> tuple[int, ...]:
    return (*node.shape[:axis], *node.shape[axis + 1 :])


def _rearranged(choices: Choices, nodes: Sequence[Node]) -> Node:
    h = choices.one_of(nodes[-3:])
    rank = len(h.shape)
    match choices.one_of(["permute", "flatten", "reshape", "part", "pad", "sum"]):
        case "permute":
            axes = list(range(rank))
            return w.permute(h, tuple(axes.pop(choices.whole(0, len(axes) - 1)) for _ in range(rank)))
        case "flatten":
            return w.flatten(h)
        case "reshape":
            first = choices.one_of([n for n in range(1, 5) if h.units % n == 0])
            return w.reshape(h, (first, -1) if choices.yes() else (first, -1, 1))
        case "part":
            starts = [choices.whole(0, min(size - 1, 1)) for size in h.shape]
            return w.part(h, tuple(slice(start, None, choices.whole(1, 2)) for start in starts))
        case "pad":
            return w.pad(h, (choices.whole(0, 1), choices.whole(0, 1)), choices.one_of(["zeros", "replicate"]))
        case _:
            return w.total(h, choices.whole(0, rank - 1), keepdims=choices.yes())


def _linear(choices: Choices, nodes: Sequence[Node]) -> Node:
    return sm.linear(choices.one_of(nodes[-3:]), choices.whole(1, 3), bias=choices.yes())


def _across(choices: Choices, nodes: Sequence[Node]) -> Node:
    """A function across units, or a product of a node and a function of its transpose."""
    h = choices.one_of(nodes[-3:])
    axis = choices.whole(0, len(h.shape) - 1)
    groups = choices.one_of([n for n in (1, 2, 3) if h.shape[0] % n == 0])
    match choices.one_of(["logsumexp", "softmax", "norm", "l2_pool", "layer_norm", "group_norm", "matmul"]):
        case "logsumexp":
            return w.logsumexp(h, axis, keepdims=choices.yes())
        case "softmax":
            return w.softmax(h, axis)
        case "norm":
            return w.norm(h, axis, eps=0.3, keepdims=choices.yes())
        case "l2_pool":
            return w.l2_pool(h, groups=groups, eps=0.3)
        case "layer_norm":
            return w.layer_norm(h, h.shape[-1] if choices.yes() else None, eps=0.3)
        case "group_norm":
            return w.group_norm(h, groups, eps=0.3, affine=choices.yes())
        case _:
            matrix = h if len(h.shape) > 1 else w.reshape(h, (1, -1))
            last = len(matrix.shape) - 1
            return w.matmul(matrix, w.permute(sm.sin(matrix), (*range(last - 1), last, last - 1)))


def _beside(choices: Choices, nodes: Sequence[Node]) -> Node:
    """With a condition, or with what is made of one."""
    h = choices.one_of(nodes[-3:])
    match choices.one_of(["number", "array", "label", "network", "joined"]):
        case "number":
            return h * sm.condition()
        case "array":
            return h + sm.sin(sm.condition(tuple(size if choices.yes() else 1 for size in h.shape)))
        case "label":
            return h * w.embedding(sm.condition(), 3, h.shape[-1])
        case "network":
            return h * (1 + sm.tanh(sm.linear(sm.condition(2), h.shape[-1])))
        case _:
            return w.concat(h, sm.condition(h.shape), axis=choices.whole(0, len(h.shape) - 1))


LAYERS: Sequence[Callable[[Choices, Sequence[Node]], Node]] = (
    _window, _window, _window, _transposed, _resized, _pointwise, _pointwise, _pointwise, _learned, _joined, _joined,
    _concatenated, _rearranged, _rearranged, _linear, _across, _across, _beside, _beside,
)  # fmt: skip
