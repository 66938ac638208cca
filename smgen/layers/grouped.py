"""Convolution in groups of channels: a map of windows for each group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import sympy as sp

from smgen.ir import Emitter, Layout, Name, Sliding
from smgen.ir.rearrange import filled
from smgen.layers.windows import WindowsMap, squared


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedMap:
    """v ↦ A v for groups of channels, each with its own columns of W, (taps · in / groups, out)."""

    weight: sp.Expr
    axes: tuple[Sliding, ...]
    channels: int
    groups: int
    root: sp.Expr | None = None

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        if value == 0:
            return value
        inside, out = self._widths(e)
        parts = [
            (self._map(e, group).forward(e, own, part, number), out)
            for group, (part, own) in enumerate(self._groups(e, value, inside, self._image, name))
        ]
        return e.concat(name, [(e.bind(name.part("group"), part), width) for part, width in parts])

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        if value == 0:
            return value
        inside, out = self._widths(e)
        parts = [
            (self._map(e, group).backward(e, own, part, number), inside)
            for group, (part, own) in enumerate(self._groups(e, value, out, self._result(e), name))
        ]
        return e.concat(name, parts)

    def squared(self, e: Emitter) -> GroupedMap:
        return replace(self, weight=e.square(e.buffer(self.weight)).symbol, root=self.weight)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,) = names
        if left == 0 or right == 0:
            return (sp.S.Zero,)
        inside, out = self._widths(e)
        lefts = self._groups(e, left, out, self._result(e), name.part("left"))
        rights = self._groups(e, right, inside, self._image, name)
        parts = []
        for group, ((_, own), (part, read)) in enumerate(zip(lefts, rights, strict=True)):
            (value,) = self._map(e, group).gradient(e, own, read, [part])
            matrix = e.result(part.part("matrix"), Layout(units=(e.buffer(self.weight).layout.units[0], out)), value)
            parts.append((matrix.symbol, out))
        return (e.concat(name.part("groups"), parts),)

    @property
    def _image(self) -> Layout:
        return Layout(places=prod(axis.size for axis in self.axes), units=(self.channels,))

    def _result(self, e: Emitter) -> Layout:
        return Layout(places=prod(axis.count for axis in self.axes), units=e.buffer(self.weight).layout.units[-1:])

    def _widths(self, e: Emitter) -> tuple[int, int]:
        """The channels that come into a group, and those that go out."""
        return self.channels // self.groups, e.buffer(self.weight).layout.units[-1] // self.groups

    def _map(self, e: Emitter, group: int) -> WindowsMap:
        """The map of a group."""
        inside, out = self._widths(e)
        weights = [
            e.slice(w, group * out, out, e.buffer(w).part(f"group_{group + 1}"))
            for w in (self.weight, self.root)
            if w is not None
        ]
        own = WindowsMap(weights[-1], self.axes, inside)
        return own if self.root is None else squared(e, weights[0], own)

    def _groups(
        self, e: Emitter, value: sp.Expr, width: int, layout: Layout, name: Name
    ) -> Iterator[tuple[Name, sp.Expr]]:
        """The units of each group."""
        whole = value if e.is_constant(value) else filled(e, value, layout, name.part("image")).symbol
        for group in range(self.groups):
            part = name.part(f"group_{group + 1}")
            yield part, e.slice(whole, group * width, width, part.part("read"))
