"""Moves on the GPU: calls of the module's helpers, and the tables of windows and matrices that they read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from smgen.errors import BuildError
from smgen.ir import Along, EachProduct, Fold, Form, Greatest, Mix, Permute, Sliding, Unfold
from smgen.ir.axes import padding_of
from smgen.targets.axes import shortest
from smgen.targets.source import WIDTH

AXES: Final = 6
"""The axes that a permutation can have, where neighbours that stay together count as one."""


IMAGE_AXES: Final = 3
"""The axes of images in kernels: those that an image does not have are of one place."""


class MoveTables:
    """The windows and matrices of a module, each with a name."""

    def __init__(self) -> None:
        self.windows: dict[tuple[tuple[Sliding, ...], int], str] = {}
        self.matrices: dict[Along, str] = {}
        self.permutes = self.maxima = self.multiplies = False

    def permute(self, op: Permute, target: str) -> str:
        """A copy with the axes of a sample in another order. Raises `BuildError` for too many."""
        sizes, steps = shortest(op.sizes, op.order)
        if len(sizes) > AXES:
            raise BuildError(
                what=f"a permutation of {len(sizes)} axes", hint=f"the CUDA backend has at most {AXES} that come apart"
            )
        self.permutes = True
        more = [1] * (AXES - len(sizes))
        numbers = ", ".join(map(str, [*more, *sizes, *more, *steps]))
        return f'_moved("permute", {op.src.name}, {target}, {numbers})'

    def mix(self, op: Mix, target: str) -> str:
        """A constant matrix times an axis."""
        name = self.matrices.setdefault(op.matrix, f"along_{len(self.matrices) + 1}")
        return f'_along("{name}", {op.src.name}, {target}, {op.after})'

    def greatest(self, op: Greatest, target: str) -> str:
        """The greatest number on an axis."""
        self.maxima = True
        return f'_moved("greatest", {op.src.name}, {target}, {op.count}, {op.after})'

    def each_product(self, op: EachProduct, target: str) -> str:
        """Products of the matrices of each sample."""
        self.multiplies = True
        numbers = [op.out.tangents or 1, op.blocks, *op.sizes]
        rows, columns, summed = op.sizes
        for b, turned, sizes in (
            (op.left, op.form is Form.TRANSPOSED_TIMES, (rows, summed)),
            (op.right, op.form is Form.TIMES_TRANSPOSED, (summed, columns)),
        ):
            each = b.layout.count if (b.tangents or 1) > 1 else 0
            numbers += [b.layout.count * (b.tangents or 1) if b.batched else 0, each]
            numbers += [1, sizes[0]] if turned else [sizes[1], 1]
        arguments = ", ".join([op.right.name, *map(str, numbers)])
        return f'_moved("each_product", {op.left.name}, {target}, {arguments})'

    def unfold(self, op: Unfold, target: str) -> str:
        """What windows read."""
        name = self._named(op.axes, op.src.layout.units[-1])
        return f'_moved("read_windows", {op.src.name}, {target}, *_WINDOWS["{name}"])'

    def fold(self, op: Fold, target: str) -> str:
        """The sums of what windows have."""
        name = self._named(op.axes, op.out.layout.units[-1])
        return f'_moved("add_windows", {op.src.name}, {target}, *_WINDOWS["{name}"])'

    def _named(self, axes: tuple[Sliding, ...], channels: int) -> str:
        return self.windows.setdefault((axes, channels), f"windows_{len(self.windows) + 1}")

    def window_lines(self) -> Iterator[str]:
        """The entries of the table of windows."""
        for (axes, channels), name in self.windows.items():
            every = (*(Sliding(size=1, kernel=1) for _ in range(IMAGE_AXES - len(axes))), *axes)
            fields = ("size", "kernel", "stride", "dilation", "before", "after", "count")
            numbers = [getattr(axis, field) for field in fields for axis in every]
            padding = padding_of(axes)
            kind = ("zeros", "reflect", "replicate", "circular").index(padding)
            yield f'"{name}": ({", ".join(map(str, [*numbers, channels, kind]))}),'

    def matrix_lines(self) -> Iterator[str]:
        """The entries of the table of matrices."""
        for matrix, name in self.matrices.items():
            rows = ", ".join(f"[{', '.join(f'({p}, {float(f)!r})' for p, f in row)}]" for row in matrix.rows)
            text = f'"{name}": ({len(matrix.rows)}, {matrix.columns}, [{rows}]),'
            yield from textwrap.wrap(text, WIDTH - 4, subsequent_indent="    ", break_long_words=False)
