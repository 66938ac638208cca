"""Moves as NumPy: windows over an image, constant matrices along an axis, axes in another order."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from smgen.ir import Along, Fold, Greatest, Mix, Permute, Sliding, Unfold
from smgen.ir.axes import padding_of
from smgen.targets.source import WIDTH

DENSE: Final = 2**20
"""A matrix of more numbers is not made: its entries are added one after the other."""


class MoveConstants:
    """The windows and matrices of a module, each with a name."""

    def __init__(self) -> None:
        self._windows: dict[tuple[tuple[Sliding, ...], int], str] = {}
        self._matrices: dict[Along, str] = {}
        self._sparse: dict[Along, str] = {}

    def unfold(self, op: Unfold, target: str) -> str:
        """What windows read."""
        return f"{op.out.name} = {self._named(op.axes, op.src.layout.units[-1])}.unfold({op.src.name}, {target})"

    def fold(self, op: Fold, target: str) -> str:
        """The sum of what windows have of each place."""
        return f"{op.out.name} = {self._named(op.axes, op.out.layout.units[-1])}.fold({op.src.name}, {target})"

    def permute(self, op: Permute, target: str) -> Iterator[str]:
        """A copy with the axes in another order."""
        sizes = ", ".join(map(str, (-1, *op.sizes)))
        order = ", ".join(map(str, (0, *(axis + 1 for axis in op.order))))
        wanted = ", ".join(map(str, (-1, *(op.sizes[axis] for axis in op.order))))
        yield f"{op.out.name} = {target}"
        yield f"{op.out.name}.reshape({wanted})[...] = {op.src.name}.reshape({sizes}).transpose({order})"

    def greatest(self, op: Greatest, target: str) -> Iterator[str]:
        """The greatest number on an axis."""
        yield f"{op.out.name} = {target}"
        axis = f"{op.src.name}.reshape(-1, {op.count}, {op.after})"
        yield f"np.amax({axis}, axis=1, out={op.out.name}.reshape(-1, {op.after}))"

    def mix(self, op: Mix, target: str) -> Iterator[str]:
        """A matrix times an axis."""
        rows, columns, after = len(op.matrix.rows), op.matrix.columns, op.after
        source = f"{op.src.name}.reshape(-1, {columns}, {after})"
        yield f"{op.out.name} = {target}"
        result = f"{op.out.name}.reshape(-1, {rows}, {after})"
        if op.matrix.is_total:
            yield f"np.sum({source}, axis=1, out={op.out.name}.reshape(-1, {after}))"
        elif op.matrix.transposed.is_total:
            yield f"{result}[...] = {source}"
        elif op.matrix.picks is not None and (index := _slice(op.matrix.picks)):
            yield f"{result}[...] = {source}[:, {index}]"
        elif op.matrix.transposed.picks is not None and (index := _slice(op.matrix.transposed.picks)):
            yield f"{op.out.name}[...] = 0"
            yield f"{result}[:, {index}] = {source}"
        elif rows * columns > DENSE:
            yield f"_mix({self._entries(op.matrix)}, {source}, {result})"
        elif after == 1:
            yield (
                f"np.matmul({op.src.name}.reshape(-1, {columns}), {self._matrix(op.matrix)}.T, "
                f"out={op.out.name}.reshape(-1, {rows}))"
            )
        else:
            yield f"np.matmul({self._matrix(op.matrix)}, {source}, out={result})"

    def _named(self, axes: tuple[Sliding, ...], channels: int) -> str:
        key = axes, channels
        return self._windows.setdefault(key, f"_windows_{len(self._windows) + 1}")

    def _matrix(self, matrix: Along) -> str:
        return self._matrices.setdefault(matrix, f"_axis_{len(self._matrices) + 1}")

    def _entries(self, matrix: Along) -> str:
        return self._sparse.setdefault(matrix, f"_entries_{len(self._sparse) + 1}")

    @property
    def has_windows(self) -> bool:
        """Whether there are windows."""
        return bool(self._windows)

    @property
    def has_matrices(self) -> bool:
        """Whether there are matrices."""
        return bool(self._matrices)

    @property
    def has_entries(self) -> bool:
        """Whether there are matrices of which only entries are known."""
        return bool(self._sparse)

    def lines(self) -> Iterator[str]:
        """The statements that make them."""
        for (axes, channels), name in self._windows.items():
            each = {
                field: ", ".join(str(getattr(axis, field)) for axis in axes) + "," * (len(axes) == 1)
                for field in ("size", "kernel", "stride", "dilation", "before", "count")
            }
            arguments = ", ".join(f"{field}=({text})" for field, text in each.items())
            text = f'{name} = _Windows({arguments}, padding="{padding_of(axes)}", channels={channels})'
            yield from _wrapped(text)
        for matrix, name in self._matrices.items():
            rows = [q for q, row in enumerate(matrix.rows) for _ in row]
            columns = [p for row in matrix.rows for p, _ in row]
            factors = [float(factor) for row in matrix.rows for _, factor in row]
            text = repr(factors) if len(set(factors)) > 1 else repr(factors[0])
            shape = f"({len(matrix.rows)}, {matrix.columns})"
            yield from _wrapped(f"{name} = _matrix({shape}, {rows}, {columns}, {text})")
        for matrix, name in self._sparse.items():
            lists = (_nth_entries(matrix, k) for k in range(max(map(len, matrix.rows))))
            yield from _wrapped(f"{name} = _entries({', '.join(lists)})")


def _nth_entries(matrix: Along, k: int) -> str:
    """Entry k of all rows that have so many: their rows, columns and factors."""
    entries = [(q, *row[k]) for q, row in enumerate(matrix.rows) if len(row) > k]
    return f"({[q for q, _, _ in entries]}, {[p for _, p, _ in entries]}, {[float(f) for _, _, f in entries]})"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False)


def _slice(places: tuple[int, ...]) -> str:
    """Places as a slice; nothing if they are not evenly spaced forwards."""
    if len(places) == 1:
        return f"{places[0]}:{places[0] + 1}"
    step = places[1] - places[0]
    if step < 1 or places != tuple(range(places[0], places[-1] + 1, step)):
        return ""
    return f"{places[0]}:{places[-1] + 1}{f':{step}' if step > 1 else ''}"
