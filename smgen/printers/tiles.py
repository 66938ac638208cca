"""Schedules as C: loops and products over tiles of rows, in the columns or rows that are a thread's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sympy as sp

from smgen.errors import InternalError
from smgen.ir import (
    BATCH,
    Buffer,
    Concat,
    Fused,
    Identity,
    Op,
    Phase,
    Product,
    Reduce,
    Schedule,
    Shape,
    Transpose,
    View,
)
from smgen.passes.hazards import barriers
from smgen.printers.c import CPrinter
from smgen.printers.memory import Memory, plan_memory
from smgen.printers.source import PrintedSweep, Statement

PRODUCTS: Final = {
    "nd,md->nm": "times_transposed",
    "nm,md->nd": "times",
    "nm,nd->md": "transposed_times",
    "md,kd->mk": "times_transposed",
    "mk,kd->md": "times",
    "m,md->d": "times",
    "d,md->m": "times_transposed",
    "cd,md->cm": "times_transposed",
    "cm,md->cd": "times",
    "cm,cd->md": "transposed_times",
    "ncd,md->ncm": "times_transposed",
    "ncm,md->ncd": "times",
    "ncm,ncd->md": "transposed_times",
    "ncm,nmd->ncd": "times",
    "cm,nmd->ncd": "times",
    "ncm,ncd->nmd": "transposed_times",
    "ncm,cd->nmd": "transposed_times",
    "cm,ncd->nmd": "transposed_times",
}
"""Every product the lowering and the passes make, as a function of the runtime."""

EACH_SAMPLE: Final = frozenset(axes for axes in PRODUCTS if axes.endswith(("->nmd", "nmd->ncd")))
"""Products of a sample's own matrices; in the others all tangents of all samples are rows of one matrix."""

GRAMS: Final = {"nm,nd->md": "gram_of_columns", "md,kd->mk": "gram_of_rows"}
"""Products of an array with itself: half of the result is the other half."""


@dataclass(frozen=True, slots=True)
class PrintedTiles:
    """A schedule as C, ready to lay out: where its arrays are, and the statements of each phase."""

    name: str
    memory: Memory
    reads: tuple[str, ...]
    once: tuple[PrintedSweep, ...]
    tile: tuple[PrintedSweep, ...]
    end: tuple[PrintedSweep, ...]
    text: str


def print_tiles(schedule: Schedule, dtype: str) -> PrintedTiles:
    """`schedule`, tiled and fused, as C."""
    memory = plan_memory(schedule, dtype)
    phases: dict[Phase, list[PrintedSweep]] = {"once": [], "tile": [], "end": []}
    waits = barriers(schedule)
    position = 0
    for sweep in schedule.sweeps:
        printer = _Printer(memory, dtype, sweep.phase)
        statements: list[Statement] = []
        for op in sweep.ops:
            if position in waits:
                statements.append(Statement("", (f"together({printer.team});",)))
            statements += printer.statements(op)
            position += 1
        phases[sweep.phase].append(PrintedSweep(sweep.name, tuple(s for s in statements if s.code)))
    read = {b.name for op in schedule.ops for b in op.reads}
    lines = [line for printed in phases.values() for sweep in printed for s in sweep.statements for line in s.code]
    return PrintedTiles(
        schedule.name,
        memory,
        tuple(b.name for b in schedule.inputs if b.name in read),
        tuple(phases["once"]),
        tuple(phases["tile"]),
        tuple(phases["end"]),
        "\n".join(lines),
    )


class _Printer:
    """Prints the operations of one phase. A tile is a team's, everything else is all threads'."""

    def __init__(self, memory: Memory, dtype: str, phase: Phase) -> None:
        self.memory = memory
        self.c = CPrinter(dtype, simd=True)
        self.phase = phase
        self.team = "mine" if phase == "tile" else "all"

    def statements(self, op: Op) -> Iterator[Statement]:
        match op:
            case Fused(shape=()):
                yield from self.scalars(op)
            case Fused():
                yield Statement("", tuple(self.loop(op)))
            case Product():
                yield Statement(op.out.math, tuple(self.product(op)))
            case Reduce(out, src, axis, _):
                yield Statement(out.math, tuple(self.reduce(out, src, axis)))
            case Concat(out, parts, reads):
                yield Statement(out.math, tuple(self.concat(out, parts, reads)))
            case Identity(out):
                yield Statement(out.math, tuple(self.rows_of(out, "i == j")))
            case Transpose(out, src):
                yield Statement(out.math, tuple(self.rows_of(out, f"{src.name}[j * {self.memory.stride(src)} + i]")))
            case View():
                return
            case _:
                raise InternalError(f"C has loops: {op.outs[0].name} must be fused")

    # Loops

    def loop(self, op: Fused) -> list[str]:
        """The loop of a fused operation; outside tiles, totals and the scalars made of them are the first thread's."""
        rows, columns = _sides(op.shape)
        sums = ", ".join(total.out.name for total in op.totals)
        body = list(self.body(op))
        if len(op.shape) == 3:
            sums = ", ".join(total.out.name for total in op.totals if not total.out.shape)
            inner = _columns(f"s{columns}.first", f"s{columns}.last", sums, body)
            return _for("n", "0", "rows", _for("c", "0", str(op.shape[1]), inner))
        if self.phase == "tile":
            return _for("n", "0", "rows", _columns(f"s{columns}.first", f"s{columns}.last", sums, body))
        if sums:
            declared = [f"double {total.out.name} = 0;" for total in op.totals]
            whole = _columns("0", str(columns), sums, body)
            return [*declared, *_block("if (all.rank == 0)", _for("n", "0", rows, whole) if rows else whole)]
        if rows:
            return self.shared(rows, "n", _columns("0", str(columns), "", body))
        return self.shared(str(columns), "j", body)

    def body(self, op: Fused) -> Iterator[str]:
        _, columns = _sides(op.shape)
        names = {b.symbol: sp.Symbol(self.element(b, op.shape)) for b in (*op.reads, *op.stored) if b.shape}
        if any(str(name).endswith("[k]") for name in names.values()):
            yield f"const long k = {self.row(op.shape, columns)} + j;"
        again = {s for _, expr in op.steps for s in expr.free_symbols} | {total.src.symbol for total in op.totals}
        for out, expr in op.steps:
            if out.math:
                yield f"/* {out.math} */"
            value = f"{self.c(expr.xreplace(names))};"
            if out not in op.stored:
                yield f"const real {out.name} = {value}"
            elif out.symbol not in again:
                yield f"{self.element(out, op.shape)} = {value}"
            else:
                names[out.symbol] = sp.Symbol(f"{out.name}_")
                yield f"const real {out.name}_ = {value}"
                yield f"{self.element(out, op.shape)} = {out.name}_;"
        for total in op.totals:
            if total.out.math:
                yield f"/* {total.out.math} */"
            value = names.get(total.src.symbol, total.src.symbol)
            if total.out.shape:  # over the tangents
                target = self.element(total.out, (BATCH, columns))
                target = target.replace("[k]", f"[n * {columns} + j]")
                yield f"{target} = (c ? {target} : 0) + {value};"
            else:
                yield f"{total.out.name} += {value};"

    def shared(self, count: str, index: str, body: list[str]) -> list[str]:
        """A loop of which every thread takes a part."""
        head = f"const span own = share({self.team}, {count});"
        return ["{", f"    {head}", *(f"    {line}" for line in _for(index, "own.first", "own.last", body)), "}"]

    @staticmethod
    def row(shape: Shape, stride: int) -> str:
        """Where a row of an array begins that has the loop's own shape: tangents c of samples n, or rows n."""
        return f"(n * {shape[1]} + c) * {stride}" if len(shape) == 3 else f"n * {stride}"

    def element(self, b: Buffer, shape: Shape) -> str:
        """One element of an array in a loop; an axis of one unit has one. k counts the elements of the loop."""
        stride = self.memory.stride(b)
        _, columns = _sides(shape)
        if b.shape == shape and len(shape) > 1 and stride == columns != 1 and shape[0] != 1:
            return f"{b.name}[k]"
        column = "" if b.shape[-1] in (1, BATCH) else "j"
        return f"{b.name}[{' + '.join(filter(None, (self._row_in(b, shape, stride), column))) or '0'}]"

    def _row_in(self, b: Buffer, shape: Shape, stride: int) -> str:
        if len(shape) == 3 and len(b.shape) == 3 and b.shape[1] != 1:
            return f"n * {shape[1]} + c" if stride == 1 else self.row(shape, stride)
        if len(shape) == 3 and len(b.shape) == 2 and not b.batched and b.shape[0] != 1:
            return "c" if stride == 1 else f"c * {stride}"
        if b.shape[0] == 1 or (len(b.shape) == 1 and not b.batched):
            return ""
        return "n" if stride == 1 else f"n * {stride}"

    def scalars(self, op: Fused) -> Iterator[Statement]:
        c = CPrinter("float64")
        for out, expr in op.steps:
            yield Statement(out.math, (f"const double {out.name} = {c(expr)};",))
        returned = [f"{self.memory.number(b)} = {b.name};" for b in op.stored if self.memory.number(b)]
        yield Statement("", tuple(_block("if (all.rank == 0)", returned) if returned else ()))

    # Products and sums

    def product(self, op: Product) -> Iterator[str]:
        summed = self.phase == "tile" and not op.out.batched
        for position, (left, right) in enumerate(op.pairs):
            more = "1" if position else "more" if summed else "0"
            yield self._product(op, left, right, more)

    def _product(self, op: Product, left: Buffer, right: Buffer, more: str) -> str:
        a, b, out = (f"{x.name}, {self.memory.stride(x)}" for x in (left, right, op.out))
        if left == right and op.axes in GRAMS:
            size, depth = (left.shape[1], "rows") if op.axes == "nm,nd->md" else (left.shape[0], left.shape[1])
            return f"{GRAMS[op.axes]}({self.team}, {size}, {depth}, {a}, {more}, {out});"
        if op.axes in EACH_SAMPLE:
            rows = str(left.shape[-2])
            a, b, out = (self._of_sample(x) for x in (left, right, op.out))
        else:
            rows = " * ".join(["rows"] * left.batched + [str(n) for n in left.shape[:-1] if n != BATCH]) or "1"
        name = PRODUCTS[op.axes]
        match name:
            case "times":
                sizes = f"{rows}, {right.shape[-1]}, {right.shape[-2]}"
            case "times_transposed":
                sizes = f"{rows}, {right.shape[-2]}, {right.shape[-1]}"
            case _:
                sizes = f"{left.shape[-1]}, {right.shape[-1]}, {rows}"
        call = f"{name}({self.team}, {sizes}, {a}, {b}, {more}, {out});"
        return f"for (long n = 0; n < rows; n++) {call}" if op.axes in EACH_SAMPLE else call

    def _of_sample(self, b: Buffer) -> str:
        stride = self.memory.stride(b)
        return f"{b.name} + n * {int(b.shape[1]) * stride}, {stride}" if b.batched else f"{b.name}, {stride}"

    def reduce(self, out: Buffer, src: Buffer, axis: int | None) -> list[str]:
        if axis is None:
            raise InternalError(f"{out.name}: totals are fused")
        stride = self.memory.stride(src)
        if self.phase == "tile" and axis == 0:
            return self.batch_sum(out, src)
        if len(src.shape) == 3:  # over the units of each tangent
            across = f"{src.name}[(n * {src.shape[1]} + c) * {stride} + j]"
            sums = _dot(f"{out.name}[n * {src.shape[1]} + c]", "j", str(src.shape[2]), across)
            return _for("n", "0", "rows", _for("c", f"s{src.shape[1]}.first", f"s{src.shape[1]}.last", sums))
        i = "n" if axis == 1 else "j"
        value = f"{src.name}[n * {stride} + j]"
        inner, count = ("j", src.shape[1]) if axis == 1 else ("n", src.shape[0])
        sums = _dot(f"{out.name}[{i}]", inner, str(count), value, simd=axis == 1)
        if self.phase == "tile":
            return _block("if (s1.first < s1.last)", _for(i, "0", "rows", sums))
        return self.shared(str(out.shape[0]), i, sums)

    def batch_sum(self, out: Buffer, src: Buffer) -> list[str]:
        """What the tile adds to a sum over all samples: of rows in double, of matrices in the dtype."""
        columns = src.shape[-1]
        s = f"s{columns}"
        if len(src.shape) == 2:
            add = [f"{out.name}[j] += {self.element(src, (BATCH, 0))};"]
            return _for("n", "0", "rows", _columns(f"{s}.first", f"{s}.last", "", add))
        target = f"{out.name}[c * {self.memory.stride(out)} + j]"
        value = f"{src.name}[{self.row(src.shape, self.memory.stride(src))} + j]"
        add = [f"{target} = (n || more != 0 ? {target} : 0) + {value};"]
        inner = _columns(f"{s}.first", f"{s}.last", "", add)
        return _for("n", "0", "rows", _for("c", "0", str(src.shape[1]), inner))

    def rows_of(self, out: Buffer, value: str) -> list[str]:
        """A matrix made once a call, its rows shared out."""
        fill = _for("j", "0", str(out.shape[1]), [f"{out.name}[i * {self.memory.stride(out)} + j] = {value};"])
        return self.shared(str(out.shape[0]), "i", fill)

    def concat(self, out: Buffer, parts: tuple[tuple[sp.Expr, int], ...], reads: tuple[Buffer, ...]) -> list[str]:
        """Each thread fills its own columns of the result."""
        known = {b.name: b for b in reads if b.shape}
        s = f"s{out.shape[-1]}" if self.phase == "tile" else f"share({self.team}, {out.shape[-1]})"
        rows = self._row_in(out, out.shape, self.memory.stride(out)) if len(out.shape) > 1 else ""
        lines: list[str] = []
        start = 0
        for part, width in parts:
            value = self.c(part)
            if part.is_Symbol and part.name in known:
                b = known[part.name]
                across = self._row_in(b, out.shape, self.memory.stride(b))
                value = f"{part.name}[{f'{across} + ' if across else ''}j{f' - {start}' if start else ''}]"
            target = f"{out.name}[{f'{rows} + ' if rows else ''}j] = {value};"
            first, last = (
                (f"max_long({s}.first, {start})" if start else f"{s}.first"),
                f"min_long({s}.last, {start + width})",
            )
            columns = _for("j", first, last, [target])
            if len(out.shape) == 3:
                columns = _for("c", "0", str(out.shape[1]), columns)
            lines += _for("n", "0", "rows", columns) if rows else columns
            start += width
        return lines


def _dot(target: str, index: str, count: str, value: str, *, simd: bool = True) -> list[str]:
    """The sum of `value` over `index`, as `target`."""
    return [
        "real sum = 0;",
        *(["#pragma omp simd reduction(+ : sum)"] if simd else []),
        *_for(index, "0", count, [f"sum += {value};"]),
        f"{target} = sum;",
    ]


def _sides(shape: Shape) -> tuple[str, int]:
    """Rows, as C, and columns of a loop; no rows for a single row of values."""
    columns = shape[-1] if isinstance(shape[-1], int) else 1
    if BATCH in shape:
        return "rows", columns
    return (str(shape[0]) if len(shape) == 2 else ""), columns


def _for(index: str, first: str, last: str, body: list[str]) -> list[str]:
    return _block(f"for (long {index} = {first}; {index} < {last}; {index}++)", body)


def _block(head: str, body: list[str]) -> list[str]:
    return [f"{head} {{", *(line if line.startswith("#") else f"    {line}" for line in body), "}"]


def _columns(first: str, last: str, sums: str, body: list[str]) -> list[str]:
    """A loop over columns that vectorises: no element depends on another but through sums."""
    return ["#pragma omp simd" + (f" reduction(+ : {sums})" if sums else ""), *_for("j", first, last, body)]
