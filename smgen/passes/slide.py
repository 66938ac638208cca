"""Multiplies with what windows read of an image without storing it: windows have many times the numbers of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Final

from smgen.analysis.readers import readers_of
from smgen.analysis.storage import view_roots
from smgen.ir import (
    Buffer,
    Fold,
    Form,
    Layout,
    Op,
    PatchProduct,
    Product,
    Schedule,
    Sliding,
    Transpose,
    Unfold,
    WindowForm,
    WindowProduct,
)

FEWEST_COLUMNS: Final = 8
"""Products with fewer columns are left to functions for short sides: most numbers of a vector would be for nothing."""


def slide(schedule: Schedule) -> Schedule:
    """Make one operation of each `Unfold` and the products that read it, and of each product and the `Fold` of it.

    Images are padded first, once each, so that no window reads outside. Before: any verified schedule without tiles.
    After: no `Unfold` is read by products alone, and no `Fold` reads a product with a matrix, but for short products;
    matrices of patches are turned so that their rows can be read.
    """
    own = _own_arrays(schedule)
    writer = _Writer(_windows(schedule, own), _folds(schedule, own), own)
    sweeps = (tuple(new for op in sweep.ops for new in writer.rewritten(op)) for sweep in schedule.sweeps)
    return schedule.with_sweeps(tuple(sweeps))


def _windows(schedule: Schedule, own: set[str]) -> Mapping[str, Unfold]:
    """The windows that only products read which can do without, by name."""
    unfolds = {op.out.name: op for op in schedule.ops if isinstance(op, Unfold)}
    kept = {b.name for b in schedule.outputs}
    for op in schedule.ops:
        if not (isinstance(op, Product) and _multiplies_windows(op, unfolds, own)):
            kept |= {b.name for b in op.reads}
    return {name: op for name, op in unfolds.items() if name not in kept}


def _multiplies_windows(op: Product, unfolds: Mapping[str, Unfold], own: set[str]) -> bool:
    """Whether all pairs of a product are windows and a matrix, or rows for each window."""
    if op.each_sample or op.form is Form.TIMES_TRANSPOSED or op.out.layout.units[-1] < FEWEST_COLUMNS:
        return False
    lefts = [unfolds.get(left.name) for left, _ in op.pairs]
    alike = {unfold.axes if unfold else () for unfold in lefts}
    return len(alike) == 1 and () not in alike and all(right.name in own for _, right in op.pairs)


def _folds(schedule: Schedule, own: set[str]) -> Mapping[str, tuple[Product, Fold]]:
    """The products that only a fold reads, by name, with the fold."""
    readers = readers_of(schedule)
    results = {b.name for b in schedule.outputs}
    found = {}
    for op in schedule.ops:
        if not isinstance(op, Product) or op.out.name in results or op.each_sample:
            continue
        match readers[op.out.name]:
            case [Fold() as fold] if _has_matrices(op, own):
                found[op.out.name] = op, fold
    return found


def _has_matrices(op: Product, own: set[str]) -> bool:
    """Whether rows are multiplied with matrices, which are to be transposed or are arrays of the schedule's own."""
    transposed = op.form is Form.TIMES_TRANSPOSED
    mine = all(transposed or right.name in own for _, right in op.pairs)
    return mine and op.form is not Form.TRANSPOSED_TIMES and op.out.layout.units[-1] >= FEWEST_COLUMNS


def _own_arrays(schedule: Schedule) -> set[str]:
    """The arrays in the schedule's own memory: vectors may be read there which go beyond the end of a row."""
    roots = view_roots(schedule)
    foreign = {b.name for b in (*schedule.inputs, *schedule.outputs)}
    foreign |= {roots.get(name, name) for name in foreign}
    names = {out.name for op in schedule.ops for out in op.outs}
    return {name for name in names if name not in foreign and roots.get(name, name) not in foreign}


class _Writer:
    """Writes the schedule anew."""

    def __init__(self, windows: Mapping[str, Unfold], folds: Mapping[str, tuple[Product, Fold]], own: set[str]) -> None:
        self.windows, self.folds, self.own = windows, folds, own
        self.folded = {fold.out.name: op for op, fold in folds.values()}
        self.padded: dict[tuple[str, tuple[Sliding, ...]], Buffer] = {}
        self.transposed: dict[str, Buffer] = {}
        self.ops: list[Op] = []

    def rewritten(self, op: Op) -> Iterator[Op]:
        """What stands for an operation."""
        self.ops = []
        match op:
            case Unfold() if op.out.name in self.windows:
                pass
            case Product() if op.out.name in self.folds:
                pass
            case Fold() if op.out.name in self.folded:
                self.fold(self.folded[op.out.name], op)
            case Product() if op.left.name in self.windows:
                self.multiply(op)
            case PatchProduct(form=Form.TIMES_TRANSPOSED, right=right):
                turned = self.transpose(right)
                self.ops.append(replace(op, right=turned, turned=True))
            case PatchProduct(form=Form.TIMES, right=right) if right.name not in self.own:
                copied = self.transpose(self.transpose(right))
                self.ops.append(replace(op, right=copied))
            case _:
                self.ops.append(op)
        yield from self.ops

    def multiply(self, op: Product) -> None:
        """A product with windows."""
        axes = self.windows[op.left.name].axes
        pairs = tuple((self.image(self.windows[left.name].src, axes), right) for left, right in op.pairs)
        self.ops.append(WindowProduct(out=op.out, pairs=pairs, form=WindowForm[op.form.name], axes=_padded(axes)))

    def fold(self, op: Product, fold: Fold) -> None:
        """A product whose rows are added to the places of their windows."""
        out, axes = fold.out, _padded(fold.axes)
        image = out
        if axes != fold.axes:
            layout = replace(out.layout, places=prod(axis.size for axis in axes))
            name = out.part("all_places")
            image = Buffer(name.code, layout, role=name.role)
        pairs = op.pairs if op.form is Form.TIMES else tuple((a, self.transpose(b)) for a, b in op.pairs)
        self.ops.append(WindowProduct(out=image, pairs=pairs, form=WindowForm.FOLDED, axes=axes))
        if image is not out:
            self.ops.append(Fold(out, image, _places(fold.axes)))

    def image(self, src: Buffer, axes: tuple[Sliding, ...]) -> Buffer:
        """An image with all places that windows read."""
        if axes == _padded(axes):
            return src
        key = src.name, _places(axes)
        if key not in self.padded:
            count = sum(name == src.name for name, _ in self.padded)
            name = src.part(f"padded{count + 1 if count else ''}")
            layout = replace(src.layout, places=prod(axis.size for axis in _padded(axes)))
            self.padded[key] = Buffer(name.code, layout, role=name.role)
            self.ops.append(Unfold(self.padded[key], src, _places(axes)))
        return self.padded[key]

    def transpose(self, matrix: Buffer) -> Buffer:
        """The transposed matrix."""
        if matrix.name not in self.transposed:
            name = matrix.part("transposed")
            self.transposed[matrix.name] = Buffer(name.code, Layout.of(matrix.shape[::-1]), role=name.role)
            self.ops.append(Transpose(self.transposed[matrix.name], matrix))
        return self.transposed[matrix.name]


def _places(axes: tuple[Sliding, ...]) -> tuple[Sliding, ...]:
    """A window for each padded place."""
    return tuple(replace(axis, kernel=1, stride=1, dilation=1) for axis in axes)


def _padded(axes: tuple[Sliding, ...]) -> tuple[Sliding, ...]:
    return tuple(axis.padded for axis in axes)
