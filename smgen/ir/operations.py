"""Operations: what is computed from which buffers, and by which equation.

`number` is the equation's in the source ("(11)+(12)") or in docs/mathematics.md ("[+] 8"). Its text is printed from the
operation itself, when the algebra is done (`printers.equations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir.buffers import Buffer, Shape


@dataclass(frozen=True)
class Pointwise:
    """outs = exprs, element by element over the broadcast shape. An expression names what is read, or earlier outs."""

    outs: tuple[Buffer, ...]
    exprs: tuple[sp.Expr, ...]
    reads: tuple[Buffer, ...]
    number: str = ""


@dataclass(frozen=True)
class Elementary:
    """out = function(operands), one machine operation: what `passes.elementary` makes of a `Pointwise`.

    An operand that is no buffer's symbol is a scalar expression.
    """

    out: Buffer
    function: str
    operands: tuple[sp.Expr, ...]
    reads: tuple[Buffer, ...]

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)


@dataclass(frozen=True, kw_only=True)
class Product:
    """out = the sum of left·right over the axes missing from the result, as in einsum: axes = "nd,md->nm" is f Wᵀ.

    A letter an operand has later than its place in the result says that it is read transposed. n is the batch, c counts
    tangents. `plus` are further pairs whose products, over the same axes, are added to it: one product of the stacked
    operands.
    """

    out: Buffer
    left: Buffer
    right: Buffer
    axes: str
    plus: tuple[tuple[Buffer, Buffer], ...] = ()
    number: str = ""

    @property
    def pairs(self) -> tuple[tuple[Buffer, Buffer], ...]:
        """All pairs of operands."""
        return ((self.left, self.right), *self.plus)

    @property
    def flops(self) -> int:
        """FLOPs a sample, or a call where nothing varies over the batch: two a multiply-add, one where X Xᵀ is half."""
        return sum(_flops(self.axes, left, right) for left, right in self.pairs)

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return tuple(dict.fromkeys(operand for pair in self.pairs for operand in pair))


SYMMETRIC: Final = ("nm,nd->md", "md,kd->mk")
"""Products of which half is computed when both operands are the same: the other half is its mirror image."""


def _flops(axes: str, left: Buffer, right: Buffer) -> int:
    letters = axes.split("->")[0].split(",")
    sizes = dict(zip("".join(letters), (*left.shape, *right.shape), strict=True))
    symmetric = left == right and axes in SYMMETRIC
    return (1 if symmetric else 2) * prod(size for size in sizes.values() if isinstance(size, int))


@dataclass(frozen=True, kw_only=True)
class Reduce:
    """out = the sum of src over `axis`, or over all its axes (None). An accumulator sums in float64.

    `of_product` says that this is what became of a product with a constant vector: a target may take it for one.
    """

    out: Buffer
    src: Buffer
    axis: int | None
    of_product: bool = False
    number: str = ""

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return (self.src,)


@dataclass(frozen=True)
class View:
    """out = src under another name or shape, without a copy.

    Four forms, told apart by the shapes: the same value, a slice of the last axis from `start`, a further last axis of
    one, (M,) → (M, 1) or (N, C) → (N, C, 1), or a sample's row for all its tangents, (N, M) → (N, 1, M).
    """

    out: Buffer
    src: Buffer
    start: int = 0
    number: str = ""

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return (self.src,)


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
class Transpose:
    """out = srcᵀ, a copy: what does not vary over the batch, with its rows as columns."""

    out: Buffer
    src: Buffer
    number: str = ""

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return (self.src,)


@dataclass(frozen=True, kw_only=True)
class Fused:
    """One loop over a shape: steps in order, each of which may read earlier ones, and totals taken in the same pass.

    A total is over all axes, or over the tangents of each sample: axis 1 of three. Only the `stored` results
    exist afterwards; the other steps are local to an element. What `passes.fuse` makes of neighbours; a kernel, on
    targets that have kernels.
    """

    shape: Shape
    steps: tuple[tuple[Buffer, sp.Expr], ...]
    stored: tuple[Buffer, ...]
    totals: tuple[Reduce, ...]
    reads: tuple[Buffer, ...]

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (*self.stored, *(total.out for total in self.totals))


Op: TypeAlias = Pointwise | Elementary | Product | Reduce | View | Concat | Identity | Transpose | Fused
