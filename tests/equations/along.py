"""What nodes do along one axis, written out place by place: windows, and the matrices of sums, picks and mixes.

Meanings are those of torch, as README and the documentation of nodes have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from tests.equations.nodes import Node, pair
from tests.equations.values import Array

OUTSIDE = -1
FEW = 6
"""Longer axes of x have colours in turn in the networks of the tests."""


def place(at: int, size: int, padding: str) -> int:
    """The place that stands for `at`, which may be outside of 0 … size − 1; OUTSIDE for a zero."""
    if 0 <= at < size:
        return at
    if padding == "circular":
        return at % size
    if padding == "replicate":
        return 0 if at < 0 else size - 1
    if padding == "reflect":
        while not 0 <= at < size:
            at = -at if at < 0 else 2 * (size - 1) - at
        return at
    return OUTSIDE


@dataclass(frozen=True)
class Sliding:
    """The windows of a convolution on one axis: of `size` places, `table` has those that each window reads."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    table: list[list[int]]


def sliding_of(node: Node, nodes: Mapping[str, Node]) -> list[Sliding]:
    """The windows of a convolution on each axis of its image."""
    back = node.kind.startswith("conv_transpose")
    count = int(node.kind[-2])
    image, out = (node.shape, nodes[node.operands[0]].shape) if back else (nodes[node.operands[0]].shape, node.shape)
    options = [
        pair(node.options.get(name, default), count)
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    ]
    mode = node.options.get("padding_mode", "zeros")
    return [
        Sliding(n, k, s, b, d, [[place(q * s + t * d - b, n, mode) for t in range(k)] for q in range(m)])
        for n, m, k, s, b, d in zip(image[1:], out[1:], node.options["kernel"], *options, strict=True)
    ]


def windows_of(node: Node, nodes: Mapping[str, Node]) -> tuple[int, Array] | None:
    """For a convolution: the number of places of its image, and which of them each window reads through each tap."""
    if not node.kind.startswith("conv"):
        return None
    axes = sliding_of(node, nodes)
    sizes = [axis.size for axis in axes]
    return prod(sizes), raveled([axis.table for axis in axes], sizes)


def raveled(tables: Sequence[Sequence[Sequence[int]]], sizes: Sequence[int]) -> Array:
    """The places that windows read, of those of all axes in a row."""
    rows = []
    for windows in product(*tables):
        taps = []
        for places in product(*windows):
            at = 0
            for one, size in zip(places, sizes, strict=True):
                at = OUTSIDE if OUTSIDE in (one, at) else at * size + one
            taps.append(at)
        rows.append(taps)
    return np.array(rows)


def folds_of(table: Array) -> Iterator[tuple[Array, Array]]:
    """The windows at which the same taps read one place: a matrix that picks them, and one that adds such taps up."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for q, row in enumerate(table.tolist()):
        first = tuple(t if p == OUTSIDE else row.index(p) for t, p in enumerate(row))
        alike.setdefault(first, []).append(q)
    for first, windows in alike.items():
        taps = np.zeros((len(first), len(first)))
        for t, onto in enumerate(first):
            taps[onto, t] = 1
        if not np.array_equal(taps, np.eye(len(first))):
            yield np.eye(len(table))[windows], taps


def colourings(size: int) -> Iterator[Array]:
    """What takes tangents of colours to the places of an axis: each has one colour, numbered as they first come."""
    if size > FEW:
        yield from (np.eye(count)[np.arange(size) % count] for count in range(1, size + 1))
        return
    for colours in product(*(range(place + 1) for place in range(size))):
        if all(colour <= max(colours[:place], default=-1) + 1 for place, colour in enumerate(colours)):
            yield np.eye(max(colours) + 1)[list(colours)]


def matrices_of(node: Node, nodes: Mapping[str, Node]) -> Iterator[Array]:
    """The matrix, (out, in), of each axis that a node changes."""
    sizes = nodes[node.operands[0]].shape if node.operands and node.operands[0] in nodes else ()
    match node.kind:
        case "avg_pool1d" | "avg_pool2d" | "sum_pool":
            count = len(sizes) - 1
            kernel = pair(node.arguments[0], count)
            stride = pair(node.options.get("stride", kernel), count)
            padding = pair(node.options.get("padding", 0), count)
            for n, k, s, b in zip(sizes[1:], kernel, stride, padding, strict=True):
                windows = range((n + 2 * b - k) // s + 1)
                yield np.array([[float(0 <= p - q * s + b < k) for p in range(n)] for q in windows])
        case "upsample":
            factors = pair(node.arguments[0], len(sizes) - 1)
            for n, factor in zip(sizes[1:], factors, strict=True):
                yield _linear(n, factor) if node.operands[1] == "linear" else np.repeat(np.eye(n), factor, axis=0)
        case "pad":
            widths = node.arguments[0]
            for n, before, after in zip(sizes[::-1], widths[::2], widths[1::2], strict=False):
                at = [place(p, n, node.operands[1]) for p in range(-before, n + after)]
                yield np.array([[float(p == q) for q in range(n)] for p in at])
        case "slice":
            for n, part in zip(sizes, node.arguments, strict=False):
                yield np.eye(n)[part].reshape(-1, n)
        case "sum" | "mean" | "broadcast" | "maximum" | "formula":
            for n in dict.fromkeys((*sizes, *node.shape)):
                yield np.ones((1, n))


def _linear(n: int, factor: int) -> Array:
    """Interpolation between the middles of places; the outermost go on as they are."""
    matrix = np.zeros((n * factor, n))
    for q in range(n * factor):
        at = min(max((q + 0.5) / factor - 0.5, 0), n - 1)
        low = min(int(at), n - 1)
        high = min(low + 1, n - 1)
        matrix[q, low] += 1 - (at - low)
        matrix[q, high] += at - low
    return matrix


def unfolded(array: Array, table: Array) -> Array:
    """(…, places, channels) → (…, windows, taps · channels)."""
    padded = np.concatenate([array, np.zeros_like(array[..., :1, :])], axis=-2)  # OUTSIDE is its last place
    read = padded[..., table, :]
    return read.reshape(*array.shape[:-2], len(table), -1)


def folded(array: Array, table: Array, places: int) -> Array:
    """(…, windows, taps · channels) → (…, places, channels): each place has the sum of what windows have for it."""
    rows = array.reshape(*array.shape[:-1], table.shape[1], -1)
    result = np.zeros((*array.shape[:-2], places + 1, rows.shape[-1]))
    for q, taps in enumerate(table):
        for t, p in enumerate(taps):
            result[..., p, :] += rows[..., q, t, :]
    return result[..., :-1, :]
