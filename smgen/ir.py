"""The intermediate representation: a schedule of sweeps of operations on named buffers, in single-assignment form.

Frozen values throughout. Whether a buffer varies over the batch is part of its shape: (N, M) does, (M,) does not.
Shapes broadcast as NumPy's do. sympy lives only in `Pointwise`, whose expressions name buffers by `Buffer.symbol`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Final, Literal, TypeAlias

import sympy as sp

BATCH: Final[Literal["N"]] = "N"
Dim: TypeAlias = int | Literal["N"]
Shape: TypeAlias = tuple[Dim, ...]
Kind: TypeAlias = Literal["real", "accumulator"]


@dataclass(frozen=True)
class Buffer:
    """A named array of the module's dtype (`real`) or of float64 (`accumulator`: the loss sums).

    `math` is the equation its value satisfies, with its number, as generated code shows it.
    """

    name: str
    shape: Shape
    math: str = ""
    kind: Kind = "real"

    @cached_property
    def symbol(self) -> sp.Symbol:
        """The symbol that stands for this buffer in expressions."""
        return sp.Symbol(self.name, real=True)

    @property
    def batched(self) -> bool:
        """Whether the value varies over the batch."""
        return BATCH in self.shape

    @property
    def rank(self) -> int:
        """0 for a scalar, 1 for what is computed once a call, 2 once a sample, 3 for each of a sample's tangents."""
        if not self.batched:
            return 1 if self.shape else 0
        return 2 + (len(self.shape) == 3 and 1 not in self.shape[1:])


LAMBDA: Final = Buffer("lam", (), "λ", "accumulator")
SAMPLES: Final = Buffer("N", (), "samples in the batch", "accumulator")
"""The scalar arguments that every schedule may read, in expressions of any dtype."""


@dataclass(frozen=True)
class Pointwise:
    """outs = exprs, element by element over the broadcast shape. An expression names what is read, or earlier outs."""

    outs: tuple[Buffer, ...]
    exprs: tuple[sp.Expr, ...]
    reads: tuple[Buffer, ...]


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


@dataclass(frozen=True)
class Product:
    """out = the sum of left·right over the axes missing from the result, as in einsum: axes = "nd,md->nm" is f Wᵀ.

    A letter an operand has later than its place in the result says that it is read transposed. n is the batch, c counts
    tangents. `plus` are further pairs whose products, over the same axes, are added to it: one product of the stacked operands.
    """

    out: Buffer
    left: Buffer
    right: Buffer
    axes: str
    plus: tuple[tuple[Buffer, Buffer], ...] = ()

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


def _flops(axes: str, left: Buffer, right: Buffer) -> int:
    letters = axes.split("->")[0].split(",")
    sizes = dict(zip("".join(letters), (*left.shape, *right.shape), strict=True))
    symmetric = left == right
    return (1 if symmetric else 2) * prod(size for size in sizes.values() if isinstance(size, int))


@dataclass(frozen=True)
class Reduce:
    """out = the sum of src over `axis`, or over all its axes (None). An accumulator sums in float64.

    `of_product` says that this is what became of a product with a constant vector: a target may take it for one.
    """

    out: Buffer
    src: Buffer
    axis: int | None
    of_product: bool = False

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

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)


@dataclass(frozen=True)
class Identity:
    """out = the identity matrix."""

    out: Buffer
    reads: tuple[Buffer, ...] = ()

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)


@dataclass(frozen=True)
class Transpose:
    """out = srcᵀ, a copy: what does not vary over the batch, with its rows as columns."""

    out: Buffer
    src: Buffer

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return (self.src,)


@dataclass(frozen=True)
class Fused:
    """One loop over a shape: steps in order, each of which may read earlier ones, and totals taken in the same pass.

    A total is over all axes, or over the tangents of each sample: axis 1 of three. Only the `stored` results exist afterwards; the other steps are local to an element. What `passes.fuse` makes of
    neighbours; a kernel, on targets that have kernels.
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


Phase: TypeAlias = Literal["once", "tile", "end"]


@dataclass(frozen=True)
class Sweep:
    """One pass over the graph: forward values, backward δ and δ′, forward adjoints, …

    `phase` says how often it runs: once a call before the samples are looked at, for every tile of rows, or at the end,
    when the sums over the tiles are there. What a tile sums over its samples is added up over the tiles. In schedules
    that `passes.tile` has not seen it is "tile" throughout, and the whole batch is one tile.
    """

    name: str
    ops: tuple[Op, ...]
    phase: Phase = "tile"


@dataclass(frozen=True)
class Schedule:
    """Everything one function of the generated module does, in order. `fingerprint` is the network's."""

    name: str
    inputs: tuple[Buffer, ...]
    sweeps: tuple[Sweep, ...]
    outputs: tuple[Buffer, ...]
    fingerprint: str

    @property
    def ops(self) -> Iterator[Op]:
        """All operations in order."""
        return (op for sweep in self.sweeps for op in sweep.ops)

    def with_sweeps(self, sweeps: tuple[tuple[Op, ...], ...]) -> Schedule:
        """The same schedule with other operations; sweeps left empty disappear."""
        named = (replace(old, ops=new) for old, new in zip(self.sweeps, sweeps, strict=True))
        return replace(self, sweeps=tuple(sweep for sweep in named if sweep.ops))


def broadcast(*shapes: Shape) -> Shape:
    """The shape of an elementwise result, as NumPy has it. Raises `ValueError` where the shapes do not agree."""
    result: list[Dim] = []
    for depth in range(1, max(map(len, shapes), default=0) + 1):
        dims = {shape[-depth] for shape in shapes if len(shape) >= depth} - {1}
        if len(dims) > 1:
            raise ValueError(f"shapes {shapes} do not broadcast")
        result.insert(0, dims.pop() if dims else 1)
    return tuple(result)


def column_of(shape: Shape) -> Shape:
    """(M,) → (M, 1), which broadcasts over the inputs of an (M, D) weight; (N, C) → (N, C, 1)."""
    return (*shape, 1)


def row_of(shape: Shape) -> Shape:
    """(N, M) → (N, 1, M), which broadcasts over the tangents (N, C, M)."""
    return (shape[0], 1, shape[1])
