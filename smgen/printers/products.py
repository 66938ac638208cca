"""Products and sums in C: calls of the runtime's products, and loops that add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smgen.errors import InternalError, unreachable
from smgen.ir import BATCH, Buffer, Form, Layout, Product
from smgen.printers.loops import Loops, block, columns_loop, for_loop

CALLS: Final = {
    Form.TIMES: "times",
    Form.TIMES_TRANSPOSED: "times_transposed",
    Form.TRANSPOSED_TIMES: "transposed_times",
}
"""Products as functions of the runtime."""

GRAMS: Final = {Form.TIMES_TRANSPOSED: "gram_of_rows", Form.TRANSPOSED_TIMES: "gram_of_columns"}
"""Products of an array with itself: half of the result is the other half."""


class Products:
    """Prints the products and sums of one phase."""

    def __init__(self, loops: Loops) -> None:
        self.loops, self.memory, self.phase, self.team = loops, loops.memory, loops.phase, loops.team

    def product(self, op: Product) -> Iterator[tuple[str, ...]]:
        """A call for each pair of operands, in steps: the whole team has taken one before it takes the next."""
        summed = self.phase == "tile" and not op.out.batched
        calls = []
        for position, (left, right) in enumerate(op.pairs):
            more = "1" if position else "more" if summed else "0"
            calls.append(self._product(op, left, right, more))
        yield tuple(calls)
        if op.is_gram(op.left, op.right) and op.form is Form.TIMES_TRANSPOSED:
            yield (f"mirror({self.team}, {op.left.shape[0]}, {op.out.name}, {self.memory.stride(op.out)});",)

    def _product(self, op: Product, left: Buffer, right: Buffer, more: str) -> str:
        a, b, out = (f"{x.name}, {self.memory.stride(x)}" for x in (left, right, op.out))
        if op.is_gram(left, right):
            size, depth = (left.shape[1], "rows") if op.is_batch_sum else (left.shape[0], left.shape[1])
            return f"{GRAMS[op.form]}({self.team}, {size}, {depth}, {a}, {more}, {out});"
        if op.each_sample:
            rows = str(left.shape[-2])
            a, b, out = (self._of_sample(x) for x in (left, right, op.out))
        else:
            rows = " * ".join(["rows"] * left.batched + [str(n) for n in left.shape[:-1] if n != BATCH]) or "1"
        match op.form:
            case Form.TIMES:
                sizes = f"{rows}, {right.shape[-1]}, {right.shape[-2]}"
            case Form.TIMES_TRANSPOSED:
                sizes = f"{rows}, {right.shape[-2]}, {right.shape[-1]}"
            case Form.TRANSPOSED_TIMES:
                sizes = f"{left.shape[-1]}, {right.shape[-1]}, {rows}"
            case _:
                raise unreachable(op.form)
        call = f"{CALLS[op.form]}({self.team}, {sizes}, {a}, {b}, {more}, {out});"
        return f"for (long n = 0; n < rows; n++) {call}" if op.each_sample else call

    def _of_sample(self, b: Buffer) -> str:
        stride = self.memory.stride(b)
        return f"{b.name} + n * {int(b.shape[1]) * stride}, {stride}" if b.batched else f"{b.name}, {stride}"

    def reduce(self, out: Buffer, src: Buffer, axis: int | None) -> list[str]:
        """A sum over one axis."""
        if axis is None:
            raise InternalError(f"{out.name}: totals are fused")
        stride = self.memory.stride(src)
        if self.phase == "tile" and axis == 0:
            return self.batch_sum(out, src)
        if src.is_stack:  # over the units of each tangent
            across = f"{src.name}[(n * {src.shape[1]} + c) * {stride} + j]"
            sums = _dot(f"{out.name}[n * {src.shape[1]} + c]", "j", str(src.shape[2]), across)
            s = self.loops.span(src.shape[1])
            return for_loop("n", "0", "rows", for_loop("c", f"{s}.first", f"{s}.last", sums))
        i = "n" if axis == 1 else "j"
        value = f"{src.name}[n * {stride} + j]"
        inner, count = ("j", src.shape[1]) if axis == 1 else ("n", src.shape[0])
        sums = _dot(f"{out.name}[{i}]", inner, str(count), value, simd=axis == 1)
        if self.phase == "tile":
            s = self.loops.span(1)
            return block(f"if ({s}.first < {s}.last)", for_loop(i, "0", "rows", sums))
        return self.loops.shared(str(out.shape[0]), i, sums)

    def batch_sum(self, out: Buffer, src: Buffer) -> list[str]:
        """What the tile adds to a sum over all samples: of rows in double, of matrices in the dtype."""
        s = self.loops.span(src.shape[-1])
        if not src.is_stack:
            add = [f"{out.name}[j] += {self.loops.element(src, Layout(batch=True, units=(0,)))};"]
            return for_loop("n", "0", "rows", columns_loop(f"{s}.first", f"{s}.last", "", add))
        target = f"{out.name}[c * {self.memory.stride(out)} + j]"
        value = f"{src.name}[{self.loops.row(src.layout, self.memory.stride(src))} + j]"
        add = [f"{target} = (n || more != 0 ? {target} : 0) + {value};"]
        inner = columns_loop(f"{s}.first", f"{s}.last", "", add)
        return for_loop("n", "0", "rows", for_loop("c", "0", str(src.shape[1]), inner))


def _dot(target: str, index: str, count: str, value: str, *, simd: bool = True) -> list[str]:
    """The sum of `value` over `index`, as `target`."""
    return [
        "real sum = 0;",
        *(["#pragma omp simd reduction(+ : sum)"] if simd else []),
        *for_loop(index, "0", count, [f"sum += {value};"]),
        f"{target} = sum;",
    ]
