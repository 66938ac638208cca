"""Pooling and upsampling: constant windows on each axis after the channels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy as sp

from smgen.errors import NetworkError, shortened
from smgen.ir import Along, Sliding
from smgen.layers.along_axes import along_axes
from smgen.layers.nodes import Node, node_of, varying
from smgen.layers.shapes import check_length, image_of, numbers_for
from smgen.origins import here


def avg_pool1d(
    source: Node, kernel_size: int, stride: int | None = None, padding: int = 0, *, name: str | None = None
) -> Node:
    """The means of windows of (C, L), as torch.nn.AvgPool1d: see `avg_pool2d`."""
    return _pooled("avg_pool1d", source, 1, kernel_size, stride, padding, name)


def avg_pool2d(
    source: Node,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    *,
    name: str | None = None,
) -> Node:
    """The means of windows of (C, H, W), as torch.nn.AvgPool2d; zeros of the padding count.

    `stride` is by default `kernel_size`, so that windows do not overlap. Raises `NetworkError` if no window fits.
    """
    return _pooled("avg_pool2d", source, 2, kernel_size, stride, padding, name)


def sum_pool(
    source: Node,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    *,
    name: str | None = None,
) -> Node:
    """The sums of windows of (C, L) or (C, H, W); the arguments are those of `avg_pool2d`."""
    node = node_of(source, here(), "sum_pool")
    return _pooled("sum_pool", node, len(node.shape) - 1, kernel_size, stride, padding, name)


def _pooled(
    function: str, source: object, count: int, kernel_size: object, stride: object, padding: object, name: str | None
) -> Node:
    origin = here()
    node = node_of(source, origin, function)
    varying([node], origin, function)
    image_of(node, max(count, 1), origin, function)
    hint = f"e.g. sm.{function}(h, 2)"
    steps = kernel_size if stride is None else stride
    kernel = numbers_for("kernel_size", kernel_size, count, origin, least=1, hint=hint, function=function)
    strides = numbers_for("stride", steps, count, origin, least=1, hint=hint, function=function)
    around = numbers_for("padding", padding, count, origin, least=0, hint=hint, function=function)
    matrices = {}
    for axis, size in enumerate(node.shape[1:]):
        check_length(size + 2 * around[axis], axis + 1, node, origin, function)
        sliding = Sliding(size=size, kernel=kernel[axis], stride=strides[axis], before=around[axis], after=around[axis])
        if 2 * around[axis] > kernel[axis] or sliding.count < 1:
            raise NetworkError(
                origin=origin,
                what=f"sm.{function}: windows of {kernel[axis]} places, and {around[axis]} of padding, do not fit on "
                f"axis {axis + 1} of {node}",
                hint="padding is at most half of kernel_size, which is at most the size with its padding",
            )
        matrices[axis + 1] = sliding.matrix()
    whole = int(np.prod(kernel))
    factor = sp.S.One if function == "sum_pool" else sp.Rational(1, whole)
    note = f"{_each(kernel)}, stride={_each(strides)}{f', padding={_each(around)}' * bool(max(around))}"
    return along_axes(node, function, matrices, origin, note=note, factor=factor, name=name)


def upsample(
    source: Node, scale_factor: int | tuple[int, ...], mode: str = "nearest", *, name: str | None = None
) -> Node:
    """More places on each axis after the channels, as torch.nn.Upsample: "nearest" repeats, "linear" interpolates.

    Linear interpolation is that of torch with align_corners=False: place q lies at (q + ½) / scale_factor − ½ of the
    operand, and beyond the outermost places their values go on.
    """
    origin = here()
    node = node_of(source, origin, "upsample")
    varying([node], origin, "upsample")
    count = len(node.shape) - 1
    image_of(node, max(count, 1), origin, "upsample")
    hint = 'e.g. sm.upsample(h, 2, mode="linear")'
    factors = numbers_for("scale_factor", scale_factor, count, origin, least=1, hint=hint, function="upsample")
    if mode not in ("nearest", "linear"):
        raise NetworkError(
            origin=origin, what=f'sm.upsample takes "nearest" or "linear" as mode; got {shortened(mode)}', hint=hint
        )
    for axis, size in enumerate(node.shape[1:]):
        check_length(size * factors[axis], axis + 1, node, origin, "upsample")
    make = _repeated if mode == "nearest" else _interpolated
    matrices = {axis + 1: make(size, factors[axis]) for axis, size in enumerate(node.shape[1:])}
    return along_axes(node, "upsample", matrices, origin, note=f"{_each(factors)}, {mode}", name=name)


def _repeated(size: int, factor: int) -> Along:
    return Along.picked(size, [q // factor for q in range(size * factor)])


def _interpolated(size: int, factor: int) -> Along:
    rows = []
    for q in range(size * factor):
        at = Fraction(2 * q + 1, 2 * factor) - Fraction(1, 2)
        low = at.numerator // at.denominator
        places = [min(max(p, 0), size - 1) for p in (low, low + 1)]
        rows.append(list(zip(places, (1 - (at - low), at - low), strict=True)))
    return Along.of(size, rows)


def _each(numbers: tuple[int, ...]) -> str:
    return str(numbers[0] if len(set(numbers)) == 1 else numbers)
