"""Operations: what is computed from which buffers, and by which equation.

`number` is the number of the equation in the source, "(11)+(12)", or in docs/mathematics.md, "[+] 8". The text of the
equation is printed from the operation itself, after the algebraic passes (`equations.printer`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from math import prod
from typing import Literal, TypeAlias

import sympy as sp

from smgen.ir.buffers import BATCH, Buffer, Layout, Shape
from smgen.ir.moves import Concat, Fold, Greatest, Identity, Mix, Permute, Transpose, Unfold, View


@dataclass(frozen=True)
class Pointwise:
    """outs = exprs, element by element over the broadcast shape. Expressions read `reads` and earlier outs."""

    outs: tuple[Buffer, ...]
    exprs: tuple[sp.Expr, ...]
    reads: tuple[Buffer, ...]
    number: str = ""


@dataclass(frozen=True)
class Elementary:
    """out = function(operands), one machine operation. The pass `elementary` makes them from a `Pointwise`.

    An operand is the symbol of a buffer or a scalar expression.
    """

    out: Buffer
    function: str
    operands: tuple[sp.Expr, ...]
    reads: tuple[Buffer, ...]

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)


class Form(Enum):
    """How a product reads its operands. The last two axes of each are a matrix."""

    TIMES = "A B"
    TIMES_TRANSPOSED = "A Bᵀ"
    TRANSPOSED_TIMES = "Aᵀ B"


@dataclass(frozen=True, kw_only=True)
class Product:
    """out = a matrix product of left and right.

    `left` has a row for every sample and each of its tangents, and `right` is one matrix. `TRANSPOSED_TIMES` sums over
    the rows of both. With `each_sample` every sample has its own matrix, and the result has one for each sample too.
    The products of the pairs `plus` are added to the result: together they are one product of stacked operands.
    """

    out: Buffer
    left: Buffer
    right: Buffer
    form: Form
    each_sample: bool = False
    plus: tuple[tuple[Buffer, Buffer], ...] = ()
    number: str = ""

    @property
    def pairs(self) -> tuple[tuple[Buffer, Buffer], ...]:
        """All pairs of operands."""
        return ((self.left, self.right), *self.plus)

    @property
    def is_row_product(self) -> bool:
        """Whether this multiplies a row of each sample with a matrix that is the same for all samples."""
        return self.left.is_vector and not self.right.batched and self.form is not Form.TRANSPOSED_TIMES

    @property
    def is_batch_sum(self) -> bool:
        """Whether this is Σ_n of the outer products of two rows a sample."""
        return self.left.is_vector and self.right.is_vector and self.form is Form.TRANSPOSED_TIMES

    def is_gram(self, left: Buffer, right: Buffer) -> bool:
        """Whether the product of a pair is symmetric: X Xᵀ of a matrix, or Σ_n x xᵀ of a row a sample."""
        of_rows = not left.batched and self.form is Form.TIMES_TRANSPOSED
        return left == right and (self.is_batch_sum or of_rows)

    @property
    def flops(self) -> int:
        """FLOPs a sample, or a call if nothing varies over the batch. A multiply-add counts two, in X Xᵀ one."""
        return sum(self._flops(left, right) for left, right in self.pairs)

    def _flops(self, left: Buffer, right: Buffer) -> int:
        transposed = self.form is Form.TRANSPOSED_TIMES
        summed = left.shape[-1:] if not transposed else left.shape[-2:-1] if self.each_sample else left.shape[:-1]
        sizes = [size for size in (*self.out.shape, *summed) if isinstance(size, int)]
        return (1 if self.is_gram(left, right) else 2) * prod(sizes)

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @cached_property
    def reads(self) -> tuple[Buffer, ...]:
        return tuple(dict.fromkeys(operand for pair in self.pairs for operand in pair))


@dataclass(frozen=True, kw_only=True)
class EachProduct:
    """out = matrix products of two values of each sample: places × units is `blocks` matrices one below the other.

    An operand without tangents, or one that is the same for all samples, is that of all.
    """

    out: Buffer
    left: Buffer
    right: Buffer
    form: Form
    blocks: int = 1
    number: str = ""

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The rows and columns of a matrix of the result, and the length of the sums in it."""
        rows, columns = (self.out.layout.places or 1) // self.blocks, self.out.layout.units[-1]
        transposed = self.form is Form.TRANSPOSED_TIMES
        summed = (self.left.layout.places or 1) // self.blocks if transposed else self.left.layout.units[-1]
        return rows, columns, summed

    @property
    def flops(self) -> int:
        """FLOPs a sample. A multiply-add counts two."""
        return 2 * prod(self.sizes) * self.blocks * (self.out.tangents or 1)

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return tuple(dict.fromkeys((self.left, self.right)))


def each_product_layout(form: Form, left: Layout, right: Layout, blocks: int) -> Layout:
    """The layout of such a product. Raises `ValueError` where the operands do not fit."""
    (a, k), (b, n) = (((layout.places or 1) // blocks, layout.units[-1]) for layout in (left, right))
    rows, columns, fits = {
        Form.TIMES: (a, n, k == b),
        Form.TIMES_TRANSPOSED: (a, b, k == n),
        Form.TRANSPOSED_TIMES: (k, n, a == b),
    }[form]
    if not fits or any((layout.places or 1) % blocks for layout in (left, right)):
        raise ValueError(f"{left.shape} and {right.shape} do not fit for {form.value} of {blocks} blocks")
    tangents = max((layout.tangents for layout in (left, right) if layout.tangents is not None), default=None)
    return Layout(left.batch or right.batch, tangents, (columns,), blocks * rows)


def product_layout(form: Form, left: Layout, right: Layout, *, each_sample: bool) -> Layout:
    """The layout of a product. Raises `ValueError` where the operands do not fit."""
    a, b = left.shape, right.shape
    result = Layout()
    if len(b) < 2:
        fits = False
    elif form is Form.TRANSPOSED_TIMES:
        own = BATCH in a[:-2] + b[:-2] and a[-2:-1] == b[-2:-1]
        fits = own if each_sample else a[:-1] == b[:-1]
        rows, columns = left.units[-1], right.units[-1]
        result = Layout(True, rows, (columns,)) if each_sample else Layout(units=(rows, columns))
    else:
        summed, kept = b[-2:] if form is Form.TIMES else (b[-1], b[-2])
        fits = a[-1] == summed and b[:-2] == ((BATCH,) if each_sample else ())
        if fits and kept != BATCH:
            result = replace(left.with_units(kept), batch=left.batch or each_sample)
    if not fits:
        raise ValueError(f"{a} and {b} do not fit for {form.value}{' each sample' * each_sample}")
    return result


@dataclass(frozen=True, kw_only=True)
class Reduce:
    """out = the sum of src over `axis`, over all axes but the last (rows), or over all axes (None).

    An accumulator sums in float64. `was_product` says that this stands for a product with a vector of ones: a target
    may compute it as that product.
    """

    out: Buffer
    src: Buffer
    axis: int | Literal["rows"] | None
    was_product: bool = False
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

    A total sums over all axes, or over the tangents of each sample. Only the `stored` results are arrays; other steps
    are local to an element. The pass `fuse` makes these loops; on a GPU each is a kernel.
    """

    layout: Layout
    steps: tuple[tuple[Buffer, sp.Expr], ...]
    stored: tuple[Buffer, ...]
    totals: tuple[Reduce, ...]
    reads: tuple[Buffer, ...]

    @property
    def shape(self) -> Shape:
        """All axes."""
        return self.layout.shape

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (*self.stored, *(total.out for total in self.totals))


WholeRows: TypeAlias = Permute | Mix | Greatest | EachProduct | Unfold | Fold
"""Operations that take the row of a sample as a whole: its numbers lie side by side, and none is computed alone."""

Op: TypeAlias = Pointwise | Elementary | Product | Reduce | View | Concat | Identity | Transpose | WholeRows | Fused
