"""Operations as statements of the CuPy module: launches of the module's own kernels, and cuBLAS products."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from smgen.analysis.storage import Storage, allocate
from smgen.equations.headings import headings
from smgen.errors import InternalError, unreachable
from smgen.ir import (
    BATCH,
    Buffer,
    Concat,
    Elementary,
    Fused,
    Identity,
    Kind,
    Layout,
    Op,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Shape,
    Transpose,
    View,
)
from smgen.targets.cuda.kernels import Kernel, ScalarKernel
from smgen.targets.cuda.loops import SCALARS, LoopPrinter
from smgen.targets.source import (
    PrintedFunction,
    PrintedSweep,
    Statement,
    product_source,
    shape_source,
    view_source,
)

BLOCKS: Final = 1024
"""How many blocks a loop is launched with at most, unless its columns alone need more."""

CHUNKS: Final = 64
"""The most row chunks, and so partial rows, of a column sum."""

K = TypeVar("K", Kernel, ScalarKernel)


class Kernels:
    """The kernels of a module by name; the same kernel wanted twice is one kernel."""

    def __init__(self) -> None:
        self.loops: dict[str, Kernel] = {}
        self.scalars: dict[str, ScalarKernel] = {}

    def loop(self, base: str, make: Callable[[str], Kernel]) -> str:
        """The name under which the kernel is known, `base` or `base_2`, …"""
        return self._named(base, make, self.loops)

    def scalar(self, base: str, make: Callable[[str], ScalarKernel]) -> str:
        """The same for a kernel of scalars."""
        return self._named(base, make, self.scalars)

    @staticmethod
    def _named(base: str, make: Callable[[str], K], known: dict[str, K]) -> str:
        for count in range(1, 1000):
            name = base if count == 1 else f"{base}_{count}"
            kernel = make(name)
            if known.setdefault(name, kernel) == kernel:
                return name
        raise InternalError(f"too many kernels called {base}")


def print_function(schedule: Schedule, dtype: str, kernels: Kernels, equations: Mapping[str, str]) -> PrintedFunction:
    """`schedule`, fused, as CuPy source under its equations; its kernels join `kernels`."""
    printer = _Printer(schedule, dtype, kernels, equations)
    titled = zip(schedule.sweeps, headings(schedule), strict=True)
    sweeps = tuple(PrintedSweep(heading, tuple(map(printer.statement, sweep.ops))) for sweep, heading in titled)
    read = {b.name for op in schedule.ops for b in op.reads}
    reads = tuple(b.name for b in schedule.inputs if b.name in read)
    return PrintedFunction(
        function=schedule.function,
        reads=reads,
        arrays=tuple(printer.arrays.values()),
        sweeps=sweeps,
        outputs=tuple(b.name for b in schedule.outputs),
    )


class _Printer:
    """Prints one schedule, noting the workspace arrays it needs: slots, sums' parts, and what is returned."""

    def __init__(self, schedule: Schedule, dtype: str, kernels: Kernels, equations: Mapping[str, str]) -> None:
        self.equations = equations
        self.kernels = kernels
        self.storage: Storage = allocate(schedule)
        self.arrays: dict[str, Buffer] = {
            name: Buffer(name, Layout.of(shape)) for name, shape in self.storage.slots.items()
        }
        # New arrays at every call; gradients are arrays of the workspace.
        self.fresh = not schedule.function.gradients
        self.blocks: dict[str, str] = {}
        self.starts: dict[str, int] = {}
        self.strides: dict[str, int] = {}
        for op in schedule.ops:
            if not isinstance(op, View) or op.out.shape == op.src.shape:
                continue
            if len(op.out.shape) == len(op.src.shape) or op.src.name in self.strides:
                self.starts[op.out.name] = self.starts.get(op.src.name, 0) + op.start
                if len(op.out.shape) >= 2:
                    self.strides[op.out.name] = self.strides.get(op.src.name, int(op.src.shape[-1]))
        self.loops = LoopPrinter(dtype, self.strides, self.starts, equations)

    def statement(self, op: Op) -> Statement:
        return Statement("; ".join(filter(None, (self.equations.get(b.name) for b in op.outs))), tuple(self.code(op)))

    def code(self, op: Op) -> Iterator[str]:
        match op:
            case Fused():
                yield from self.scalars(op) if op.shape == () else self.loop(op)
            case Concat(out, _, reads):
                name = self.kernels.loop(out.name, lambda name: self.loops.concat(op, name))
                arguments = self._arguments([b for b in reads if b.name not in SCALARS], [out], reads)
                yield f"{out.name} = {self.target(out)}"
                yield from _wrapped(f'_map("{name}", N, wide, (', arguments)
            case Product(out=out):
                operands, form = product_source(op)
                if form:
                    yield f"{out.name} = {self.target(out)}"
                    yield f"cp.matmul({operands}, out={out.name}{form})"
                else:
                    yield f"{out.name} = cp.matmul({operands}, out={self.target(out)})"
            case Identity(out):
                yield f"{out.name} = {self.array(f'eye_{out.shape[0]}', out.shape)}"
            case Transpose(out, src):
                yield f"{out.name} = _transposed({src.name}, {self.target(out)})"
            case Reduce():
                yield self.reduction(op)
            case View():
                yield f"{op.out.name} = {view_source(op)}"
            case Pointwise() | Elementary():
                raise InternalError(f"{op.outs[-1].name} was not fused")
            case _:
                raise unreachable(op)

    def loop(self, op: Fused) -> Iterator[str]:
        """Bind the arrays of what is stored, launch, and keep the number of partial sums."""
        names = [b.name for b in op.outs]
        base = names[0] if len(names) == 1 else f"{names[0]}_to_{names[-1]}"
        name = self.kernels.loop(base, lambda name: self.loops.kernel(op, name))
        kernel = self.kernels.loops[name]
        for b in op.stored:
            yield f"{b.name} = {self.target(b)}"
        for total in op.totals:
            blocks = max(BLOCKS, -(-kernel.columns // 128))
            yield f"{total.out.name} = {self.array(f'parts_{total.out.name}', (blocks,), 'accumulator')}"
        results = [*op.stored, *(total.out for total in op.totals)]
        arguments = self._arguments([b for b in op.reads if b.name not in SCALARS], results, op.reads)
        head = f'_map("{name}", N, wide, ('
        if op.totals:
            count = f"blocks_{op.totals[0].out.name}"
            self.blocks.update({total.out.name: count for total in op.totals})
            head = f"{count} = {head}"
        yield from _wrapped(head, arguments)

    @staticmethod
    def _arguments(arrays: list[Buffer], results: list[Buffer], reads: tuple[Buffer, ...]) -> list[str]:
        scalars = ["lam_real"] if any(b.name == "lam" for b in reads) else []
        return [*(b.name for b in arrays), *(b.name for b in results), *scalars, "samples"]

    def scalars(self, op: Fused) -> Iterator[str]:
        name = self.kernels.scalar(
            "_and_".join(b.name for b in op.stored), lambda name: self.loops.scalar_kernel(op, name)
        )
        sums = [b for b in op.reads if b.name not in SCALARS]
        for b in op.stored:
            yield f"{b.name} = {self.target(b)}"
        arguments = [text for b in sums for text in (b.name, self.blocks[b.name])]
        arguments += [b.name for b in op.stored] + ["np.float64(lam)", "samples"]
        yield from _wrapped(f'_scalars("{name}", (', arguments)

    def reduction(self, op: Reduce) -> str:
        out, src, axis = op.out, op.src, op.axis
        if src.is_stack:
            return self.tangent_reduction(op)
        if op.was_product and src.name not in self.strides and out.shape != (1,):
            length = BATCH if src.batched else src.shape[int(axis or 0)]
            ones = self.array(f"ones_{length}", (length,))
            operands = f"{ones}, {src.name}" if axis == 0 else f"{src.name}, {ones}"
            return f"{out.name} = cp.matmul({operands}, out={self.target(out)})"
        stride = self.strides.get(src.name, src.shape[-1])
        if axis == 1:
            return f"{out.name} = _row_sum({src.name}, {self.target(out)}, {stride})"
        width = int(src.shape[-1])
        parts = self.array(f"parts_columns_{width}", (CHUNKS, width)) if src.batched else "None"
        return f"{out.name} = _column_sum({src.name}, {self.target(out)}, {parts}, {stride})"

    def tangent_reduction(self, op: Reduce) -> str:
        """Sums of (N, C, M): over the tangents, over their units, or over the samples."""
        out, src = op.out, op.src
        target, (_, tangents, columns) = self.target(out), src.shape
        stride = self.strides.get(src.name, columns)
        if op.axis == 1:
            return f"{out.name} = _tangent_sum({src.name}, {target}, {stride})"
        if op.axis == 2:
            sums = f"_row_sum({src.name}.reshape(-1, {columns}), {target}.reshape(-1), {stride})"
            return f"{out.name} = {sums}.reshape(-1, {tangents})"
        if stride != columns:
            raise InternalError(f"{out.name}: a slice is no array of rows")
        width = int(tangents) * int(columns)
        parts = self.array(f"parts_columns_{width}", (CHUNKS, width))
        sums = f"_column_sum({src.name}.reshape(-1, {width}), {target}.reshape(-1), {parts}, {width})"
        return f"{out.name} = {sums}.reshape({tangents}, {columns})"

    def array(self, name: str, shape: Shape, kind: Kind = "real") -> str:
        """Note a workspace array; its name begins like no buffer's, whatever layers are called."""
        self.arrays[name] = Buffer(name, Layout.of(shape), kind=kind)
        return name

    def target(self, out: Buffer) -> str:
        """The array of the workspace a buffer has; a result has one of its own, or a new one at every call."""
        slot = self.storage.slot_of.get(out.name)
        if slot is not None:
            return slot
        if self.fresh:
            return f"cp.empty({shape_source(out.shape)}, {'DTYPE' if out.kind == 'real' else 'np.float64'})"
        return self.array(f"out_{out.name}", out.shape, out.kind)


def _wrapped(head: str, arguments: list[str]) -> Iterator[str]:
    """A launch on one line if it fits, else its arguments on lines of their own."""
    line = f"{head}{', '.join(arguments)}))"
    if len(line) <= 112:
        yield line
        return
    yield head
    yield from textwrap.wrap(", ".join(arguments) + ",", 112, initial_indent="    ", subsequent_indent="    ")
    yield "))"
