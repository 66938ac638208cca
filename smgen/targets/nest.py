"""The axes of a loop, as few as its arrays allow: neighbouring axes are one where every array has both or neither."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from smgen.ir import Buffer, Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """The axes of a loop but for the outermost: those of rows, then the columns; and which of them each array has.

    `has` are, for each array, the outermost axis, the axes of rows, and the columns. Where the outermost axis is not
    the batch, `outer` is its length. `has_rows` says that there is an outermost axis, and not only a row of units.
    """

    outer: int | None
    has_rows: bool
    rows: tuple[int, ...]
    columns: int
    has: Mapping[str, tuple[bool, ...]]


def nest(layout: Layout, arrays: Iterable[Buffer], *, gaps: bool = False) -> Nest:
    """The axes of a loop over a layout that reads and writes these arrays; `gaps` says that rows of some lie apart."""
    known = list(arrays)
    sizes = _axes(layout, layout)
    flags = {b.name: tuple(n > 1 for n in _axes(b.layout, layout)) for b in known}
    first = () if layout.batch else sizes[:1]
    inner = list(sizes if layout.batch else sizes[1:])
    has = {b.name: list(flags[b.name] if layout.batch else flags[b.name][1:]) for b in known}
    outer = {b.name: b.batched if layout.batch else flags[b.name][0] for b in known}
    if layout.places is not None and len(inner) > 1 and inner[-1] == 1 and not gaps:  # places of one channel
        inner.pop()
        for axes in has.values():
            axes.pop()
    whole = not layout.batch and len(sizes) > 2 and not gaps  # weights of many axes: columns too
    last = len(inner) - (1 if whole else 2)
    position = 0
    while position < last:
        pairs = [axes[position : position + 2] for axes in has.values()]
        if all(a == b for a, b in pairs) or 1 in inner[position : position + 2]:
            inner[position : position + 2] = [inner[position] * inner[position + 1]]
            for axes in has.values():
                axes[position : position + 2] = [any(axes[position : position + 2])]
            last -= 1
        else:
            position += 1
    rest = {name: (outer[name], *axes) for name, axes in has.items()}
    if not inner:
        if not layout.batch:  # a row of weights: its units are columns
            own = {name: (False, outer[name]) for name in has}
            return Nest(outer=None, has_rows=False, rows=(), columns=sizes[-1] if sizes else 1, has=own)
        own = {name: (axes[0], False) for name, axes in rest.items()}
        return Nest(outer=None, has_rows=True, rows=(), columns=1, has=own)
    outermost = prod(first) if first else None
    return Nest(outer=outermost, has_rows=True, rows=tuple(inner[:-1]), columns=inner[-1], has=rest)


def _axes(layout: Layout, loop: Layout) -> tuple[int, ...]:
    """The lengths of all axes of a loop, but for the batch, that a layout has; 1 for those that it lacks."""
    if loop.tangents is not None and layout.tangents is None and not layout.batch and loop.batch:
        layout = layout.as_tangents
    sizes = [(layout.tangents or 1)] if loop.tangents is not None else []
    sizes += [(layout.places or 1)] if loop.places is not None else []
    units = layout.units
    if not layout.batch and not layout.rows and len(units) > len(loop.units):
        units = units[-len(loop.units) :] if loop.units else ()
    return (*sizes, *(1,) * (len(loop.units) - len(units)), *units)
