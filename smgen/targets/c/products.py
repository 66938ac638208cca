"""Products, sums and copies in C: calls of the runtime's functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Final

import sympy as sp

from smgen.errors import InternalError, unreachable
from smgen.ir import BATCH, Buffer, Concat, Dim, Form, Phase, Product, Reduce, Shape
from smgen.targets.c.memory import Memory

CALLS: Final = {
    Form.TIMES: "times",
    Form.TIMES_TRANSPOSED: "times_transposed",
    Form.TRANSPOSED_TIMES: "transposed_times",
}
"""Products as functions of the runtime."""

GRAMS: Final = {Form.TIMES_TRANSPOSED: "gram_of_rows", Form.TRANSPOSED_TIMES: "gram_of_columns"}
"""Products of an array with itself: half of the result is the other half."""


class Calls:
    """Prints the calls of one phase. `span` gives the variable that holds a rank's part of so many columns.

    `made` are the functions of the runtime that were called.
    """

    def __init__(self, memory: Memory, phase: Phase, span: Callable[[Dim], str]) -> None:
        self.memory, self.phase, self.span = memory, phase, span
        self.team = "mine" if phase == "tile" else "all"
        self.made: set[str] = set()

    def call(self, function: str, *arguments: object) -> str:
        """A call of a function of the runtime."""
        self.made.add(function)
        return f"{function}({', '.join(map(str, arguments))});"

    def product(self, op: Product) -> Iterator[tuple[str, ...]]:
        """A call for each pair of operands, in steps: the whole team has taken one before it takes the next."""
        summed = self.phase == "tile" and not op.out.batched
        calls = []
        for position, (left, right) in enumerate(op.pairs):
            beta = "1" if position else "at->beta" if summed else "0"
            calls.append(self._product(op, left, right, beta))
        yield tuple(calls)
        if op.is_gram(op.left, op.right) and op.form is Form.TIMES_TRANSPOSED:
            yield (self.call("mirror", self.team, op.left.shape[0], self._rows(op.out)),)

    def _product(self, op: Product, left: Buffer, right: Buffer, beta: str) -> str:
        a, b, out = map(self._rows, (left, right, op.out))
        if op.is_gram(left, right):
            size, depth = (left.shape[1], "at->rows") if op.is_batch_sum else (left.shape[0], left.shape[1])
            return self.call(GRAMS[op.form], self.team, size, depth, a, beta, out)
        if op.each_sample:
            rows = str(left.shape[-2])
            a, b, out = map(self._of_sample, (left, right, op.out))
        else:
            others = [str(n) for n in left.shape[:-1] if n not in (BATCH, 1)]
            rows = " * ".join(["at->rows"] * left.batched + others) or "1"
        match op.form:
            case Form.TIMES:
                sizes = f"{rows}, {right.shape[-1]}, {right.shape[-2]}"
            case Form.TIMES_TRANSPOSED:
                sizes = f"{rows}, {right.shape[-2]}, {right.shape[-1]}"
            case Form.TRANSPOSED_TIMES:
                sizes = f"{left.shape[-1]}, {right.shape[-1]}, {rows}"
            case _:
                raise unreachable(op.form)
        call = self.call(CALLS[op.form], self.team, sizes, a, b, beta, out)
        return f"for (long n = 0; n < at->rows; n++) {call}" if op.each_sample else call

    def _rows(self, b: Buffer) -> str:
        """An array and the distance of its rows."""
        return f"{b.name}, {self.memory.stride(b)}"

    def _of_sample(self, b: Buffer) -> str:
        stride = self.memory.stride(b)
        return f"{b.name} + n * {int(b.shape[1]) * stride}, {stride}" if b.batched else f"{b.name}, {stride}"

    def reduce(self, op: Reduce) -> str:
        """A sum over one axis."""
        out, src, axis = op.out, op.src, op.axis
        source = self._rows(src)
        if axis is None:
            raise InternalError(f"{out.name}: totals are fused")
        each = prod(int(n) for n in src.shape[1:-1]) if src.batched else 1  # rows of a sample
        width = int(src.shape[-1])
        if self.phase == "tile":
            if axis == "rows":
                return self.call("add_rows", f"at->rows{_times(each)}", self.span(width), source, out.name)
            if axis == 0 and src.is_stack:
                own = self.span(width)
                return self.call("add_matrices", "at->rows", each, own, source, "at->beta", self._rows(out))
            if axis == 0:  # what the tile adds to a sum over all samples
                return self.call("add_rows", "at->rows", self.span(width), source, out.name)
            return self.call("row_sums", "at->rows", each, self.span(each), width, source, out.name)
        if axis == len(src.shape) - 1:
            rows = prod(int(n) for n in src.shape[:-1])
            return self.call("row_sums", 1, rows, f"share(all, {rows})", width, source, out.name)
        summed = int(src.shape[0]) if axis == 0 else prod(int(n) for n in src.shape[:-1])
        columns = prod(int(n) for n in src.shape) // summed
        source = source if columns == width else f"{src.name}, {columns}"
        return self.call("column_sums", f"share(all, {columns})", summed, source, out.name)

    def matrix(self, function: str, out: Buffer, src: Buffer | None = None) -> str:
        """A matrix made once a call, its rows shared out."""
        arrays = [self._rows(b) for b in (src, out) if b]
        return self.call(function, f"share(all, {out.shape[0]})", out.shape[1], *arrays)

    def concat(self, op: Concat, constant: Callable[[sp.Expr], str]) -> Iterator[str]:
        """A call for each part; every thread fills its own columns."""
        out, known = op.out, {b.symbol: b for b in op.reads if b.shape}
        own = self.span(out.shape[-1]) if self.phase == "tile" else f"share(all, {out.shape[-1]})"
        rows = "at->rows" if out.batched else str(_count(out.shape[:-1][:1]))
        tangents = _count(out.shape[1:-1])
        start = 0
        for part, width in op.parts:
            place = f"{rows}, {tangents}, {own}, {start}, {width}"
            if part in known:
                src = known[part]
                steps = ", ".join(map(str, self._steps(src, out)))
                yield self.call("put", place, src.name, steps, self._rows(out))
            else:
                yield self.call("fill", place, constant(part), self._rows(out))
            start += width

    def _steps(self, b: Buffer, out: Buffer) -> tuple[int, int]:
        """How far an array goes on from one place on the first axis to the next, and from a row there to the next."""
        own = (1,) * (len(out.shape) - len(b.shape)) + b.shape[:-1]
        rows, stride = _count(own[1:]), self.memory.stride(b)
        if rows not in (1, _count(out.shape[1:-1])):
            raise InternalError(f"{b.name}, {b.shape}, repeats in {out.name}, {out.shape}")
        return (0 if own[:1] in ((), (1,)) else rows * stride), (stride if rows > 1 else 0)


def _count(dims: Shape) -> int:
    """How many rows there are, of each sample."""
    return prod(dim for dim in dims if isinstance(dim, int))


def _times(count: int) -> str:
    return f" * {count}" if count != 1 else ""
