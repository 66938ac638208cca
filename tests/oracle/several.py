"""Layers in which a unit depends on several others, not as a sum: products of matrices, maxima, rows of tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from .arithmetic import Number, total, value_of
from .sums import Params, Source, Vertex


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with every sample beside x: its numbers are under its name among the parameters."""

    name: str
    units: int

    def values(self, params: Params, g: Mapping[str, Sequence[Number]]) -> list[Number]:
        return list(params[self.name].flat)

    def slopes(self, g: Mapping[str, Sequence[Number]]) -> Iterator[tuple[Vertex, int, Number]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Greatest:
    """The greatest number on an axis, which stays with one place, as a plain number: it has no derivative."""

    name: str
    source: Source
    axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(1 if a == self.axis else n for a, n in enumerate(self.source.shape))

    @property
    def units(self) -> int:
        return math.prod(self.shape)

    def values(self, params: Params, g: Mapping[str, Sequence[Number]]) -> list[Number]:
        numbers = [value_of(f) for f in g[self.source.name]]
        greatest = list[Number]()
        for place in np.ndindex(*self.shape):
            line = [
                numbers[self.source.unit(*(k if a == self.axis else p for a, p in enumerate(place)))]
                for k in range(self.source.shape[self.axis])
            ]
            greatest.append(reduce(np.maximum, line) if len(line) > 1 else line[0])
        return greatest

    def slopes(self, g: Mapping[str, Sequence[Number]]) -> Iterator[tuple[Vertex, int, Number]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Row:
    """The row of a table that a label, the one unit of `src`, says."""

    name: str
    src: str
    key: str
    width: int

    @property
    def units(self) -> int:
        return self.width

    def values(self, params: Params, g: Mapping[str, Sequence[Number]]) -> list[Number]:
        label: Any = value_of(g[self.src][0])
        return [
            total(row[k] * np.asarray(label == count, np.float64) for count, row in enumerate(params[self.key]))
            for k in range(self.width)
        ]

    def slopes(self, g: Mapping[str, Sequence[Number]]) -> Iterator[tuple[Vertex, int, Number]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Product:
    """g_…ij = Σ_k a_…ik b_…kj."""

    name: str
    a: Source
    b: Source

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.a.shape[:-1], self.b.shape[-1])

    @property
    def units(self) -> int:
        return math.prod(self.shape)

    def values(self, params: Params, g: Mapping[str, Sequence[Number]]) -> list[Number]:
        a, b = g[self.a.name], g[self.b.name]
        return [total(a[i] * b[j] for i, j in pairs) for pairs in self._pairs()]

    def slopes(self, g: Mapping[str, Sequence[Number]]) -> Iterator[tuple[Vertex, int, Number]]:
        """Those by a and those by b apart, also where a and b are one layer: they are two copies of it."""
        a, b = g[self.a.name], g[self.b.name]
        for unit, pairs in enumerate(self._pairs()):
            for i, j in pairs:
                yield (self.a.name, i), unit, b[j]
                yield (self.b.name, j), unit, a[i]

    def _pairs(self) -> Iterator[list[tuple[int, int]]]:
        """The units of a and of b whose products each unit adds."""
        for *block, i, j in np.ndindex(*self.shape):
            yield [(self.a.unit(*block, i, k), self.b.unit(*block, k, j)) for k in range(self.a.shape[-1])]


Several = Given | Greatest | Row | Product
