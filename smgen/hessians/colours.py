"""Colours of the inputs: those of one colour share a tangent, where no curved unit depends on two of them ([+] 18).

With v_c the vector that is 1 at the inputs of colour c and 0 elsewhere, and R_kd the slope of a curved unit k by x_d, a
unit sees one input of a colour at most. So

    δ′ = Σ_c v_c ∘ (H v_c)   and   Σ_d δ′_d = Σ_c v_cᵀ H v_c,

for all weights, and so have their gradients: as many tangents as colours, not as inputs. An image has as many colours
as a receptive field has pixels. (Colouring for sparse Hessians: Coleman and Moré, 1984.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.hessians.local import Local
from smgen.ir import Layout, Name
from smgen.ir.axes import Along
from smgen.ir.rearrange import mixed, reshaped
from smgen.layers.patterns import Paths
from smgen.lower.names import DELTA_PRIME, TANGENT, WEIGHTED
from smgen.lower.values import Lowering
from smgen.network import Vertex

Together: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Colouring:
    """The colour of each place on each axis of x. The colour of an input is the row of the colours of its places."""

    axes: tuple[tuple[int, ...], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of colours on each axis."""
        return tuple(max(axis) + 1 for axis in self.axes)

    @property
    def count(self) -> int:
        """The number of colours."""
        return prod(self.counts)


def colouring(x: Vertex, tables: Iterable[Paths]) -> Colouring:
    """Few colours of the inputs such that no unit of these tables depends on two inputs of one colour."""
    together = [np.zeros((size, size), np.bool_) for size in x.shape]
    for table in tables:
        for d, size in enumerate(x.shape):
            together[d] |= table.together_along(d, size)
    return Colouring(tuple(_fewest(axis) for axis in together))


def _fewest(together: Together) -> tuple[int, ...]:
    """Few colours of places such that those of one colour are never together."""
    greedy = _greedy(together)
    periodic = (colours for colours in _periodic(len(together)) if max(colours) < max(greedy))
    return min((colours for colours in periodic if _fits(together, colours)), key=max, default=greedy)


def _fits(together: Together, colours: tuple[int, ...]) -> bool:
    same = np.equal.outer(colours, colours) & ~np.eye(len(colours), dtype=np.bool_)
    return not bool((together & same).any())


def _periodic(size: int) -> Iterator[tuple[int, ...]]:
    """Colours in blocks that repeat; those for windows that go round and for dilated ones are among them."""
    at = np.arange(size)
    for blocks in range(1, size + 1):
        starts = np.arange(blocks) * size // blocks
        yield tuple((at - starts[np.searchsorted(starts, at, "right") - 1]).tolist())
    for dilation in range(2, size):
        for period in range(1, -(-size // dilation) + 1):
            yield tuple((at // dilation % period).tolist())


def _greedy(together: Together) -> tuple[int, ...]:
    """Each place in order gets the first colour that none of those has with which it is together."""
    colours: list[int] = []
    for place in range(len(together)):
        taken = {colours[other] for other in range(place) if together[place, other]}
        colours.append(next(colour for colour in range(place + 1) if colour not in taken))
    return tuple(colours)


class Coloured(Local):
    """The terms of some curved vertices, by a tangent for each colour."""

    def __init__(self, lowering: Lowering, bent: Iterable[str], colours: Colouring) -> None:
        super().__init__(lowering, bent)
        self.colours = colours

    def vectors(self) -> sp.Expr:
        """v_c for each colour: the identity, with each of its units at all places of this colour."""
        x, e = self.segment.base, self.tangents
        flat, sizes = Layout(units=(self.colours.count,)), [self.colours.counts[axis] for axis in x.axes]
        value = reshaped(e, e.identity_of(self.colours.count), flat, Layout.of_sample(tuple(sizes)), Name("colours"))
        matrices = {
            position: matrix
            for position, axis in enumerate(x.axes)
            if not (matrix := Along.picked(sizes[position], self.colours.axes[axis])).is_identity
        }
        for position, matrix in matrices.items():
            old, after = Layout.of_sample(tuple(sizes)), prod(sizes[position + 1 :])
            sizes[position] = len(matrix.rows)
            name = TANGENT.of(x.name)
            name = name if position == max(matrices) else name.part(f"axis_{position}")
            value = mixed(e, value, matrix, after, old, Layout.of_sample(tuple(sizes)), name)
        return value

    def diagonal(self) -> sp.Expr:
        """Σ_c v_c ∘ H v_c."""
        product = self.tangent[self.base] * self.delta_tangent[self.base]
        return self.tangents.sum_tangents(product, DELTA_PRIME.of(self.base).part("of_colours"))

    def weighted(self, v: Vertex) -> sp.Expr:
        """ν v_c at x, and above what the layers make of it."""
        if v.name != self.base:
            return self.carry(v, self.weighted_tangent, WEIGHTED)
        value = self.tangents.row(self.base_adjoint) * self.tangent[v.name]
        return self.tangents.bind(WEIGHTED.of(v.name), value, "[+] 18")
