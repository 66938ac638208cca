"""Schedules as source, before layout: the results of the printers of host code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smgen.errors import unreachable
from smgen.ir import Buffer, EachProduct, Form, Function, Fused, Op, Product, Shape, View

WIDTH: Final = 116
"""The columns of emitted code."""


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


@dataclass(frozen=True, slots=True)
class NamedArray:
    """An array of the workspace, and the names of all that is written to it, in order."""

    shape: Shape
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedFunction:
    """A schedule as source: what it reads, the arrays it writes into, its sweeps, and what it returns.

    `arrays` are shared among functions; each of `own` is used for nothing else. `calls` are helpers of the module.
    """

    function: Function
    reads: tuple[Buffer, ...]
    arrays: tuple[NamedArray, ...]
    own: tuple[Buffer, ...]
    sweeps: tuple[PrintedSweep, ...]
    outputs: tuple[str, ...]
    calls: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TiledFunction:
    """A schedule cut by `passes.tile` as source.

    `arrays` and `once` belong to the call, `tile_arrays` and `tile` to every tile, `sums` is what a tile returns,
    `results` are the arrays over the batch that tiles fill, `end` is done after the last tile. `counts` says that the
    number of samples is read.
    """

    function: Function
    reads: tuple[Buffer, ...]
    counts: bool
    arrays: tuple[NamedArray, ...]
    once: tuple[PrintedSweep, ...]
    tile_arrays: tuple[NamedArray, ...]
    tile: tuple[PrintedSweep, ...]
    sums: tuple[str, ...]
    results: tuple[Buffer, ...]
    end: tuple[PrintedSweep, ...]
    outputs: tuple[str, ...]


def computed(op: Op) -> tuple[Buffer, ...]:
    """What has an equation above an operation: its results, and the steps of a loop that have a letter."""
    if not isinstance(op, Fused):
        return op.outs
    steps = (out for out, _ in op.steps if out.letter is not None or out in op.stored)
    return (*steps, *(total.out for total in op.totals))


def product_source(op: Product) -> tuple[str, str]:
    """The operands of `matmul`, and the method call that reshapes the array of the result, if any.

    The tangents of all samples are rows of one matrix, except in a product with a matrix for each sample.
    """
    left, right = op.left.name, op.right.name
    if op.each_sample:
        turned = ".transpose(0, 2, 1)" if op.left.batched else ".T"
        return f"{left}{turned if op.form is Form.TRANSPOSED_TIMES else ''}, {right}", ""
    flat = len(op.left.shape) > 2
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
    return operands, f".reshape(-1, {op.out.shape[-1]})" if flat and len(op.out.shape) > 2 else ""


def each_product_source(op: EachProduct) -> tuple[str, str]:
    """The operands of `matmul`, and the method call that reshapes the array of the result: a matrix a block."""
    tangents = any(b.tangents is not None for b in (op.left, op.right))

    def matrices(b: Buffer) -> str:
        rows, columns = (b.layout.places or 1) // op.blocks, b.layout.units[-1]
        between = [b.tangents or 1] * tangents + [op.blocks] * (op.blocks > 1)
        return f".reshape({', '.join(map(str, [-1, *between, rows, columns]))})"

    left, right = (f"{b.name}{matrices(b)}" for b in (op.left, op.right))
    left += ".swapaxes(-1, -2)" * (op.form is Form.TRANSPOSED_TIMES)
    right += ".swapaxes(-1, -2)" * (op.form is Form.TIMES_TRANSPOSED)
    return f"{left}, {right}", matrices(op.out)


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
    if op.is_reshaped:
        sizes = ("-1", *map(str, out.shape[1:])) if out.batched else map(str, out.shape)
        return f"{op.src.name}.reshape({', '.join(sizes)})"
    if op.is_column:
        return (
            f"{op.src.name}[:, None]" if len(op.src.shape) == 1 and not op.src.batched else f"{op.src.name}[..., None]"
        )
    if op.is_row:
        return f"{op.src.name}[:, None]"
    return f"{op.src.name}[..., {op.start}:{op.start + int(out.shape[-1])}]"
