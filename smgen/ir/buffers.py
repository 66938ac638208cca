"""Buffers: the arrays that operations read and write, and their shapes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain, count
from math import prod
from typing import Final, Literal, TypeAlias

import sympy as sp

ITEMSIZE: Final = {"float32": 4, "float64": 8}
"""Bytes of a number, by dtype."""

BATCH: Final[Literal["N"]] = "N"
Dim: TypeAlias = int | Literal["N"]
Shape: TypeAlias = tuple[Dim, ...]
Kind: TypeAlias = Literal["real", "accumulator"]


@dataclass(frozen=True, slots=True)
class Letter:
    """The mathematical name of a buffer, `δ_filters`, and its place among the factors of a product: low places first.

    `family` is the letter without the vertex, δ; headings in generated code list families. `formula` is the textbook
    form of a nonlinearity or its derivative, in the letter of its argument: the equation shows it where the computed
    expression is a rearrangement. `apart` is written where buffers with other letters `apart` have the same text: f′(g)
    where several functions read g.
    """

    text: str
    place: int = 0
    family: str = ""
    formula: sp.Expr | None = None
    _: KW_ONLY
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A buffer's name in code, its letter in mathematics if any, and its role: the name without the vertex."""

    code: str
    letter: Letter | None = None
    role: str = ""

    def part(self, suffix: str) -> Name:
        """The name of an intermediate value of this buffer. It has no letter."""
        return Name(f"{self.code}_{suffix}", role=f"{self.role}_{suffix}" if self.role else "")


def free_name(name: str, taken: Container[str]) -> str:
    """The first of `name`, `name_`, `name_2_`, `name_3_`, … that is not taken. No vertex ends in an underscore."""
    names = chain((name, f"{name}_"), (f"{name}_{number}_" for number in count(2)))
    return next(free for free in names if free not in taken)


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes of a buffer: the batch if it varies over samples, tangents and places if it has them, then the units.

    Places are the rows of a sample: the pixels of an image, whose channels are its units. An axis of one tangent, place
    or unit broadcasts over all of them.
    """

    batch: bool = False
    tangents: int | None = None
    units: tuple[int, ...] = ()
    places: int | None = None

    @property
    def rows(self) -> tuple[int, ...]:
        """The axes between the batch and the units: tangents and places."""
        return tuple(count for count in (self.tangents, self.places) if count is not None)

    @property
    def shape(self) -> Shape:
        """All axes: (N, C, M) for tangents, (N, P, M) for places, (N, M) for a row a sample, (M, D) for a weight."""
        samples = (BATCH,) if self.batch else ()
        return (*samples, *self.rows, *self.units)

    @property
    def count(self) -> int:
        """How many numbers there are of each sample and tangent, or at all."""
        return prod((self.places or 1, *self.units))

    @property
    def as_tangents(self) -> Layout:
        """The layout of a matrix that is the same for all samples, read as tangents; other layouts do not change."""
        if self.batch or self.rows or len(self.units) != 2:
            return self
        return Layout(False, self.units[0], self.units[1:])

    @property
    def is_stack(self) -> bool:
        """Whether each sample has several rows: one for each of its tangents and places."""
        return self.batch and bool(self.rows)

    @classmethod
    def of(cls, shape: Shape) -> Layout:
        """The layout of an array without tangents and places."""
        units = tuple(dim for dim in shape if dim != BATCH)
        return cls(batch=BATCH in shape, units=units)

    @classmethod
    def of_sample(cls, shape: tuple[int, ...], *, batch: bool = True) -> Layout:
        """The layout of values of this shape: the last axis are the units, the others the places."""
        places = prod(shape[:-1]) if len(shape) > 1 else None
        return cls(batch=batch, units=shape[-1:], places=places)

    @property
    def column(self) -> Layout:
        """The layout with one more axis of one unit: (M,) → (M, 1), which broadcasts over the inputs of a weight."""
        return replace(self, units=(*self.units, 1))

    @property
    def once(self) -> Layout:
        """The layout without the batch axis."""
        return replace(self, batch=False)

    @property
    def row_of_tangents(self) -> Layout:
        """(N, M) → (N, 1, M), which broadcasts over the tangents (N, C, M)."""
        return replace(self, tangents=1)

    @property
    def column_of_tangents(self) -> Layout:
        """A number a tangent, (N, C) → (N, C, 1), which broadcasts over the units (N, C, M)."""
        (count,) = self.units
        return Layout(self.batch, count, (1,))

    def with_units(self, units: int) -> Layout:
        """The same rows, of so many units."""
        return replace(self, units=(*self.units[:-1], units))


SCALAR: Final = Layout()


@dataclass(frozen=True)
class Buffer:
    """A named array of the module's dtype (`real`) or of float64 (`accumulator`: the loss sums).

    In equations, a buffer without a letter stands as the expression it is computed from. `role` is its name in code
    that serves several vertices: `delta` for `delta_filters`.
    """

    name: str
    layout: Layout
    letter: Letter | None = None
    _: KW_ONLY
    kind: Kind = "real"
    role: str = ""

    @cached_property
    def symbol(self) -> sp.Symbol:
        """The symbol that stands for this buffer in expressions."""
        return sp.Symbol(self.name, real=True)

    @cached_property
    def shape(self) -> Shape:
        """All axes of the layout."""
        return self.layout.shape

    def part(self, suffix: str) -> Name:
        """The name of a value that is made of this buffer alone."""
        return Name(self.name, role=self.role).part(suffix)

    @property
    def batched(self) -> bool:
        """Whether the value varies over the batch."""
        return self.layout.batch

    @property
    def tangents(self) -> int | None:
        """The number of tangents of a sample; None for a buffer without an axis of tangents."""
        return self.layout.tangents

    @property
    def is_vector(self) -> bool:
        """Whether each sample has exactly one row."""
        return self.batched and not self.layout.rows and len(self.layout.units) == 1

    @property
    def is_stack(self) -> bool:
        """Whether each sample has several rows: one for each of its tangents and places."""
        return self.layout.is_stack

    @property
    def is_matrix(self) -> bool:
        """Whether this is a matrix that is the same for all samples."""
        return not self.batched and self.layout.places is None and len(self.shape) == 2

    @property
    def rank(self) -> int:
        """0 for a scalar, 1 for an array computed once a call, 2 for once a sample, 3 for once a tangent."""
        if not self.batched:
            return 1 if self.shape else 0
        return 2 + (prod(self.layout.rows) > 1 and self.layout.units != (1,))


LAMBDA: Final = Buffer("lam", SCALAR, Letter("λ"), kind="accumulator")
SAMPLES: Final = Buffer("N", SCALAR, Letter("N"), kind="accumulator")
"""The scalar arguments that every schedule may read, in expressions of any dtype."""


@lru_cache(maxsize=1 << 16)
def names_in(expr: sp.Expr) -> frozenset[str]:
    """The names of the buffers in an expression. The result is cached."""
    return frozenset(s.name for s in expr.free_symbols)


@lru_cache(maxsize=4096)
def broadcast(*layouts: Layout) -> Layout:
    """The layout of an elementwise result of operands with these layouts. Raises `ValueError` where they do not agree.

    With operands that vary over samples, a matrix of one row is read as that row. With operands that have tangents, a
    matrix is read as one row for each tangent.
    """
    if any(layout.batch and layout.tangents is not None for layout in layouts):
        layouts = tuple(layout.as_tangents for layout in layouts)
    elif any(layout.batch for layout in layouts):
        layouts = tuple(
            layout if layout.batch or layout.tangents is None else Layout.of(layout.shape) for layout in layouts
        )
    tangents, places = (
        _common([getattr(layout, axis) for layout in layouts], layouts) for axis in ("tangents", "places")
    )
    units: list[int] = []
    for depth in range(1, max((len(layout.units) for layout in layouts), default=0) + 1):
        units.insert(
            0, _common([layout.units[-depth] for layout in layouts if len(layout.units) >= depth], layouts) or 1
        )
    rows = max((len(layout.units) for layout in layouts if layout.batch), default=len(units))
    while len(units) > rows and units[0] == 1:
        del units[0]
    return Layout(any(layout.batch for layout in layouts), tangents, tuple(units), places)


def _common(sizes: Sequence[int | None], layouts: tuple[Layout, ...]) -> int | None:
    """The size of an axis to which axes of these sizes broadcast; None is no axis."""
    known = {size for size in sizes if size is not None}
    if len(known - {1}) > 1:
        raise ValueError(f"{[layout.shape for layout in layouts]} do not broadcast")
    return max(known, default=None)
