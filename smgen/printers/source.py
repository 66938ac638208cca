"""A schedule as Python source, before it is laid out: what every printer of host code returns."""

from __future__ import annotations

from dataclasses import dataclass

from smgen.ir import Buffer, Shape, View, column_of


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines of code under the equation they compute."""

    math: str
    code: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrintedSweep:
    """A sweep as its name and statements."""

    name: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class PrintedFunction:
    """A schedule as source: what it reads, the arrays it writes into, its sweeps, and what it returns."""

    name: str
    reads: tuple[str, ...]
    arrays: tuple[Buffer, ...]
    sweeps: tuple[PrintedSweep, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TiledFunction:
    """A schedule cut by `passes.tile` as source.

    `arrays` and `once` are of the call, `tile_arrays` and `tile` of every tile, `sums` what a tile returns, `results`
    the arrays over the batch that tiles fill, `end` what is left when all tiles are done.
    """

    name: str
    reads: tuple[str, ...]
    arrays: tuple[Buffer, ...]
    once: tuple[PrintedSweep, ...]
    tile_arrays: tuple[Buffer, ...]
    tile: tuple[PrintedSweep, ...]
    sums: tuple[str, ...]
    results: tuple[Buffer, ...]
    end: tuple[PrintedSweep, ...]
    outputs: tuple[str, ...]


MATMUL = {
    "nd,md->nm": "matmul({left}, {right}.T",
    "nm,md->nd": "matmul({left}, {right}",
    "nm,nd->md": "matmul({left}.T, {right}",
    "md,kd->mk": "matmul({left}, {right}.T",
    "mk,kd->md": "matmul({left}, {right}",
    "m,md->d": "matmul({left}, {right}",
    "d,md->m": "matmul({right}, {left}",
}
"""Every product the lowering makes, as BLAS sees it; the call is left open for `, out=`."""


def shape_source(shape: Shape) -> str:
    """A shape as Python source, N a variable."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def view_source(op: View) -> str:
    """A view as an index expression."""
    out: Buffer = op.out
    if out.shape == op.src.shape:
        return op.src.name
    if out.shape == column_of(op.src.shape):
        return f"{op.src.name}[:, None]"
    return f"{op.src.name}[..., {op.start}:{op.start + int(out.shape[-1])}]"
