"""Functions across units, as compositions: log-sum-exp, softmax and norms ([+] 16)."""

from __future__ import annotations

import sympy as sp

from smgen.constants import real_number
from smgen.errors import NetworkError, shortened
from smgen.layers import axes
from smgen.layers.arrange import permute, reshape
from smgen.layers.maximum import maximum
from smgen.layers.nodes import Node, node_of, varying
from smgen.layers.parameter import learned
from smgen.layers.pointwise import pointwise
from smgen.layers.pooling import sum_pool
from smgen.layers.shapes import axes_of, check_length, number_for, whole_numbers
from smgen.origins import here

_ONE, _ZERO = (1.0, None), (0.0, None)


def logsumexp(source: Node, axis: int = -1, *, keepdims: bool = False, name: str | None = None) -> Node:
    """log Σ exp a over one axis, computed as m + log Σ exp(a − m) with the greatest a as a formal constant m."""
    origin = here()
    node, at = _on_axis(source, axis, origin, "logsumexp")
    most, _, total = _shifted(node, at, origin)
    logarithm = pointwise(total, sp.log, kind="log", domain=_ONE)
    result = pointwise((most, logarithm), lambda m, s: m + s, kind="logsumexp", name=name if keepdims else None)
    return result if keepdims else _without(result, at, name)


def softmax(source: Node, axis: int = -1, *, name: str | None = None) -> Node:
    """exp a / Σ exp a over one axis, computed with the greatest a as a formal constant that is subtracted first."""
    origin = here()
    node, at = _on_axis(source, axis, origin, "softmax")
    _, powers, total = _shifted(node, at, origin)
    inverse = pointwise(total, lambda s: 1 / s, kind="inverse", domain=_ONE)
    return pointwise((powers, inverse), lambda e, r: e * r, kind="softmax", name=name)


def _shifted(node: Node, axis: int, origin: str) -> tuple[Node, Node, Node]:
    """The greatest a, exp(a − m), and its sum, which is at least 1."""
    most = maximum(node, axis, origin)
    below = pointwise((node, most), lambda a, m: a - m, kind="shift")
    powers = pointwise(below, sp.exp, kind="exp", domain=(None, 0.0))
    return most, powers, axes.sum(powers, axis, keepdims=True)


def norm(
    source: Node,
    axis: int | tuple[int, ...] | None = None,
    *,
    eps: float,
    keepdims: bool = False,
    name: str | None = None,
) -> Node:
    """√(ε + Σ a²) over axes, or over all of them. ε > 0: without it the norm has a kink at 0."""
    origin = here()
    node = node_of(source, origin, "norm")
    varying([node], origin, "norm")
    over = axes_of(axis, node, origin, "norm")
    total = axes.sum(pointwise(node, lambda a: a**2, kind="square"), over, keepdims=keepdims)
    return _root(total, eps, origin, "norm", name)


def l2_pool(
    source: Node,
    kernel_size: int | tuple[int, ...] | None = None,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    *,
    groups: int | None = None,
    eps: float,
    name: str | None = None,
) -> Node:
    """√(ε + Σ a²) over windows, as `avg_pool2d` has them, or over each of so many `groups` of the first axis.

    Raises `NetworkError` unless either windows or groups are given, and for groups that do not divide the axis.
    """
    origin = here()
    node = node_of(source, origin, "l2_pool")
    varying([node], origin, "l2_pool")
    if (kernel_size is None) == (groups is None):
        raise NetworkError(
            origin=origin,
            what="sm.l2_pool takes kernel_size= for windows, or groups= for groups of the first axis",
            hint="sm.l2_pool(h, groups=16, eps=1e-3), sm.l2_pool(h, 2, eps=1e-3)",
        )
    squares = pointwise(node, lambda a: a**2, kind="square")
    if groups is None:
        assert kernel_size is not None
        return _root(sum_pool(squares, kernel_size, stride, padding), eps, origin, "l2_pool", name)
    count = _groups(groups, node, origin, "l2_pool")
    apart = reshape(squares, (count, node.shape[0] // count, *node.shape[1:]))
    return _root(axes.sum(apart, 1), eps, origin, "l2_pool", name)


def layer_norm(
    source: Node,
    normalized_shape: int | tuple[int, ...] | None = None,
    *,
    eps: float = 1e-5,
    elementwise_affine: bool = True,
    name: str | None = None,
) -> Node:
    """(a − mean) / √(variance + ε) · weight + bias over the last axes, as torch.nn.LayerNorm.

    `normalized_shape` are these axes, by default all. With `elementwise_affine`, weight and bias have this shape.
    """
    origin = here()
    node = node_of(source, origin, "layer_norm")
    varying([node], origin, "layer_norm")
    shape = node.shape if normalized_shape is None else whole_numbers(normalized_shape)
    if not shape or node.shape[-len(shape) :] != shape:
        raise NetworkError(
            origin=origin,
            what=f"sm.layer_norm takes the last axes of {node} as normalized_shape; got {shortened(normalized_shape)}",
            hint=f"normalized_shape={node.shape[-1]} is the last axis, None are all",
        )
    last = tuple(range(len(node.shape) - len(shape), len(node.shape)))
    even = _normalised(node, last, eps, origin, "layer_norm", None if elementwise_affine else name)
    return _affine(even, shape, origin, "layer_norm", name) if elementwise_affine else even


def group_norm(
    source: Node, num_groups: int, *, eps: float = 1e-5, affine: bool = True, name: str | None = None
) -> Node:
    """(a − mean) / √(variance + ε) · weight + bias over groups of channels and all places, as torch.nn.GroupNorm.

    As many groups as channels are an instance norm. With `affine`, weight and bias have a number for each channel.
    """
    origin = here()
    node = node_of(source, origin, "group_norm")
    varying([node], origin, "group_norm")
    count = _groups(num_groups, node, origin, "group_norm")
    apart = reshape(node, (count, node.shape[0] // count, *node.shape[1:]))
    even = _normalised(apart, tuple(range(1, len(apart.shape))), eps, origin, "group_norm", None)
    together = reshape(even, node.shape, name=None if affine else name)
    if not affine:
        return together
    last = len(node.shape) - 1  # the channels go last, beside their parameters, and back; nothing moves in memory
    channels_last = permute(together, (*range(1, last + 1), 0))
    scaled = _affine(channels_last, node.shape[:1], origin, "group_norm", name)
    return permute(scaled, (last, *range(last)))


def _normalised(node: Node, over: tuple[int, ...], eps: object, origin: str, function: str, name: str | None) -> Node:
    """(a − mean) / √(variance + ε)."""
    least = _epsilon(eps, origin, function)
    centred = pointwise((node, axes.mean(node, over, keepdims=True)), lambda a, m: a - m, kind="centre")
    variance = axes.mean(pointwise(centred, lambda c: c**2, kind="square"), over, keepdims=True)
    scale = pointwise(variance, lambda v: 1 / sp.sqrt(v + least), kind="rsqrt", domain=_ZERO)
    return pointwise((centred, scale), lambda c, s: c * s, kind=function, name=name)


def _affine(node: Node, shape: tuple[int, ...], origin: str, function: str, name: str | None) -> Node:
    """a · weight + bias along the last axes, with parameters of this shape as torch has them."""
    weight, bias = learned("weight", shape, origin, init=sp.S.One), learned("bias", shape, origin)
    return pointwise((node, weight, bias), lambda a, w, b: a * w + b, kind=function, name=name)


def _epsilon(eps: object, origin: str, function: str) -> sp.Expr:
    number = real_number(eps)
    if number is None or not number > 0:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes a number greater than 0 as eps; got {shortened(eps)}",
            hint="without it, the function has no second derivative where all units are equal, or 0",
        )
    return number


def _root(total: Node, eps: object, origin: str, function: str, name: str | None) -> Node:
    least = _epsilon(eps, origin, function)
    return pointwise(total, lambda s: sp.sqrt(s + least), kind=function, name=name, domain=_ZERO)


def _groups(groups: object, node: Node, origin: str, function: str) -> int:
    argument = "num_groups" if function == "group_norm" else "groups"
    count = number_for(argument, groups, origin, hint=f"{argument}=4", function=function)
    if node.shape[0] % count:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function}: {count} groups do not divide the {node.shape[0]} channels of {node}",
            hint="each group has equally many channels",
        )
    return count


def _on_axis(source: object, axis: object, origin: str, function: str) -> tuple[Node, int]:
    node = node_of(source, origin, function)
    varying([node], origin, function)
    (at,) = axes_of((axis,), node, origin, function)
    check_length(node.shape[at], at, node, origin, function)
    return node, at


def _without(node: Node, axis: int, name: str | None) -> Node:
    """The node without an axis of one unit, unless it has no other."""
    return axes.sum(node, axis, name=name) if len(node.shape) > 1 else node
