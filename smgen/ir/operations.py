"""Operations: what is computed from which buffers, and by which equation.

`number` is the number of the equation in the source, "(11)+(12)", or in docs/mathematics.md, "[+] 8". The text of the
equation is printed from the operation itself, after the algebraic passes (`equations.printer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import sympy as sp

from smgen.ir.buffers import Buffer, Layout, Shape
from smgen.ir.moves import Concat, Fold, Greatest, Identity, Mix, Permute, Transpose, Unfold, View
from smgen.ir.patches import PatchProduct
from smgen.ir.products import EachProduct, Product, WindowProduct


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


WholeRows: TypeAlias = Permute | Mix | Greatest | EachProduct | Unfold | Fold | WindowProduct | PatchProduct
"""Operations that take the row of a sample as a whole: its numbers lie side by side, and none is computed alone."""

Op: TypeAlias = Pointwise | Elementary | Product | Reduce | View | Concat | Identity | Transpose | WholeRows | Fused
