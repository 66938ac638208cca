"""What operators do to the arrays of tensors: the facts of nodes that an equation alone does not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from math import prod

import numpy as np

from tests.equations.along import colourings, folded, folds_of, matrices_of, unfolded, windows_of
from tests.equations.nodes import Node, mentioned
from tests.equations.patches import Patches, arranged_by_fields
from tests.equations.values import Array, NoReadingError, Value


class Tensors:
    """A network's nodes, and the shapes of its parameters by their keys."""

    def __init__(self, nodes: Mapping[str, Node], parameters: Mapping[str, tuple[int, ...]]) -> None:
        self.shapes = {name: node.shape for name, node in nodes.items()} | dict(parameters)
        self.nodes = {
            name: replace(node, options={**node.options, "kernel": self.shapes[node.operands[1]][2:]})
            if node.kind.startswith("conv")
            else node
            for name, node in nodes.items()
        }
        self.blocks = sorted({prod(node.shape[:-2]) for node in nodes.values() if node.kind == "matmul"})
        self.any = any(len(node.shape) > 1 for node in nodes.values())
        self.patches = Patches(self.nodes)
        self.tables = {
            name: windows for name, node in self.nodes.items() if (windows := windows_of(node, self.nodes)) is not None
        }

    def forms(self, key: str, array: Array) -> Iterator[Value]:
        """A parameter as the matrix that convolutions multiply windows with, (taps · channels, out)."""
        for node in self.nodes.values():
            if node.name in self.tables and node.operands[1] == key:
                out, channels, *kernel = array.shape
                matrix = np.moveaxis(array.reshape(out, channels, prod(kernel)), (0, 1), (2, 1))
                yield Value(matrix.reshape(-1, out), "uw")

    @staticmethod
    def probes(array: Array, shape: tuple[int, ...]) -> Iterator[Value]:
        """Probes, a row of numbers each: as they are, and as tensors whose units are the last axis or the first."""
        yield Value(array, "ncu")
        if len(shape) > 1:
            samples, count, _ = array.shape
            yield Value(array.reshape(samples, count, -1, shape[-1]), "ncpu")
            yield Value(array.reshape(samples, count, shape[0], -1).swapaxes(-1, -2), "ncpu")

    def other_axes(self, letter: str, values: Sequence[Value]) -> Iterator[Value]:
        """Values that are the same for all samples, with two axes: a tensor's, or those of a matrix that multiplies."""
        if self.any and letter[0] != "W":
            yield from (_tensor(value) for value in values if value.axes == "uw")
            yield from (value.renamed(u="w", p="u") for value in values if value.axes == "pu")

    def products(self, a: Value, a_turned: bool, b: Value, b_turned: bool) -> list[Value]:
        """[A] [B] for matrices one below the other, as many as a `matmul` of the network has."""
        a, b = _tensor(a), _tensor(b)
        if "p" not in a.axes or "p" not in b.axes or "w" in a.axes + b.axes:
            raise NoReadingError("no matrices of a sample")
        results = []
        for count in self.blocks:
            left, right = _blocks(a, count, a_turned), _blocks(b, count, b_turned)
            if left is None or right is None or left.shape[-1] != right.shape[-2]:
                continue
            product = left @ right
            axes = "".join(axis for axis in "ncpu" if axis in a.axes + b.axes)
            shape = (*product.shape[:2], -1, product.shape[-1])
            kept = tuple(k for k, axis in enumerate("ncpu") if axis not in axes)
            results.append(Value(product.reshape(shape).squeeze(kept), axes))
        return results

    def results(self, operator: str, value: Value, context: str) -> Iterator[Value]:
        """What an operator makes of a value, for each node that an equation mentions and each axis."""
        nodes = mentioned(context, self.nodes)
        tables = [self.tables[node.name] for node in nodes if node.name in self.tables]
        if operator in ("windows", "fold"):
            yield from _windowed(operator, value, tables)
            yield from (self.patches.windows if operator == "windows" else self.patches.fold)(value, nodes)
        elif operator == "patches":
            yield from self.patches.patches(value, nodes)
        elif operator == "max":
            for count in dict.fromkeys(size for node in nodes for size in node.shape):
                yield from _along(value, count, None)
        else:
            if "identity" in context and value.axes == "uw":
                value = value.renamed(u="c", w="u")
            for matrix in self.matrices(operator, nodes, has_colours="identity" in context):
                yield from _along(value, matrix.shape[1], matrix)

    def matrices(self, operator: str, nodes: Sequence[Node], *, has_colours: bool) -> list[Array]:
        """Those of nodes that are a sum, a pick or a mix, with their transposes and their squares."""
        matrices = [matrix for node in nodes for matrix in matrices_of(node, self.nodes)]
        folds = [fold for node in nodes if node.name in self.tables for fold in folds_of(self.tables[node.name][1])]
        matrices += [matrix for fold in folds for matrix in fold]
        if has_colours:
            matrices += [matrix for size in dict.fromkeys(self.nodes["x"].shape) for matrix in colourings(size)]
        different: dict[tuple[tuple[int, ...], bytes], Array] = {}
        for one in matrices:
            for matrix in (one, one.T, one**2, one.T**2):
                if _is_called(operator, matrix):
                    different.setdefault((matrix.shape, matrix.tobytes()), matrix)
        return list(different.values())


def _windowed(operator: str, value: Value, tables: Sequence[tuple[int, Array]]) -> Iterator[Value]:
    """What the windows of each convolution read, or the sums of what they have."""
    for places, table in tables if value.axes.endswith("pu") else ():
        rows, units = value.array.shape[-2:]
        if operator == "windows" and rows == places:
            yield Value(unfolded(value.array, table), value.axes)
        if operator == "fold" and rows == len(table) and units % table.shape[1] == 0:
            yield Value(folded(value.array, table, places), value.axes)


def _tensor(value: Value) -> Value:
    """A matrix as a tensor that is the same for all samples."""
    return value.renamed(u="p", w="u") if value.axes == "uw" else value


def _is_called(operator: str, matrix: Array) -> bool:
    """sum: all of an axis; pick: one place for each; mix: all others."""
    is_sum = matrix.shape[0] == 1 and bool((matrix == 1).all())
    is_pick = bool(((matrix == 0) | (matrix == 1)).all() and (matrix.sum(1) == 1).all())
    return operator == ("sum" if is_sum else "pick" if is_pick else "mix")


def _blocks(value: Value, count: int, turned: bool) -> Array | None:
    """(n, c, blocks, rows, columns), with axes of one sample and tangent where it has none."""
    array = value.spread("ncpu")
    n, c, rows, columns = array.shape
    if rows % count:
        return None
    blocks = array.reshape(n, c, count, rows // count, columns)
    return blocks.swapaxes(-1, -2) if turned else blocks


def _along(value: Value, size: int, matrix: Array | None) -> Iterator[Value]:
    """A matrix, or the maximum, along an axis of this size of a sample's numbers, wherever it is in memory."""
    outer = [axis for axis in value.axes if axis in "nc"]
    inner = value.axes[len(outer) :]
    rows, numbers = value.array.shape[: len(outer)], prod(value.array.shape[len(outer) :])
    units = value.array.shape[-1] if inner else 1
    for after in range(1, numbers // size + 1):
        if numbers % (size * after):
            continue
        split = value.array.reshape(*rows, -1, size, after)
        result = split.max(-2) if matrix is None else np.einsum("...ia,oi->...oa", split, matrix)
        total = prod(result.shape[len(rows) :])
        columns = (
            units if after % units == 0 else total // (numbers // units) if after == 1 and size == units else total
        )
        if inner == "uw" and total == numbers:
            yield Value(result.reshape(value.array.shape), value.axes)
        elif inner != "uw":
            yield Value(result.reshape(*rows, total // columns, columns), "".join(outer) + "pu")


def arranged(value: Value, axes: str, shape: tuple[int, ...], shapes: Sequence[tuple[int, ...]]) -> Iterator[Array]:
    """The numbers of a value in an array of this shape: as they lie, repeated along an axis, or with axes exchanged."""
    if value.axes == "uw" and "c" in axes:
        value = value.renamed(u="c", w="u")
    yield from arranged_by_fields(value, axes, shape)
    outer = [axis for axis in axes if axis in "nc"]
    if ("c" in axes) != ("c" in value.axes) or ("n" in value.axes and "n" not in axes):
        return
    rows = shape[: len(outer)]
    own = [axis for axis in value.axes if axis not in outer]
    source = value.spread("".join(outer) + "".join(own))
    numbers, wanted = prod(source.shape[len(outer) :]), prod(shape[len(outer) :])
    if not all(size in (1, row) for size, row in zip(source.shape, rows, strict=False)):
        return
    source = np.broadcast_to(source.reshape(*source.shape[: len(outer)], numbers), (*rows, numbers))
    if numbers == wanted:
        yield source.reshape(shape)
        for sizes in shapes:
            if prod(sizes) == numbers:
                yield from (turned.reshape(shape) for turned in _turned(source, sizes))
    elif numbers and wanted % numbers == 0:
        for after in range(1, numbers + 1):
            if numbers % after == 0:
                spread = np.repeat(source.reshape(*rows, -1, 1, after), wanted // numbers, axis=-2)
                yield spread.reshape(shape)


def _turned(source: Array, sizes: tuple[int, ...]) -> Iterator[Array]:
    """The axes of a sample, in each order, taken to each other one."""
    first = source.ndim - 1
    for order in permutations(range(len(sizes))):
        split = source.reshape(*source.shape[:-1], *(sizes[k] for k in order))
        for other in permutations(range(len(sizes))):
            if other != tuple(range(len(sizes))):
                yield split.transpose(*range(first), *(first + k for k in other))
