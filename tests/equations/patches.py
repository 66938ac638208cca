"""Slopes at each place of receptive fields: patches of a chain of convolutions, and the fields as windows over x.

The field of a node at place q has the places q S + σ − B of x on each axis, for σ = 0 … K − 1. A convolution k with
stride s, dilation d and b places of padding above p makes K + (k − 1) d S, S s and B + b S of these. Tangents are along
the places of a field, and the channels of x at each. A tap t reads the slopes at place q s + t d − b, and what it reads
along place τ of the smaller field is along place τ + t d S of the larger one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

import numpy as np

from tests.equations.along import OUTSIDE, folded, place, raveled, sliding_of, unfolded
from tests.equations.nodes import Node
from tests.equations.values import Array, Value

PLACE_BY_PLACE: Final = ("pointwise", "formula", "concat")


@dataclass(frozen=True)
class Field:
    """K, S and B on each axis of x, whose lengths are `sizes`, and what stands for places outside."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    mode: str = "zeros"

    @property
    def places(self) -> int:
        return prod(self.kernel)

    def table(self, counts: Sequence[int]) -> Array:
        """The places of x in the field of each place of a node with these axes."""
        axes = [
            [[place(q * s + t - b, n, self.mode) for t in range(k)] for q in range(count)]
            for n, k, s, b, count in zip(self.sizes, self.kernel, self.stride, self.before, counts, strict=True)
        ]
        return raveled(axes, self.sizes)


@dataclass(frozen=True)
class Tap:
    """Where a tap moves each place of the smaller field, and the place that it reads for each place of the image."""

    moves: Array
    reads: Array


class Patches:
    """The fields of the nodes that have them, and the taps of convolutions above such nodes."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.fields = fields_of(nodes)
        self.channels = nodes["x"].shape[0] if "x" in nodes else 0

    def windows(self, value: Value, nodes: Sequence[Node]) -> Iterator[Value]:
        """What fields read: a row of all tangents for each place, and the same with a number for each tangent."""
        for node in nodes:
            if node.name in self.fields and value.axes.endswith("pu") and "c" not in value.axes:
                field = self.fields[node.name]
                if value.array.shape[-2:] == (prod(field.sizes), self.channels):
                    rows = unfolded(value.array, field.table(node.shape[1:]))
                    yield Value(rows, value.axes)
                    yield Value(rows.swapaxes(-1, -2)[..., np.newaxis], value.axes.replace("pu", "cpu"))

    def fold(self, value: Value, nodes: Sequence[Node]) -> Iterator[Value]:
        """The sums of what the fields of all places have for each input, and of what taps have for what they read."""
        for node in nodes:
            if node.name not in self.fields:
                continue
            if value.axes.endswith("cpu") and node.kind.startswith("conv"):
                yield from self._returned(value, node)
            field, array = self.fields[node.name], value.array
            if value.axes.endswith("cpu") and array.shape[-1] == 1:
                array = array[..., 0]
            elif not value.axes.endswith("cp"):
                continue
            if array.shape[-2:] == (field.places * self.channels, prod(node.shape[1:])):
                image = folded(array.swapaxes(-1, -2), field.table(node.shape[1:]), prod(field.sizes))
                yield Value(image, "n" * ("n" in value.axes) + "pu")

    def patches(self, value: Value, nodes: Sequence[Node]) -> Iterator[Value]:
        """What taps read, each along the places that it is moved to: (…, tangents, places, taps · channels)."""
        for node in nodes if value.axes.endswith("cpu") else ():
            if node.name not in self.fields or not node.kind.startswith("conv"):
                continue
            below, places = self.fields[node.operands[0]], prod(self.nodes[node.operands[0]].shape[1:])
            *batch, tangents, own, units = value.array.shape
            if tangents != below.places * self.channels or own not in (1, places):
                continue
            source = np.broadcast_to(value.array, (*batch, tangents, places, units))
            source = source.reshape(*batch, below.places, self.channels, places, units)
            taps = self._taps(node, below)
            above, count = self.fields[node.name].places, prod(node.shape[1:])
            result = np.zeros((*batch, above, self.channels, count, len(taps), units))
            for t, tap in enumerate(taps):
                inside = tap.reads != OUTSIDE
                for tau, moved in enumerate(tap.moves):
                    read = source[..., tau, :, tap.reads[inside], :]
                    result[..., moved, :, inside, t, :] = read
            yield Value(result.reshape(*batch, -1, count, len(taps) * units), value.axes)

    def _returned(self, value: Value, node: Node) -> Iterator[Value]:
        """The transpose of `patches`."""
        below, places = self.fields[node.operands[0]], prod(self.nodes[node.operands[0]].shape[1:])
        taps = self._taps(node, below)
        *batch, tangents, count, units = value.array.shape
        above = self.fields[node.name].places
        if (tangents, count) != (above * self.channels, prod(node.shape[1:])) or units % len(taps):
            return
        source = value.array.reshape(*batch, above, self.channels, count, len(taps), -1)
        result = np.zeros((*batch, below.places, self.channels, places, units // len(taps)))
        for t, tap in enumerate(taps):
            for tau, moved in enumerate(tap.moves):
                for q, p in enumerate(tap.reads):
                    if p != OUTSIDE:
                        result[..., tau, :, p, :] += source[..., moved, :, q, t, :]
        yield Value(result.reshape(*batch, -1, places, units // len(taps)), value.axes)

    def _taps(self, node: Node, below: Field) -> list[Tap]:
        windows = sliding_of(node, self.nodes)
        above = self.fields[node.name].kernel
        taps = []
        for t in product(*(range(axis.kernel) for axis in windows)):
            moves = [
                [[tau + at * axis.dilation * step] for tau in range(k)]
                for at, axis, step, k in zip(t, windows, below.stride, below.kernel, strict=True)
            ]
            reads = [[[row[at]] for row in axis.table] for at, axis in zip(t, windows, strict=True)]
            sizes = [axis.size for axis in windows]
            taps.append(Tap(raveled(moves, above)[:, 0], raveled(reads, sizes)[:, 0]))
        return taps


def arranged_by_fields(value: Value, axes: str, shape: tuple[int, ...]) -> Iterator[Array]:
    """One number for each tangent and place: in a row, or in rows for each place; and those of x with a place each."""
    array = value.array[..., 0] if value.axes.endswith("cpu") and value.array.shape[-1] == 1 else value.array
    if axes in ("nu", "npu") and array.size == prod(shape) and value.axes[: array.ndim] == "ncp":
        yield array.reshape(shape)
        yield array.swapaxes(-1, -2).reshape(shape)
    if axes == "ncpu" and value.axes == "npu" and shape == (*array.swapaxes(-1, -2).shape, 1):
        yield array.swapaxes(-1, -2)[..., np.newaxis]


def fields_of(nodes: Mapping[str, Node]) -> dict[str, Field]:
    """The fields of x, of convolutions above nodes that have one, and of functions that are taken place by place."""
    fields: dict[str, Field] = {}
    for node in nodes.values():
        read = [nodes[name] for name in node.operands if name in nodes]
        below = {fields.get(each.name) for each in read}
        if node.name == "x":
            ones = (1,) * len(node.shape[1:])
            fields["x"] = Field(node.shape[1:], ones, ones, (0,) * len(ones))
            continue
        if len(below) != 1 or None in below:
            continue
        (field,) = below
        assert field is not None
        if node.kind.startswith("conv") and not node.kind.startswith("conv_transpose"):
            fields[node.name] = _composed(field, node, nodes)
        elif node.kind in PLACE_BY_PLACE and all(each.shape[1:] == node.shape[1:] for each in read):
            fields[node.name] = field
    return fields


def _composed(field: Field, node: Node, nodes: Mapping[str, Node]) -> Field:
    windows = sliding_of(node, nodes)
    mode = node.options.get("padding_mode", "zeros") if any(axis.padding for axis in windows) else "zeros"
    axes = list(zip(windows, field.kernel, field.stride, field.before, strict=True))
    return Field(
        field.sizes,
        tuple(k + (axis.kernel - 1) * axis.dilation * s for axis, k, s, _ in axes),
        tuple(axis.stride * s for axis, _, s, _ in axes),
        tuple(b + axis.padding * s for axis, _, s, b in axes),
        mode if mode != "zeros" else field.mode,
    )
