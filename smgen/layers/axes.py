"""What users call to take parts of an axis, to sum along it, and to go beyond its ends."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from smgen.errors import NetworkError, counted, shortened
from smgen.ir import PADDINGS, Along, Padding, Sliding
from smgen.layers.along_axes import along_axes
from smgen.layers.nodes import Node, node_of, varying
from smgen.layers.shapes import axes_of, check_length, whole_numbers
from smgen.origins import here


def sum(  # noqa: A001 – the field's name for it
    source: Node, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, name: str | None = None
) -> Node:
    """The sum over axes, or over all of them. They go, or with `keepdims` stay with one unit."""
    return _totals("sum", source, axis, keepdims, name)


def mean(
    source: Node, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, name: str | None = None
) -> Node:
    """The mean over axes, or over all of them. They go, or with `keepdims` stay with one unit."""
    return _totals("mean", source, axis, keepdims, name)


def _totals(kind: str, source: Node, axis: object, keepdims: object, name: str | None) -> Node:
    origin = here()
    node = node_of(source, origin, kind)
    varying([node], origin, kind)
    if not isinstance(keepdims, bool):
        raise NetworkError(
            origin=origin,
            what=f"sm.{kind} takes True or False as keepdims; got {shortened(keepdims)}",
            hint="keepdims=True leaves the axes in place, with length one",
        )
    axes = axes_of(axis, node, origin, kind)
    count = 1
    for position in axes:
        check_length(node.shape[position], position, node, origin, kind)
        count *= node.shape[position]
    left = len(node.shape) - len(axes)
    dropped = () if keepdims else axes if left else axes[1:]  # a node has at least one axis
    note = "" if axis is None and not keepdims else f"axis={axis}{', keepdims=True' * keepdims}"
    return along_axes(
        node,
        kind,
        {position: Along.total(node.shape[position]) for position in axes},
        origin,
        note=note,
        factor=sp.Rational(1, count) if kind == "mean" else sp.S.One,
        dropped=dropped,
        name=name,
    )


def part(node: Node, index: object) -> Node:
    """node[index]: whole numbers, slices and `…`, as in NumPy. Raises `NetworkError` for any other index."""
    origin = here()
    varying([node], origin, "slice")
    rank = len(node.shape)
    entries = list(index) if isinstance(index, tuple) else [index]
    dots = [position for position, entry in enumerate(entries) if entry is Ellipsis]
    if len(dots) == 1:
        entries[dots[0] : dots[0] + 1] = [slice(None)] * (rank - len(entries) + 1)
    if len(dots) > 1 or len(entries) > rank:
        raise NetworkError(
            origin=origin,
            what=f"{node} has {counted(rank, 'axis', 'axes')}, without the batch; got the index {shortened(index)}",
            hint="h[:, 1:-1, 1:-1] cuts the border off (C, H, W)",
        )
    matrices, dropped = dict[int, Along](), list[int]()
    for axis, entry in enumerate(entries):
        check_length(node.shape[axis], axis, node, origin, "slice")
        places = _places(node, axis, entry, origin)
        matrices[axis] = Along.picked(node.shape[axis], places)
        if not isinstance(entry, slice):
            dropped.append(axis)
    gone = dropped if len(dropped) < rank else dropped[1:]
    return along_axes(node, "slice", matrices, origin, note=_written(entries), dropped=tuple(gone))


def _places(node: Node, axis: int, entry: object, origin: str) -> Sequence[int]:
    size = node.shape[axis]
    try:
        if isinstance(entry, slice):
            places: Sequence[int] = range(size)[entry]
        else:
            numbers = whole_numbers(entry)
            places = (range(size)[numbers[0]],) if numbers and not isinstance(entry, tuple | list) else ()
    except Exception:
        places = ()
    if not places:
        raise NetworkError(
            origin=origin,
            what=f"axis {axis} of {node} has the places 0 to {size - 1}; none of them is {_written([entry])}",
            hint="an index has whole numbers, slices and … for the axes of a sample, without the batch",
        )
    return places


def _written(entries: Sequence[object]) -> str:
    def text(entry: object) -> str:
        if not isinstance(entry, slice):
            return shortened(entry)
        start, stop, step = ("" if bound is None else str(bound) for bound in (entry.start, entry.stop, entry.step))
        return f"{start}:{stop}{f':{step}' * bool(step)}"

    return ", ".join(map(text, entries))


def pad(source: Node, pad: tuple[int, ...], mode: Padding = "zeros", *, name: str | None = None) -> Node:
    """A node with more places before and after those of its last axes: (before, after) of the last, then of others.

    `mode` is what they hold: "zeros", "circular", "reflect" or "replicate", as in torch. Negative numbers cut off.
    A convolution with `padding=` and `padding_mode=` is exact where padding and convolution in a row are not.
    """
    origin = here()
    node = node_of(source, origin, "pad")
    varying([node], origin, "pad")
    widths = whole_numbers(pad) or ()
    if not widths or len(widths) % 2 or len(widths) > 2 * len(node.shape):
        raise NetworkError(
            origin=origin,
            what=f"sm.pad takes (before, after) of the last axis, then of the one before it, …; got {shortened(pad)}",
            hint="sm.pad(h, (1, 1, 2, 2)) adds 1 column left and right and 2 rows above and below",
        )
    checked_padding(mode, origin, "pad", "mode")
    matrices = {}
    for position in range(len(widths) // 2):
        axis = len(node.shape) - 1 - position
        before, after = widths[2 * position : 2 * position + 2]
        matrices[axis] = padded(node, axis, before, after, mode, origin, "pad")
    return along_axes(node, "pad", matrices, origin, note=f"{widths}, {mode}", name=name)


def padded(node: Node, axis: int, before: int, after: int, mode: Padding, origin: str, function: str) -> Along:
    """The matrix that pads an axis. Raises `NetworkError` where nothing is left, or the mode does not reach so far.

    As in torch, "circular" goes round what is left after cutting, and "reflect" mirrors what was there before.
    """
    size, first, last = node.shape[axis], max(-before, 0), max(-after, 0)
    if size - first - last < 1:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function}: nothing is left of axis {axis} of {node}",
            hint="negative numbers cut off that many places",
        )
    check_length(size + before + after, axis, node, origin, function)
    left = size if mode == "reflect" else size - first - last
    check_reach(node, axis, before, after, mode, origin, function, size=left)
    halo = Sliding(size=left, kernel=1, before=max(before, 0), after=max(after, 0), padding=mode).halo
    if mode == "reflect":
        return Along.picked(size, halo[first : len(halo) - last].tolist())
    return Along.picked(size, [p + first if p >= 0 else -1 for p in halo])


def checked_padding(mode: object, origin: str, function: str, argument: str) -> Padding:
    """The mode. Raises `NetworkError` for one that there is not."""
    known: dict[object, Padding] = {name: name for name in PADDINGS}
    if not isinstance(mode, str) or mode not in known:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes {', '.join(map(repr, PADDINGS))} as {argument}; got {shortened(mode)}",
            hint="reflect does not repeat the border, replicate repeats it, circular goes on at the other end",
        )
    return known[mode]


def check_reach(
    node: Node, axis: int, before: int, after: int, mode: Padding, origin: str, function: str, *, size: int
) -> None:
    """Raise `NetworkError` if padding needs more places than an axis has, which are `size`."""
    most = {"reflect": size - 1, "circular": size}.get(mode)
    if most is not None and max(before, after) > most:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function}: {mode} padding of axis {axis} of {node} takes at most {most} places; "
            f"got {max(before, after)}",
            hint='"replicate" and "zeros" pad as far as you like',
        )
