"""Writes moves into sweeps: the numbers of a sample in other axes, windows over an image, and sums along an axis."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import sympy as sp

from smgen.ir.axes import Along, Sliding
from smgen.ir.buffers import Buffer, Layout, Name
from smgen.ir.emitter import Emitter
from smgen.ir.moves import Fold, Mix, Permute, Unfold


def filled(e: Emitter, value: sp.Expr, layout: Layout, name: Name) -> Buffer:
    """The buffer of a value in all places and units of a layout; its batch and tangents are the value's own."""
    own = e.layout(value)
    full = replace(layout, batch=own.batch, tangents=own.tangents)
    if value.is_Symbol and own == full:
        return e.buffer(value)
    return e.result(name.part("arg"), full, value)


def reshaped(e: Emitter, value: sp.Expr, old: Layout, new: Layout, name: Name, number: str = "") -> sp.Expr:
    """The same numbers in other places and units, without a copy."""
    if e.is_constant(value):
        return value
    src = filled(e, value, old, name)
    layout = replace(new, batch=src.batched, tangents=src.tangents)
    if src.layout == layout:
        return src.symbol
    return e.reshape(e.new(name, layout), src, number)


def permuted(
    e: Emitter, value: sp.Expr, old: Layout, new: Layout, sizes: tuple[int, ...], order: tuple[int, ...], name: Name
) -> sp.Expr:
    """The axes of a sample, of these sizes, in another order."""
    if e.is_constant(value):
        return value
    if [axis for axis in order if sizes[axis] > 1] == [axis for axis, size in enumerate(sizes) if size > 1]:
        return reshaped(e, value, old, new, name)
    src = filled(e, value, old, name)
    layout = replace(new, batch=src.batched, tangents=src.tangents)
    return e.emit(Permute(e.new(name, layout), src, sizes, order))


def mixed(e: Emitter, value: sp.Expr, matrix: Along, after: int, old: Layout, new: Layout, name: Name) -> sp.Expr:
    """A constant matrix times one axis of a sample, between whose places lie `after` numbers."""
    if value == 0:
        return value
    src = filled(e, value, old, name)
    layout = replace(new, batch=src.batched, tangents=src.tangents)
    return e.emit(Mix(e.new(name, layout), src, matrix, after))


def unfolded(e: Emitter, value: sp.Expr, axes: tuple[Sliding, ...], channels: int, name: Name) -> sp.Expr:
    """What windows read of an image: a row for each window, of all channels for each tap."""
    if e.is_constant(value) and not any((axis.table < 0).any() for axis in axes):
        return value
    image = Layout(places=prod(axis.size for axis in axes), units=(channels,))
    src = filled(e, value, image, name)
    if all(axis.is_plain for axis in axes):
        return src.symbol
    taps, windows = prod(axis.kernel for axis in axes), prod(axis.count for axis in axes)
    layout = replace(src.layout, places=windows, units=(taps * channels,))
    return e.emit(Unfold(e.new(name, layout), src, axes))


def folded(
    e: Emitter, value: sp.Expr, axes: tuple[Sliding, ...], channels: int, name: Name, number: str = ""
) -> sp.Expr:
    """The transpose of `unfolded`: each place has the sum of all that windows have of it."""
    if value == 0:
        return value
    taps, windows = prod(axis.kernel for axis in axes), prod(axis.count for axis in axes)
    src = filled(e, value, Layout(places=windows, units=(taps * channels,)), name)
    if all(axis.is_plain for axis in axes):
        return src.symbol
    layout = replace(src.layout, places=prod(axis.size for axis in axes), units=(channels,))
    return e.emit(Fold(e.new(name, layout), src, axes, number))
