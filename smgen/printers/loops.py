"""Loops in C: one element of a fused operation after the other, in the columns or rows that are a thread's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import sympy as sp

from smgen.ir import BATCH, Buffer, Dim, Fused, Layout, Phase
from smgen.printers.c import CPrinter
from smgen.printers.memory import Memory
from smgen.printers.source import Statement

VALUE: Final = "value_"
"""Before the name of an array, that of its element which a loop has just computed; no array's name begins so."""


class Loops:
    """Prints the loops of one phase. A tile is a team's, everything else is all ranks'.

    `widths` are the numbers of columns of which the loops printed so far take a rank's part.
    """

    def __init__(self, memory: Memory, dtype: str, phase: Phase, equations: Mapping[str, str]) -> None:
        self.memory = memory
        self.equations = equations
        self.c = CPrinter(dtype, simd=True)
        self.phase = phase
        self.team = "mine" if phase == "tile" else "all"
        self.widths: set[Dim] = set()

    def equation(self, out: Buffer) -> str:
        """What a comment says of a result; nothing of those that passes have made."""
        return self.equations.get(out.name, "")

    def span(self, columns: Dim) -> str:
        """The variable that holds a rank's part of so many columns."""
        self.widths.add(columns)
        return f"s{columns}"

    def loop(self, op: Fused) -> list[str]:
        """The loop of a fused operation, and its totals; outside tiles, totals are the first rank's."""
        totals = [total.out.name for total in op.totals if not total.out.shape]
        lines = self._loop(op, ", ".join(totals))
        if not totals:
            return lines
        kept = [f"totals[slot * TOTALS + {self.memory.total(name)}] += {name};" for name in totals]
        inside = [*(f"double {name} = 0;" for name in totals), *lines, *kept]
        return block("", inside) if self.phase == "tile" else block("if (slot == 0)", inside)

    def _loop(self, op: Fused, sums: str) -> list[str]:
        rows, columns = sides(op.layout)
        body = list(self.body(op))
        if self.phase == "tile":
            s = self.span(columns)
            inner = columns_loop(f"{s}.first", f"{s}.last", sums, body)
            if op.layout.is_stack:
                inner = for_loop("c", "0", str(op.layout.tangents), inner)
            return for_loop("n", "0", "rows", inner)
        if sums:
            whole = columns_loop("0", str(columns), sums, body)
            return for_loop("n", "0", rows, whole) if rows else whole
        if rows:
            return self.shared(rows, "n", columns_loop("0", str(columns), "", body))
        return self.shared(str(columns), "j", body)

    def body(self, op: Fused) -> Iterator[str]:
        """The statements for one element."""
        _, columns = sides(op.layout)
        names = {b.symbol: sp.Symbol(self.element(b, op.layout)) for b in (*op.reads, *op.stored) if b.shape}
        if any(str(name).endswith("[k]") for name in names.values()):
            yield f"const long k = {self.row(op.layout, columns)} + j;"
        again = {s for _, expr in op.steps for s in expr.free_symbols} | {total.src.symbol for total in op.totals}
        for out, expr in op.steps:
            if equation := self.equation(out):
                yield f"/* {equation} */"
            value = f"{self.c(expr.xreplace(names))};"
            if out not in op.stored:
                yield f"const real {out.name} = {value}"
            elif out.symbol not in again:
                yield f"{self.element(out, op.layout)} = {value}"
            else:
                names[out.symbol] = sp.Symbol(f"{VALUE}{out.name}")
                yield f"const real {VALUE}{out.name} = {value}"
                yield f"{self.element(out, op.layout)} = {VALUE}{out.name};"
        for total in op.totals:
            if equation := self.equation(total.out):
                yield f"/* {equation} */"
            value = names.get(total.src.symbol, total.src.symbol)
            if total.out.shape:  # over the tangents
                target = self.element(total.out, Layout(batch=True, units=(columns,)))
                target = target.replace("[k]", f"[n * {columns} + j]")
                yield f"{target} = (c ? {target} : 0) + {value};"
            else:
                yield f"{total.out.name} += {value};"

    def shared(self, count: str, index: str, body: list[str]) -> list[str]:
        """A loop of which every thread takes a part."""
        head = f"const span own = share({self.team}, {count});"
        return ["{", f"    {head}", *(f"    {line}" for line in for_loop(index, "own.first", "own.last", body)), "}"]

    @staticmethod
    def row(layout: Layout, stride: int) -> str:
        """Where a row of an array begins that has the loop's own shape: tangents c of samples n, or rows n."""
        return f"(n * {layout.tangents} + c) * {stride}" if layout.is_stack else f"n * {stride}"

    def element(self, b: Buffer, layout: Layout) -> str:
        """One element of an array in a loop; an axis of one unit has one. k counts the elements of the loop."""
        stride = self.memory.stride(b)
        _, columns = sides(layout)
        if b.layout == layout and len(b.shape) > 1 and stride == columns != 1 and b.shape[0] != 1:
            return f"{b.name}[k]"
        column = "" if b.shape[-1] in (1, BATCH) else "j"
        return f"{b.name}[{' + '.join(filter(None, (self.row_in(b, layout, stride), column))) or '0'}]"

    def row_in(self, b: Buffer, layout: Layout, stride: int) -> str:
        """Where the row begins that an array has in the loop; nothing if it has one for all rows."""
        if layout.is_stack and b.is_stack and b.tangents != 1:
            return f"n * {layout.tangents} + c" if stride == 1 else self.row(layout, stride)
        if layout.is_stack and b.is_matrix and b.shape[0] != 1:
            return "c" if stride == 1 else f"c * {stride}"
        if b.shape[0] == 1 or (len(b.shape) == 1 and not b.batched):
            return ""
        return "n" if stride == 1 else f"n * {stride}"

    def scalars(self, op: Fused) -> Iterator[Statement]:
        """What is computed of numbers, in double."""
        c = CPrinter("float64")
        for out, expr in op.steps:
            yield Statement(self.equation(out), (f"const double {out.name} = {c(expr)};",))
        returned = [f"{self.memory.number(b)} = {b.name};" for b in op.stored if self.memory.number(b)]
        yield Statement("", tuple(block("if (w->number == 0)", returned) if returned else ()))

    def rows_of(self, out: Buffer, value: str) -> list[str]:
        """A matrix made once a call, its rows shared out."""
        fill = for_loop("j", "0", str(out.shape[1]), [f"{out.name}[i * {self.memory.stride(out)} + j] = {value};"])
        return self.shared(str(out.shape[0]), "i", fill)

    def concat(self, out: Buffer, parts: tuple[tuple[sp.Expr, int], ...], reads: tuple[Buffer, ...]) -> list[str]:
        """Each thread fills its own columns of the result."""
        known = {b.name: b for b in reads if b.shape}
        s = self.span(out.shape[-1]) if self.phase == "tile" else f"share({self.team}, {out.shape[-1]})"
        rows = self.row_in(out, out.layout, self.memory.stride(out)) if len(out.shape) > 1 else ""
        lines: list[str] = []
        start = 0
        for part, width in parts:
            value = self.c(part)
            if part.is_Symbol and part.name in known:
                b = known[part.name]
                across = self.row_in(b, out.layout, self.memory.stride(b))
                value = f"{part.name}[{f'{across} + ' if across else ''}j{f' - {start}' if start else ''}]"
            target = f"{out.name}[{f'{rows} + ' if rows else ''}j] = {value};"
            first, last = (
                (f"max_long({s}.first, {start})" if start else f"{s}.first"),
                f"min_long({s}.last, {start + width})",
            )
            columns = for_loop("j", first, last, [target])
            if out.is_stack:
                columns = for_loop("c", "0", str(out.tangents), columns)
            lines += for_loop("n", "0", sides(out.layout)[0], columns) if rows else columns
            start += width
        return lines


def sides(layout: Layout) -> tuple[str, int]:
    """Rows, as C, and columns of a loop; no rows for a single row of values."""
    shape, columns = layout.shape, layout.units[-1] if layout.units else 1
    if layout.batch:
        return "rows", columns
    return (str(shape[0]) if len(shape) == 2 else ""), columns


def for_loop(index: str, first: str, last: str, body: list[str]) -> list[str]:
    """A loop, one step after the other."""
    return block(f"for (long {index} = {first}; {index} < {last}; {index}++)", body)


def block(head: str, body: list[str]) -> list[str]:
    """A head and what it governs."""
    return [f"{head} {{".lstrip(), *(f"    {line}" for line in body), "}"]


def columns_loop(first: str, last: str, sums: str, body: list[str]) -> list[str]:
    """A loop over columns that vectorises: no element depends on another but through sums."""
    return ["#pragma omp simd" + (f" reduction(+ : {sums})" if sums else ""), *for_loop("j", first, last, body)]
