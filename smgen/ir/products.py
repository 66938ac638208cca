"""Products of matrices: with one for all samples, of those of each sample, and with windows over images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from math import prod

from smgen.ir.axes import Sliding
from smgen.ir.buffers import BATCH, Buffer, Layout


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


class WindowForm(Enum):
    """What a product does with windows w: reads rows of an image, or adds rows to the places that windows read."""

    TIMES = "w(A) B"
    TRANSPOSED_TIMES = "w(A)ᵀ B"
    FOLDED = "wᵀ(A B)"


@dataclass(frozen=True, kw_only=True)
class WindowProduct:
    """A product with windows over images, or of rows for windows, that are never stored. The pass `slide` makes them.

    What windows read of an image is (windows, taps · channels), taps first, as in `Unfold`. `TRANSPOSED_TIMES` sums
    over the windows of all samples. The products of all pairs are added. No window of `axes` reads outside its image.
    """

    out: Buffer
    pairs: tuple[tuple[Buffer, Buffer], ...]
    form: WindowForm
    axes: tuple[Sliding, ...]

    @property
    def image(self) -> Buffer:
        """The first image, or the result that is one."""
        return self.out if self.form is WindowForm.FOLDED else self.pairs[0][0]

    @property
    def flops(self) -> int:
        """FLOPs a sample, or a call if nothing varies over the batch. A multiply-add counts two."""
        windows = prod(axis.count for axis in self.axes) * (self.image.tangents or 1)
        depth = prod(axis.kernel for axis in self.axes) * self.image.layout.units[-1]
        other = self.pairs[0][0 if self.form is WindowForm.FOLDED else 1].layout.units[-1]
        return 2 * len(self.pairs) * windows * depth * other

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @cached_property
    def reads(self) -> tuple[Buffer, ...]:
        return tuple(dict.fromkeys(operand for pair in self.pairs for operand in pair))
