"""Buffers: the arrays that operations read and write, and their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
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
    """What mathematics calls a buffer, `δ_filters`, and its place among the factors of a product: low ones first.

    `family` is what it is called without its vertex, δ: sections of generated code list these. `formula` is what an
    equation says that the buffer is, where what is computed is a rearrangement of it: a nonlinearity or its derivative,
    in the letter of its argument.
    """

    text: str
    place: int = 0
    family: str = ""
    formula: sp.Expr | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A buffer's name in code, and its letter if mathematics has one for it."""

    code: str
    letter: Letter | None = None

    def part(self, suffix: str) -> Name:
        """The name of something that this is made of, without a letter."""
        return Name(f"{self.code}_{suffix}")


@dataclass(frozen=True)
class Buffer:
    """A named array of the module's dtype (`real`) or of float64 (`accumulator`: the loss sums).

    Equations write a buffer without a letter as what it is computed from.
    """

    name: str
    shape: Shape
    letter: Letter | None = None
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
    def is_vector(self) -> bool:
        """Whether a sample has one row of it."""
        return self.batched and len(self.shape) == 2

    @property
    def rank(self) -> int:
        """0 for a scalar, 1 for what is computed once a call, 2 once a sample, 3 for each of a sample's tangents."""
        if not self.batched:
            return 1 if self.shape else 0
        return 2 + (len(self.shape) == 3 and 1 not in self.shape[1:])


LAMBDA: Final = Buffer("lam", (), Letter("λ"), "accumulator")
SAMPLES: Final = Buffer("N", (), Letter("N"), "accumulator")
"""The scalar arguments that every schedule may read, in expressions of any dtype."""


@lru_cache(maxsize=1 << 16)
def names_in(expr: sp.Expr) -> frozenset[str]:
    """The names of the buffers in an expression; known of every expression after the first look."""
    return frozenset(s.name for s in expr.free_symbols)


@lru_cache(maxsize=4096)
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
