"""A schedule as Python source, before it is laid out: what every printer of host code returns."""

from __future__ import annotations

from dataclasses import dataclass

from smgen.errors import unreachable
from smgen.ir import Buffer, Form, Function, Product, Shape, View


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
    """A schedule as source: what it reads, the arrays it writes into, its sweeps, what it returns, and what it calls.

    `calls` are helpers that the module has beside its functions.
    """

    function: Function
    reads: tuple[str, ...]
    arrays: tuple[Buffer, ...]
    sweeps: tuple[PrintedSweep, ...]
    outputs: tuple[str, ...]
    calls: frozenset[str]


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


def product_source(op: Product) -> tuple[str, str]:
    """The operands of `matmul`, and what to make of the result's array before it is written to.

    All tangents of all samples are rows of one matrix, one below the other, except where a sample has its own.
    """
    left, right = op.left.name, op.right.name
    if op.each_sample:
        turned = ".transpose(0, 2, 1)" if op.left.batched else ".T"
        return f"{left}{turned if op.form is Form.TRANSPOSED_TIMES else ''}, {right}", ""
    flat = op.left.is_stack
    if flat:
        left = _rows(op.left)
    match op.form:
        case Form.TIMES:
            operands = f"{left}, {right}"
        case Form.TIMES_TRANSPOSED:
            operands = f"{left}, {right}.T" if len(op.left.shape) > 1 else f"{right}, {left}"
        case Form.TRANSPOSED_TIMES:
            operands = f"{left}.T, {_rows(op.right) if flat else right}"
        case _:
            raise unreachable(op.form)
    return operands, f".reshape(-1, {op.out.shape[-1]})" if flat and op.out.batched else ""


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
    if op.is_column:
        return f"{op.src.name}[..., None]" if op.src.batched else f"{op.src.name}[:, None]"
    if op.is_row:
        return f"{op.src.name}[:, None]"
    return f"{op.src.name}[..., {op.start}:{op.start + int(out.shape[-1])}]"
