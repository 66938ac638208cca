"""Convolution: names, arguments, shapes and the layout of weights as in torch.nn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import sympy as sp

from smgen.errors import NetworkError
from smgen.ir import Emitter, Padding, Sliding
from smgen.layers.axes import check_reach, checked_padding
from smgen.layers.convolution_arguments import checked_groups, paddings
from smgen.layers.grouped import GroupedMap
from smgen.layers.linear_maps import LinearLayer, LinearMap, kron
from smgen.layers.nodes import Node, checked_bias, node_of, varying
from smgen.layers.orders import Order, channels_last
from smgen.layers.parameter import learned, shared_weight
from smgen.layers.patterns import Paths, Support
from smgen.layers.protocol import Array, Layer, Vertex
from smgen.layers.shapes import check_length, image_of, number_for, numbers_for
from smgen.layers.weight_matrix import WeightMatrix
from smgen.layers.windows import WindowsMap, fold_classes
from smgen.origins import here


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution(LinearLayer):
    """g = A f + b, A = Σ_t C_t ⊗ P_t over the taps t of windows. Operands: f, C of shape (out, in, *kernel), b."""

    bias: bool
    channels: int
    axes: tuple[Sliding, ...]
    groups: int = 1

    @property
    def kind(self) -> str:
        return f"conv{len(self.axes)}d"

    @property
    def text(self) -> str:
        axes = ", ".join(map(str, self.axes))
        return f"{self.kind}[{self.channels}, {axes}, groups={self.groups}, bias={self.bias}]"

    def summary(self, operands: Sequence[str]) -> str:
        return f"{self.kind}({', '.join([*operands, *self.options])})"

    @property
    def options(self) -> list[str]:
        """The options that are not the usual ones, as they are written."""
        first = self.axes[0]
        options = [f"stride={_each([a.stride for a in self.axes])}"] if any(a.stride > 1 for a in self.axes) else []
        if any(a.before or a.after for a in self.axes):
            options.append(f"padding={_each([a.before for a in self.axes])}")
            options += [f"padding_mode={first.padding}"] if first.padding != "zeros" else []
        options += (
            [f"dilation={_each([a.dilation for a in self.axes])}"] if any(a.dilation > 1 for a in self.axes) else []
        )
        return options + ([f"groups={self.groups}"] if self.groups > 1 else [])

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        return channels_last(v.shape), {p: channels_last(v.shape) for p in below}

    def form(self, v: Vertex, constant: Vertex) -> tuple[Layer, tuple[int, ...]] | None:
        if constant.name != v.operands[1]:
            return None
        inside = (*range(2, len(self.axes) + 2), 1)
        matrix = WeightMatrix(constant.shape, (*inside, 0), len(inside))
        return matrix, matrix.shape

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> LinearMap:
        (weight,) = parameters
        if self.groups > 1:
            return GroupedMap(weight=weight, axes=self.axes, channels=self.channels, groups=self.groups)
        return WindowsMap(weight, self.axes, self.channels)

    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        (weight,) = parameters
        return self.dense(weight)

    def dense(self, weight: Array) -> Array:
        """A, (channels · windows, channels · places)."""
        out, inside, *kernel = weight.shape
        windows, places = (prod(n) for n in zip(*((axis.count, axis.size) for axis in self.axes), strict=True))
        result = np.zeros((out, windows, self.channels, places))
        each = out // self.groups
        for tap in np.ndindex(*kernel):
            taps = [[int(s == t) for s in range(axis.kernel)] for axis, t in zip(self.axes, tap, strict=True)]
            read = kron([axis.matrix(one).array for axis, one in zip(self.axes, taps, strict=True)])
            for group in range(self.groups):
                rows, columns = (slice(group * n, (group + 1) * n) for n in (each, inside))
                coefficients = weight[(rows, slice(None), *tap)]
                result[rows, :, columns] += np.einsum("oc,qp->oqcp", coefficients, read)
        return result.reshape(out * windows, -1)

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        source, out = below[v.operands[0]], v.shape[0]
        if self.groups == 1:
            paths = source.mixed(0, out)
        else:
            paths = source.along(0, Support.blocks(out, source.shape[0], self.groups))
        for axis, support in enumerate(self._reads, start=1):
            paths = paths.along(axis, support)
        return paths

    @property
    def sliding(self) -> tuple[Sliding, ...] | None:
        return self.axes if self.groups == 1 and not any(fold_classes(self.axes)) else None

    @property
    def _reads(self) -> list[Support]:
        """The places of the operand that each place of the value reads, on each axis."""
        return [Support.of_windows(axis) for axis in self.axes]

    def spread(self, v: Vertex, bias: Array) -> Array:
        return np.broadcast_to(bias.reshape(-1, *(1 for _ in self.axes)), v.shape)


def _each(numbers: Sequence[int]) -> str:
    return str(numbers[0] if len(set(numbers)) == 1 else tuple(numbers))


def conv1d(
    source: Node,
    out_channels: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int | str = 0,
    padding_mode: Padding = "zeros",
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
    name: str | None = None,
    weights: str | Node | None = None,
) -> Node:
    """The convolution of (C, L), as torch.nn.Conv1d: see `conv2d`."""
    options = (stride, padding, padding_mode, dilation, groups)
    return _convolution("conv1d", source, out_channels, kernel_size, options, bias, name, weights)


def conv2d(
    source: Node,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    padding_mode: Padding = "zeros",
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    bias: bool = True,
    name: str | None = None,
    weights: str | Node | None = None,
) -> Node:
    """The convolution of (C, H, W), as torch.nn.Conv2d: weight (out_channels, C / groups, *kernel_size), bias (out,).

    g_oq = b_o + Σ_c Σ_t w_oct f_c,π(q,t) with π(q, t) = q · stride + t · dilation − padding, in each direction.
    `padding` is a number of places, "valid" for 0, or "same" for as many as leave the size as it is at stride 1.
    Outside, f is 0 or continued as `padding_mode` says: "circular", "reflect" or "replicate". `weights` is as in
    `linear`. Raises `NetworkError` for other nodes and options, and if no window fits.
    """
    options = (stride, padding, padding_mode, dilation, groups)
    return _convolution("conv2d", source, out_channels, kernel_size, options, bias, name, weights)


def _convolution(
    function: str,
    source: object,
    out_channels: object,
    kernel_size: object,
    options: tuple[object, object, object, object, object],
    bias: object,
    name: str | None,
    weights: object,
) -> Node:
    origin, count = here(), int(function[4])
    stride, padding, padding_mode, dilation, groups = options
    node = node_of(source, origin, function)
    varying([node], origin, function)
    image_of(node, count, origin, function)
    mode = checked_padding(padding_mode, origin, function, "padding_mode")
    has_bias = checked_bias(bias, origin)
    hint = f"e.g. sm.{function}(x, 64, 7, padding=3)"
    out = number_for("out_channels", out_channels, origin, hint=hint, function=function)
    kernel, strides, dilations = (
        numbers_for(argument, value, count, origin, least=1, hint=hint, function=function)
        for argument, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
    )
    group_count = checked_groups(groups, node, out, origin, function)
    before, after = paddings(padding, kernel, strides, dilations, origin, function, hint)
    axes = []
    for axis, size in enumerate(node.shape[1:]):
        check_length(size + before[axis] + after[axis], axis + 1, node, origin, function)
        check_reach(node, axis + 1, before[axis], after[axis], mode, origin, function, size=size)
        sliding = Sliding(
            size=size,
            kernel=kernel[axis],
            stride=strides[axis],
            dilation=dilations[axis],
            before=before[axis],
            after=after[axis],
            padding=mode if before[axis] or after[axis] else "zeros",
        )
        if sliding.count < 1:
            raise NetworkError(
                origin=origin,
                what=f"sm.{function}: a window of {sliding.span} places does not fit on axis {axis + 1} of {node}, "
                f"which has {size + before[axis] + after[axis]} with its padding",
                hint="a smaller kernel_size or dilation, or more padding",
            )
        axes.append(sliding)
    shape = (out, node.shape[0] // group_count, *kernel)
    weight, group = shared_weight(weights, shape, origin)
    operands = (node, weight, *((learned("bias", (out,), origin, group=group),) if has_bias else ()))
    layer = Convolution(bias=has_bias, channels=node.shape[0], axes=tuple(axes), groups=group_count)
    result = (out, *(axis.count for axis in axes))
    return Node(layer=layer, operands=operands, shape=result, name=name, origin=origin)
