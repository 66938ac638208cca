"""CUDA kernels as data: what a template lays out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smgen.ir import Layout


def text_of(kernels: Iterable[Kernel]) -> str:
    """All that kernels compute, to look for calls in."""
    return "\n".join(
        line for kernel in kernels for line in (*kernel.body, *(s for v in kernel.variants for s in v.loads))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to run a kernel: `lanes` values a thread."""

    name: str
    columns: int
    lanes: int
    loads: tuple[str, ...]
    calls: tuple[str, ...]
    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel ready to lay out. `body` is the mathematics of one element, written once for all variants."""

    name: str
    rows: int | None
    tangents: int
    columns: int
    lanes: int
    at_parameters: str
    body: tuple[str, ...]
    parameters: str
    totals: tuple[str, ...]
    variants: tuple[Variant, ...]

    @property
    def rows_text(self) -> str:
        """The number of rows: N, N for each tangent, or a number."""
        if self.rows is None:
            return "N" if self.tangents == 1 else f"N * {self.tangents}"
        return str(self.rows)

    @property
    def rows_number(self) -> int:
        """The number of rows, 0 for N."""
        return self.rows or 0


@dataclass(frozen=True, slots=True)
class ScalarKernel:
    """A kernel of one block: the totals of all partial sums, and the scalars that follow from them."""

    name: str
    parameters: str
    totals: tuple[str, ...]
    body: tuple[str, ...]


def variant_name(name: str, lanes: int) -> str:
    """A kernel's name for so many values a thread. No buffer's name begins like this, whatever layers are called."""
    return name if lanes == 1 else f"vec{lanes}_{name}"


def tangents_of(layout: Layout) -> int:
    """Rows of each sample."""
    return layout.tangents if layout.batch and layout.tangents is not None else 1


def dimensions(layout: Layout) -> tuple[int | None, int]:
    """Rows (None for N, or N for each tangent) and columns of a loop."""
    last = layout.units[-1] if layout.units else 1
    if layout.batch:
        return None, last
    return (int(layout.shape[0]), last) if len(layout.shape) > 1 else (1, last)
