"""Convolution as a linear map in a schedule: products with what windows read ([+] 11).

Values are rows of channels, one a place. With W, (taps · in, out), A is a product with W after `unfolded`, and Aᵀ is a
product with Wᵀ before `folded`. Where no window reads a place twice, A ∘ A is the same map with W ∘ W.

Otherwise taps *fold* at some windows: they read one place, and their coefficients must be added before they are
squared. Windows whose taps fold alike are a class k. W_k has the sum of these taps in the place of the first one, so

    (A ∘ A) v = W ∘ W applied to all windows, plus W_k ∘ W_k − W ∘ W applied to the windows of each class k.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod

import numpy as np
import sympy as sp

from smgen.ir import Along, Emitter, Layout, Name, Sliding
from smgen.ir.rearrange import folded, mixed, unfolded


@dataclass(frozen=True, slots=True)
class WindowsMap:
    """v ↦ A v for a matrix W, (taps · in, out)."""

    weight: sp.Expr
    axes: tuple[Sliding, ...]
    channels: int

    @property
    def windows(self) -> int:
        """The number of windows."""
        return prod(axis.count for axis in self.axes)

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        if value == 0:
            return value
        return e.backward(self.read(e, value, name), e.buffer(self.weight), name, number)

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        if value == 0:
            return value
        part = name if all(axis.is_plain for axis in self.axes) else name.part("windows")
        back = e.forward(value, e.buffer(self.weight), part, number)
        return folded(e, back, self.axes, self.channels, name, number)

    def read(self, e: Emitter, value: sp.Expr, name: Name) -> sp.Expr:
        """What the windows read."""
        return unfolded(e, value, self.axes, self.channels, name.part("windows"))

    def squared(self, e: Emitter) -> SquaredWindows:
        return squared(e, e.square(e.buffer(self.weight)).symbol, self)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        if left == 0 or right == 0:
            return (sp.S.Zero,)
        return (e.outer_sum(self.read(e, right, name), left, name, self.windows),)


@dataclass(frozen=True, slots=True)
class FoldClass:
    """Windows whose taps fold alike: those `picked` of all, how taps are added, W_k, and W_k ∘ W_k − W ∘ W."""

    picked: Along
    taps: Along
    weight: sp.Expr
    change: sp.Expr


@dataclass(frozen=True, slots=True)
class SquaredWindows(WindowsMap):
    """v ↦ (A ∘ A) v. `weight` is W ∘ W, and `root` is W."""

    root: sp.Expr = sp.S.Zero
    classes: tuple[FoldClass, ...] = ()

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        if value == 0 or not self.classes:
            return WindowsMap.forward(self, e, value, name, number)
        read = self.read(e, value, name)
        total = e.backward(read, e.buffer(self.weight), name.part("unfolded"), number)
        for k, fold in enumerate(self.classes, start=1):
            part = name.part(f"class_{k}")
            own = self._picked(e, read, fold, part)
            change = e.backward(own, e.buffer(fold.change), part.part("product"))
            total += self._along(e, change, fold.picked.transposed, part)
        return total

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        if value == 0 or not self.classes:
            return WindowsMap.backward(self, e, value, name, number)
        total = e.forward(value, e.buffer(self.weight), name.part("unfolded"), number)
        for k, fold in enumerate(self.classes, start=1):
            part = name.part(f"class_{k}")
            own = self._picked(e, value, fold, part)
            change = e.forward(own, e.buffer(fold.change), part.part("product"))
            total += self._along(e, change, fold.picked.transposed, part)
        return folded(e, total, self.axes, self.channels, name, number)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        if left == 0 or right == 0:
            return (sp.S.Zero,)
        read = self.read(e, right, name)
        total = 2 * self.root * e.outer_sum(read, left, name, self.windows)
        for k, fold in enumerate(self.classes, start=1):
            part = name.part(f"class_{k}")
            own = [self._picked(e, v, fold, part.part(side)) for side, v in (("read", read), ("left", left))]
            outer = e.outer_sum(own[0], own[1], part.part("outer"), len(fold.picked.rows))
            layout = e.buffer(self.root).layout
            summed = mixed(e, 2 * fold.weight * outer, fold.taps.transposed, self._after(e), layout, layout, part)
            total += summed - 2 * self.root * outer
        return (total,)

    def _after(self, e: Emitter) -> int:
        """The numbers from a tap to the next in W."""
        return self.channels * e.buffer(self.root).layout.units[-1]

    def _picked(self, e: Emitter, value: sp.Expr, fold: FoldClass, name: Name) -> sp.Expr:
        """The rows of the windows of a class."""
        if e.layout(value).places is None:
            return value  # the same for all windows
        return self._along(e, value, fold.picked, name.part("picked"))

    @staticmethod
    def _along(e: Emitter, value: sp.Expr, matrix: Along, name: Name) -> sp.Expr:
        units = e.layout(value).units[-1]
        old, new = (Layout(places=count, units=(units,)) for count in (matrix.columns, len(matrix.rows)))
        return mixed(e, value, matrix, units, old, new, name)


def squared(e: Emitter, weight: sp.Expr, root: WindowsMap) -> SquaredWindows:
    """The map A ∘ A of a map A, where `weight` is W ∘ W."""
    matrix, classes = e.buffer(root.weight), []
    for k, (picked, taps) in enumerate(fold_classes(root.axes), start=1):
        name, layout = matrix.part(f"class_{k}"), matrix.layout
        after = root.channels * layout.units[-1]
        summed = mixed(e, matrix.symbol, taps, after, layout, layout, name)
        change = e.in_buffer(summed**2 - weight, name.part("change"))
        classes.append(FoldClass(picked, taps, summed, change))
    return SquaredWindows(weight, root.axes, root.channels, root.weight, tuple(classes))


def fold_classes(axes: tuple[Sliding, ...]) -> Iterator[tuple[Along, Along]]:
    """The classes of windows at which taps fold: the windows of each, and the matrix that adds taps to the first."""
    each = [list(_classes_along(axis)) for axis in axes]
    for combination in product(*each):
        windows = reduce(np.kron, [_indicator(q, axis.count) for (q, _), axis in zip(combination, axes, strict=True)])
        taps = reduce(np.kron, [matrix for _, matrix in combination])
        if not np.array_equal(taps, np.eye(len(taps))):
            rows = [[(int(s), 1) for s in np.flatnonzero(row)] for row in taps]
            yield Along.picked(windows.size, np.flatnonzero(windows).tolist()), Along.of(len(taps), rows)


def _classes_along(axis: Sliding) -> Iterator[tuple[list[int], np.ndarray]]:
    """The windows along one axis that fold alike, and the matrix that adds their taps."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for q, row in enumerate(axis.table.tolist()):
        first = tuple(row.index(place) if place >= 0 else tap for tap, place in enumerate(row))
        alike.setdefault(first, []).append(q)
    for first, windows in alike.items():
        matrix = np.zeros((axis.kernel, axis.kernel))
        matrix[list(first), range(axis.kernel)] = 1
        yield windows, matrix


def _indicator(places: list[int], size: int) -> np.ndarray:
    indicator = np.zeros(size)
    indicator[places] = 1
    return indicator
