"""A schedule as Python source, before it is laid out: what every printer of host code returns."""

from __future__ import annotations

from dataclasses import dataclass

from smgen.ir import Buffer, Function, Product, Shape, View, column_of, row_of


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines of code under the equation they compute."""

    math: str
    code: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrintedSweep:
    """A sweep as its heading and statements."""

    heading: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedFunction:
    """A schedule as source: what it reads, the arrays it writes into, its sweeps, and what it returns."""

    function: Function
    reads: tuple[str, ...]
    arrays: tuple[Buffer, ...]
    sweeps: tuple[PrintedSweep, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TiledFunction:
    """A schedule cut by `passes.tile` as source.

    `arrays` and `once` are of the call, `tile_arrays` and `tile` of every tile, `sums` what a tile returns, `results`
    the arrays over the batch that tiles fill, `end` what is left when all tiles are done.
    """

    function: Function
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
    "nd,md->nm": "{left}, {right}.T",
    "nm,md->nd": "{left}, {right}",
    "nm,nd->md": "{left}.T, {right}",
    "md,kd->mk": "{left}, {right}.T",
    "mk,kd->md": "{left}, {right}",
    "m,md->d": "{left}, {right}",
    "d,md->m": "{right}, {left}",
    "cd,md->cm": "{left}, {right}.T",
    "cm,md->cd": "{left}, {right}",
    "cm,cd->md": "{left}.T, {right}",
    "ncd,md->ncm": "{rows_left}, {right}.T",
    "ncm,md->ncd": "{rows_left}, {right}",
    "ncm,ncd->md": "{rows_left}.T, {rows_right}",
    "ncm,nmd->ncd": "{left}, {right}",
    "cm,nmd->ncd": "{left}, {right}",
    "ncm,ncd->nmd": "{left}.transpose(0, 2, 1), {right}",
    "ncm,cd->nmd": "{left}.transpose(0, 2, 1), {right}",
    "cm,ncd->nmd": "{left}.T, {right}",
}
"""Every product the lowering makes, as the operands of a matrix product or of one for each sample.

`rows` are all tangents of all samples, one below the other.
"""


def product_source(op: Product) -> tuple[str, str]:
    """The operands of `matmul`, and what to make of the result's array before it is written to."""
    left, right = op.left, op.right
    operands = MATMUL[op.axes].format(left=left.name, right=right.name, rows_left=_rows(left), rows_right=_rows(right))
    flat = "rows_left" in MATMUL[op.axes] and op.out.batched
    return operands, f".reshape(-1, {op.out.shape[-1]})" if flat else ""


def _rows(b: Buffer) -> str:
    return f"{b.name}.reshape(-1, {b.shape[-1]})"


def shape_source(shape: Shape) -> str:
    """A shape as Python source, N a variable."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def view_source(op: View) -> str:
    """A view as an index expression."""
    out: Buffer = op.out
    if out.shape == op.src.shape:
        return op.src.name
    if out.shape == column_of(op.src.shape):
        return f"{op.src.name}[..., None]" if op.src.batched else f"{op.src.name}[:, None]"
    if len(op.src.shape) == 2 and out.shape == row_of(op.src.shape):
        return f"{op.src.name}[:, None]"
    return f"{op.src.name}[..., {op.start}:{op.start + int(out.shape[-1])}]"
