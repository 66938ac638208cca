"""Moves in C: calls of the runtime's functions, and the tables of windows and matrices that they read."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Final

import sympy as sp

from smgen.ir import (
    Along,
    Buffer,
    EachProduct,
    Fold,
    Form,
    Greatest,
    Mix,
    Patches,
    Permute,
    Phase,
    Sliding,
    Unfold,
)
from smgen.ir.axes import padding_of
from smgen.targets.axes import shortest
from smgen.targets.dialect import C
from smgen.targets.expressions import CPrinter
from smgen.targets.source import WIDTH

AXES: Final = 3
"""The axes of images in C: those that an image does not have are of one place."""


class MoveTables:
    """The windows and matrices of a module, each with a name."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.windows: dict[tuple[tuple[Sliding, ...], int], str] = {}
        self.patches: dict[Patches, str] = {}
        self.matrices: dict[Along, str] = {}

    def of_windows(self, axes: tuple[Sliding, ...], channels: int) -> str:
        """The name of windows over an image of so many channels."""
        word = "padding" if all(axis.kernel == 1 for axis in axes) else "windows"
        number = sum(name.startswith(word) for name in self.windows.values()) + 1
        return self.windows.setdefault((axes, channels), f"{word}_{number}")

    def of_patches(self, patches: Patches) -> str:
        """The name of patches; their windows are over images of one channel."""
        self.of_windows(patches.windows, 1)
        return self.patches.setdefault(patches, f"patches_{len(self.patches) + 1}")

    def of_matrix(self, matrix: Along) -> str:
        """The name of a matrix."""
        return self.matrices.setdefault(matrix, f"along_{len(self.matrices) + 1}")

    def lines(self) -> Iterator[str]:
        """The declarations."""
        for (axes, channels), name in self.windows.items():
            names = ("size", "kernel", "stride", "dilation", "before", "count")
            fields = [f".{field} = {_of_axes(axes, field)}" for field in names]
            padding = padding_of(axes)
            text = ", ".join([*fields, f".channels = {channels}", f".padding = {padding.upper()}"])
            yield from _wrapped(f"static const windows {name} = {{{text}}};")
        for patches, name in self.patches.items():
            fields = [f".field = {_of_axes(patches.fields, 'kernel')}", f".step = {_of_axes(patches.writes, 'stride')}"]
            fields += [f".above = {_of_axes(patches.writes, 'size')}", f".channels = {patches.channels}"]
            text = f".w = &{self.of_windows(patches.windows, 1)}, {', '.join(fields)}"
            yield from _wrapped(f"static const patches {name} = {{{text}}};")
        c = CPrinter(self.dtype, C)
        for matrix, name in self.matrices.items():
            ends = [0]
            for row in matrix.rows:
                ends.append(ends[-1] + len(row))
            columns = ", ".join(str(p) for row in matrix.rows for p, _ in row)
            factors = ", ".join(c.literal(sp.Rational(f)) for row in matrix.rows for _, f in row)
            lists = f"(const long[]){{{', '.join(map(str, ends))}}}, (const long[]){{{columns}}}"
            sizes = f"{len(matrix.rows)}, {matrix.columns}"
            yield from _wrapped(f"static const along {name} = {{{sizes}, {lists}, (const real[]){{{factors}}}}};")


class MoveCalls:
    """Prints the calls of one phase."""

    def __init__(self, tables: MoveTables, phase: Phase, call: Callable[..., str]) -> None:
        self.tables, self.call = tables, call
        self.team = "mine" if phase == "tile" else "all"

    def permute(self, op: Permute) -> str:
        """A copy with the axes of a sample in another order."""
        sizes, steps = shortest(op.sizes, op.order)
        lists = [f"(const long[]){{{', '.join(map(str, numbers))}}}" for numbers in (sizes, steps)]
        return self.call("permute", self.team, blocks(op.out), len(sizes), *lists, op.src.name, op.out.name)

    def mix(self, op: Mix) -> str:
        """A constant matrix times an axis."""
        matrix, after = op.matrix, op.after
        outer = _outer(op.out, op.src.layout.count // (matrix.columns * after))
        arrays = f"{after}, {op.src.name}, {op.out.name}"
        if matrix.is_total:
            return self.call("sum_axis", self.team, outer, matrix.columns, arrays)
        if matrix.transposed.is_total:
            return self.call("repeat_axis", self.team, outer, len(matrix.rows), arrays)
        sizes = f"{len(matrix.rows)}, {matrix.columns}"
        if even := _evenly(matrix.picks):
            return self.call("pick_axis", self.team, outer, sizes, *even, arrays)
        if even := _evenly(matrix.transposed.picks):
            return self.call("put_axis", self.team, outer, sizes, *even, arrays)
        return self.call("mix_axis", self.team, outer, f"&{self.tables.of_matrix(matrix)}", arrays)

    def greatest(self, op: Greatest) -> str:
        """The greatest number on an axis."""
        outer = _outer(op.out, op.out.layout.count // op.after)
        return self.call("greatest", self.team, outer, op.count, op.after, op.src.name, op.out.name)

    def each_product(self, op: EachProduct) -> str:
        """Products of the matrices of each sample."""
        tangents, sizes = op.out.tangents or 1, ", ".join(map(str, op.sizes))
        operands = []
        for b, turned in ((op.left, Form.TRANSPOSED_TIMES), (op.right, Form.TIMES_TRANSPOSED)):
            each = b.layout.count if (b.tangents or 1) > 1 else 0
            sample = b.layout.count * (b.tangents or 1) if b.batched else 0
            operands.append(f"{b.name}, {sample}, {each}, {int(op.form is turned)}")
        samples = "at->rows" if op.out.batched else "1"
        return self.call("each_product", self.team, samples, tangents, op.blocks, sizes, *operands, op.out.name)

    def unfold(self, op: Unfold) -> str:
        """What windows read."""
        windows = self.tables.of_windows(op.axes, op.src.layout.units[-1])
        return self.call("read_windows", self.team, blocks(op.out), f"&{windows}", op.src.name, op.out.name)

    def fold(self, op: Fold) -> str:
        """The sums of what windows have."""
        windows = self.tables.of_windows(op.axes, op.out.layout.units[-1])
        return self.call("add_windows", self.team, blocks(op.out), f"&{windows}", op.src.name, op.out.name)


def _of_axes(axes: tuple[Sliding, ...], field: str) -> str:
    """A number of each axis, and 1 for those that an image does not have."""
    every = (*(Sliding(size=1, kernel=1) for _ in range(AXES - len(axes))), *axes)
    return f"{{{', '.join(str(getattr(axis, field)) for axis in every)}}}"


def blocks(b: Buffer) -> str:
    """How many images an array has: one for each sample and tangent."""
    tangents = [str(b.tangents)] if b.tangents not in (None, 1) else []
    return " * ".join([*["at->rows"] * b.batched, *tangents]) or "1"


def _outer(b: Buffer, before: int) -> str:
    """How often an axis comes: so many times in each image."""
    return f"{blocks(b)} * {before}" if before > 1 else blocks(b)


def _evenly(places: tuple[int, ...] | None) -> tuple[int, int] | None:
    """The first place and the distance of the next, if places are evenly spaced forwards."""
    if places is None:
        return None
    step = places[1] - places[0] if len(places) > 1 else 1
    even = step > 0 and all(place == places[0] + n * step for n, place in enumerate(places))
    return (places[0], step) if even else None


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False)
