"""Operations that put numbers elsewhere: views, copies in another order, and sums and maxima along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import sympy as sp

from smgen.ir.axes import Along, Sliding
from smgen.ir.buffers import Buffer


@dataclass(frozen=True)
class _OfOne:
    """An operation with one operand."""

    out: Buffer
    src: Buffer

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return (self.src,)


@dataclass(frozen=True)
class View(_OfOne):
    """out = src under another name or shape, without a copy.

    The layouts tell five forms apart: the same value; a slice of the last axis from `start`; one more axis of length
    one, (M,) → (M, 1) or (N, C) → (N, C, 1); a sample's rows for all its tangents, (N, M) → (N, 1, M); or the numbers
    of a sample in other axes, (N, P, M) → (N, P M).
    """

    start: int = 0
    number: str = ""

    @property
    def is_column(self) -> bool:
        """Whether it adds a last axis of length one."""
        return self.out.shape == (*self.src.shape, 1)

    @property
    def is_row(self) -> bool:
        """Whether it is a sample's rows for all its tangents."""
        src, out = self.src.layout, self.out.layout
        return src.batch and src.tangents is None and out == src.row_of_tangents

    @property
    def is_reshaped(self) -> bool:
        """Whether it has all numbers of a sample in other axes."""
        src, out = self.src.layout, self.out.layout
        same = src.batch == out.batch and prod((*src.rows, *src.units)) == prod((*out.rows, *out.units))
        return same and out.shape != src.shape and not self.is_column and not self.is_row


@dataclass(frozen=True)
class Concat:
    """out = the parts side by side on the last axis, each a buffer or a scalar expression that fills `width` units."""

    out: Buffer
    parts: tuple[tuple[sp.Expr, int], ...]
    reads: tuple[Buffer, ...]
    number: str = ""

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)


@dataclass(frozen=True)
class Identity:
    """out = the identity matrix."""

    out: Buffer
    reads: tuple[Buffer, ...] = ()
    number: str = ""

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)


@dataclass(frozen=True)
class Transpose(_OfOne):
    """out = srcᵀ, a copy of a matrix that does not vary over the batch."""

    number: str = ""


@dataclass(frozen=True)
class Permute(_OfOne):
    """out = src with the axes of a sample in another order; `sizes` are its axes, in the order that src has them in."""

    sizes: tuple[int, ...]
    order: tuple[int, ...]
    number: str = ""


@dataclass(frozen=True)
class Mix(_OfOne):
    """out = a constant matrix times an axis of src. `after` is how many numbers lie between two places on the axis."""

    matrix: Along
    after: int
    number: str = ""


@dataclass(frozen=True)
class Greatest(_OfOne):
    """out = the greatest number on an axis of so many places, between which lie `after` numbers."""

    count: int
    after: int
    number: str = ""


@dataclass(frozen=True)
class Unfold(_OfOne):
    """out = what windows read of an image, (places, channels) → (windows, taps · channels), taps first.

    `axes` are the axes of the image.
    """

    axes: tuple[Sliding, ...]
    number: str = ""


@dataclass(frozen=True)
class Fold(_OfOne):
    """The transpose of `Unfold`: each place has the sum of all that reads it, (windows, taps · channels) → image."""

    axes: tuple[Sliding, ...]
    number: str = ""
