"""Linear layers in general: each unit is a sum of coefficient × unit, and maybe a bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .arithmetic import Number, total

Params: TypeAlias = Mapping[str, npt.NDArray[Any]]
Vertex: TypeAlias = tuple[str, int]  # (layer, unit)


@dataclass(frozen=True, slots=True)
class Source:
    """A layer that another one reads, with the shape of its units."""

    name: str
    shape: tuple[int, ...]

    def unit(self, *place: int) -> int:
        """The unit at a place: the last axis varies fastest."""
        return int(np.ravel_multi_index(place, self.shape))

    @property
    def table(self) -> npt.NDArray[Any]:
        """A term for each unit, in the shape of the source, for NumPy to arrange."""
        table = np.empty(self.shape, dtype=object)
        for place in np.ndindex(*self.shape):
            table[place] = Term(self.name, self.unit(*place))
        return table


@dataclass(frozen=True, slots=True)
class Term:
    """constant · θ · g_j of src, for the entry θ of a parameter; without a key, constant · g_j."""

    src: str
    j: int
    constant: float = 1.0
    key: str | None = None
    entry: int = 0

    @property
    def vertex(self) -> Vertex:
        return self.src, self.j

    def coefficient(self, params: Params) -> Number:
        theta: Number = 1.0 if self.key is None else params[self.key].flat[self.entry]
        return theta if self.constant == 1.0 else self.constant * theta


@dataclass(frozen=True, slots=True)
class Sum:
    """g_k = Σ over the terms of k, + b_k. Several terms of one unit j add up to one coefficient.

    `bias` is the key of b, and `bias_entries` says which of its numbers each unit adds.
    """

    name: str
    shape: tuple[int, ...]
    terms: tuple[tuple[Term, ...], ...]
    bias: str | None = None
    bias_entries: tuple[int, ...] = ()

    def values(self, params: Params, g: Mapping[str, Sequence[Number]]) -> list[Number]:
        """g of all units."""
        sums = [total(term.coefficient(params) * g[term.src][term.j] for term in terms) for terms in self.terms]
        if self.bias is not None:
            bias = params[self.bias].flat
            sums = [value + bias[entry] for value, entry in zip(sums, self.bias_entries, strict=True)]
        return sums

    def slopes(self, params: Params) -> list[dict[Vertex, Number]]:
        """∂g_k/∂g_j for each unit k, by the unit j."""
        rows = list[dict[Vertex, Number]]()
        for terms in self.terms:
            row: dict[Vertex, Number] = {}
            for term in terms:
                coefficient = term.coefficient(params)
                row[term.vertex] = row[term.vertex] + coefficient if term.vertex in row else coefficient
            rows.append(row)
        return rows
