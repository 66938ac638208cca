"""Transposed convolution: the transpose of a convolution as a layer. Names and arguments are those of torch.nn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from smgen.errors import NetworkError
from smgen.ir import Emitter, Name, Sliding
from smgen.layers.convolution import Convolution
from smgen.layers.convolution_arguments import checked_groups
from smgen.layers.linear_maps import LinearMap
from smgen.layers.nodes import Node, checked_bias, node_of, varying
from smgen.layers.parameter import learned, shared_weight
from smgen.layers.patterns import Support
from smgen.layers.protocol import Array, Vertex
from smgen.layers.shapes import check_length, image_of, number_for, numbers_for
from smgen.origins import here


@dataclass(frozen=True, slots=True, kw_only=True)
class TransposedConvolution(Convolution):
    """g = Aᵀ f + b for the A of a convolution, whose `channels` are those of g. The weight is (in, out, *kernel)."""

    @property
    def kind(self) -> str:
        return f"conv_transpose{len(self.axes)}d"

    @property
    def sliding(self) -> None:
        return None

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> LinearMap:
        return TransposedMap(Convolution.map(self, e, v, parameters))

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        (weight,) = parameters
        return self.dense(weight).T

    @property
    def _reads(self) -> list[Support]:
        return [Support.of_windows(axis).transposed for axis in self.axes]


@dataclass(frozen=True, slots=True)
class TransposedMap:
    """v ↦ Aᵀ v. Its square is (A ∘ A)ᵀ, and its gradients are those of A with the sides exchanged."""

    map: LinearMap

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return self.map.backward(e, value, name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        return self.map.forward(e, value, name, number)

    def squared(self, e: Emitter) -> LinearMap:
        return TransposedMap(self.map.squared(e))

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        return self.map.gradient(e, right, left, names)


def conv_transpose1d(
    source: Node,
    out_channels: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
    name: str | None = None,
    weights: str | Node | None = None,
) -> Node:
    """The transposed convolution of (C, L), as torch.nn.ConvTranspose1d: see `conv_transpose2d`."""
    options = (kernel_size, stride, padding, output_padding, dilation, groups)
    return _transposed("conv_transpose1d", source, out_channels, options, bias, name, weights)


def conv_transpose2d(
    source: Node,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    bias: bool = True,
    name: str | None = None,
    weights: str | Node | None = None,
) -> Node:
    """The transposed convolution of (C, H, W), as torch.nn.ConvTranspose2d, for output_padding less than stride.

    Weight (C, out_channels / groups, *kernel_size), bias (out_channels,); each axis gets
    (size − 1) · stride − 2 · padding + dilation · (kernel_size − 1) + output_padding + 1 places. `weights` is as in
    `linear`. Raises `NetworkError` for other nodes and options, and if no place is left.
    """
    options = (kernel_size, stride, padding, output_padding, dilation, groups)
    return _transposed("conv_transpose2d", source, out_channels, options, bias, name, weights)


def _transposed(
    function: str,
    source: object,
    out_channels: object,
    options: tuple[object, object, object, object, object, object],
    bias: object,
    name: str | None,
    weights: object,
) -> Node:
    origin, count = here(), int(function[-2])
    node = node_of(source, origin, function)
    varying([node], origin, function)
    image_of(node, count, origin, function)
    has_bias = checked_bias(bias, origin)
    hint = f"e.g. sm.{function}(h, 64, 4, stride=2, padding=1)"
    out = number_for("out_channels", out_channels, origin, hint=hint, function=function)
    kernel, strides, around, more, dilations = (
        numbers_for(argument, value, count, origin, least=least, hint=hint, function=function)
        for argument, value, least in zip(
            ("kernel_size", "stride", "padding", "output_padding", "dilation"), options, (1, 1, 0, 0, 1), strict=False
        )
    )
    group_count = checked_groups(options[5], node, out, origin, function)
    axes = []
    for axis, size in enumerate(node.shape[1:]):
        k, s, p, o, d = (numbers[axis] for numbers in (kernel, strides, around, more, dilations))
        padded = (size - 1) * s + d * (k - 1) + o + 1
        check_length(padded, axis + 1, node, origin, function)
        sliding = Sliding(size=padded - 2 * p, kernel=k, stride=s, dilation=d, before=p, after=p)
        if sliding.size < 1 or sliding.count != size:
            raise NetworkError(
                origin=origin,
                what=f"sm.{function}: axis {axis + 1} of {node} would get {sliding.size} places with stride={s}, "
                f"padding={p} and output_padding={o}",
                hint="output_padding must be less than stride, and padding must leave a place",
            )
        axes.append(sliding)
    weight, group = shared_weight(weights, (node.shape[0], out // group_count, *kernel), origin)
    operands = (node, weight, *((learned("bias", (out,), origin, group=group),) if has_bias else ()))
    layer = TransposedConvolution(bias=has_bias, channels=out, axes=tuple(axes), groups=group_count)
    shape = (out, *(axis.size for axis in axes))
    return Node(layer=layer, operands=operands, shape=shape, name=name, origin=origin)
