"""Operations as statements of the CuPy module: launches of the module's own kernels, and cuBLAS products."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from math import prod
from typing import Final

from smgen.analysis.storage import Storage, allocate
from smgen.equations.headings import headings
from smgen.errors import InternalError, unreachable
from smgen.ir import (
    BATCH,
    Buffer,
    Concat,
    EachProduct,
    Elementary,
    Fold,
    Fused,
    Greatest,
    Identity,
    Kind,
    Layout,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Shape,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)
from smgen.targets.cuda.kernels import Kernels, places_of
from smgen.targets.cuda.moves import MoveTables
from smgen.targets.roles import SCALARS, arrays_read, scalars_read
from smgen.targets.source import (
    NamedArray,
    PrintedFunction,
    PrintedSweep,
    Statement,
    computed,
    product_source,
    shape_source,
    view_source,
)

BLOCKS: Final = 1024
"""How many blocks a loop is launched with at most, unless its columns alone need more."""

COLUMN_SUM, ROW_SUM, TANGENT_SUM, TRANSPOSED = "_column_sum", "_row_sum", "_tangent_sum", "_transposed"
"""Helpers of the module, each with a kernel of its own."""

CHUNKS: Final = 64
"""The most row chunks, and so partial rows, of a column sum."""


def print_function(
    schedule: Schedule, kernels: Kernels, equations: Mapping[str, str], tables: MoveTables
) -> PrintedFunction:
    """`schedule`, fused, as CuPy source under its equations; its kernels join `kernels`, its windows `tables`."""
    printer = _Printer(schedule, kernels, equations, tables)
    titled = zip(schedule.sweeps, headings(schedule), strict=True)
    sweeps = tuple(
        PrintedSweep(heading, tuple(s for op in sweep.ops for s in printer.statements(op))) for sweep, heading in titled
    )
    return PrintedFunction(
        function=schedule.function,
        reads=schedule.inputs_read,
        arrays=tuple(NamedArray(printer.storage.slots[slot], tuple(names)) for slot, names in printer.names.items()),
        own=tuple(printer.own.values()),
        sweeps=sweeps,
        outputs=tuple(b.name for b in schedule.outputs),
        calls=frozenset(printer.calls),
    )


class _Printer:
    """Prints one schedule, noting the workspace arrays it needs: slots, sums' parts, and what is returned."""

    def __init__(self, schedule: Schedule, kernels: Kernels, equations: Mapping[str, str], tables: MoveTables) -> None:
        self.equations = equations
        self.kernels = kernels
        self.tables = tables
        self.storage: Storage = allocate(schedule)
        self.names: dict[str, list[str]] = {slot: [] for slot in self.storage.slots}
        self.own: dict[str, Buffer] = {}
        # New arrays at every call; gradients are arrays of the workspace.
        self.fresh = not schedule.function.gradients
        self.blocks: dict[str, str] = {}
        self.places = places_of(schedule)
        self.calls: set[str] = set()

    def call(self, helper: str, *arguments: object) -> str:
        """A call of one of the module's helpers."""
        self.calls.add(helper)
        return f"{helper}({', '.join(map(str, arguments))})"

    def statements(self, op: Op) -> Iterator[Statement]:
        """The equations of all that an operation computes, a comment each, above its code."""
        for equation in filter(None, (self.equations.get(b.name) for b in computed(op))):
            yield Statement(equation, ())
        yield Statement("", tuple(self.code(op)))

    def code(self, op: Op) -> Iterator[str]:
        match op:
            case Fused():
                yield from self.scalars(op) if op.shape == () else self.loop(op)
            case Concat(out, _, reads):
                kernel = self.kernels.concat(op, self.places)
                arguments = self._arguments([b for b in reads if b.name not in SCALARS], [out], [b.name for b in reads])
                yield f"{out.name} = {self.target(out)}"
                yield from _wrapped(f'_launch("{kernel.name}", N, vectorised, (', arguments)
            case Product(out=out):
                operands, form = product_source(op)
                if form:
                    yield f"{out.name} = {self.target(out)}"
                    yield f"cp.matmul({operands}, out={out.name}{form})"
                else:
                    yield f"{out.name} = cp.matmul({operands}, out={self.target(out)})"
            case EachProduct(out=out):
                yield f"{out.name} = {self.tables.each_product(op, self.target(out))}"
            case Identity(out):
                yield f"{out.name} = {self.array(f'eye_{out.shape[0]}', out.shape)}"
            case Transpose(out, src):
                yield f"{out.name} = {self.call(TRANSPOSED, src.name, self.target(out))}"
            case Permute(out):
                yield f"{out.name} = {self.tables.permute(op, self.target(out))}"
            case Mix(out):
                yield f"{out.name} = {self.tables.mix(op, self.target(out))}"
            case Greatest(out):
                yield f"{out.name} = {self.tables.greatest(op, self.target(out))}"
            case Unfold(out):
                yield f"{out.name} = {self.tables.unfold(op, self.target(out))}"
            case Fold(out):
                yield f"{out.name} = {self.tables.fold(op, self.target(out))}"
            case Reduce():
                yield self.reduction(op)
            case View():
                yield f"{op.out.name} = {view_source(op)}"
            case Pointwise() | Elementary():
                raise InternalError(f"{op.outs[-1].name} was not fused")
            case WindowProduct() | PatchProduct():
                raise InternalError(f"{op.out.name}: on a GPU, windows are arrays")
            case _:
                raise unreachable(op)

    def loop(self, op: Fused) -> Iterator[str]:
        """Bind the arrays of what is stored, launch, and keep the number of partial sums."""
        kernel = self.kernels.map(op, self.places)
        for b in op.stored:
            yield f"{b.name} = {self.target(b)}"
        for total in op.totals:
            blocks = max(BLOCKS, -(-kernel.columns // 128))
            yield f"{total.out.name} = {self.array(f'parts_{total.out.name}', (blocks,), 'accumulator')}"
        results = [*op.stored, *(total.out for total in op.totals)]
        arguments = self._arguments(arrays_read(op), results, scalars_read(op))
        head = f'_launch("{kernel.name}", N, vectorised, ('
        if op.totals:
            count = f"blocks_{op.totals[0].out.name}"
            self.blocks.update({total.out.name: count for total in op.totals})
            head = f"{count} = {head}"
        yield from _wrapped(head, arguments)

    @staticmethod
    def _arguments(arrays: list[Buffer], results: list[Buffer], reads: list[str]) -> list[str]:
        scalars = ["lam_real"] if "lam" in reads else []
        return [*(b.name for b in arrays), *(b.name for b in results), *scalars, "samples"]

    def scalars(self, op: Fused) -> Iterator[str]:
        kernel = self.kernels.scalar(op)
        sums = [b for b in op.reads if b.name not in SCALARS]
        for b in op.stored:
            yield f"{b.name} = {self.target(b)}"
        arguments = [text for b in sums for text in (b.name, self.blocks[b.name])]
        arguments += [b.name for b in op.stored] + ["np.float64(lam)", "samples"]
        yield from _wrapped(f'_launch_totals("{kernel.name}", (', arguments)

    def reduction(self, op: Reduce) -> str:
        out, src, axis = op.out, op.src, op.axis
        if len(src.shape) > 2:
            return self.stack_reduction(op)
        if op.was_product and src.name not in self.places.strides and out.shape != (1,):
            length = BATCH if src.batched else src.shape[int(axis or 0)]
            ones = self.array(f"ones_{length}", (length,))
            operands = f"{ones}, {src.name}" if axis == 0 else f"{src.name}, {ones}"
            return f"{out.name} = cp.matmul({operands}, out={self.target(out)})"
        stride = self.places.strides.get(src.name, src.shape[-1])
        if axis == 1:
            return f"{out.name} = {self.call(ROW_SUM, src.name, self.target(out), stride)}"
        width = int(src.shape[-1])
        parts = self.array(f"parts_columns_{width}", (CHUNKS, width)) if src.batched else "None"
        return f"{out.name} = {self.call(COLUMN_SUM, src.name, self.target(out), parts, stride)}"

    def stack_reduction(self, op: Reduce) -> str:
        """Sums of (N, C, P, M): over the tangents, over the units of a row, over the samples, or over all rows."""
        out, src = op.out, op.src
        target, columns = self.target(out), int(src.shape[-1])
        stride = self.places.strides.get(src.name, columns)
        shape = ", ".join(map(str, out.shape)).replace(BATCH, "-1")
        if op.axis == len(src.shape) - 1:
            sums = self.call(ROW_SUM, f"{src.name}.reshape(-1, {columns})", f"{target}.reshape(-1)", stride)
            return f"{out.name} = {sums}.reshape({shape})"
        if op.axis == "rows":
            parts = self.array(f"parts_columns_{columns}", (CHUNKS, columns))
            return f"{out.name} = {self.call(COLUMN_SUM, f'{src.name}.reshape(-1, {columns})', target, parts, stride)}"
        if op.axis == 1 and len(src.shape) == 3:
            return f"{out.name} = {self.call(TANGENT_SUM, src.name, target, stride)}"
        if stride != columns:
            raise InternalError(f"{out.name}: a slice is no array of rows")
        if op.axis == 1:
            width = prod(int(n) for n in src.shape[2:])
            rows, sums = f"{src.name}.reshape(-1, {src.shape[1]}, {width})", f"{target}.reshape(-1, {width})"
            return f"{out.name} = {self.call(TANGENT_SUM, rows, sums, width)}.reshape({shape})"
        width = prod(int(n) for n in src.shape[1:])
        parts = self.array(f"parts_columns_{width}", (CHUNKS, width))
        sums = self.call(COLUMN_SUM, f"{src.name}.reshape(-1, {width})", f"{target}.reshape(-1)", parts, width)
        return f"{out.name} = {sums}.reshape({shape})"

    def array(self, name: str, shape: Shape, kind: Kind = "real") -> str:
        """Note an array of the workspace that is used for nothing else; no buffer's name begins like its name."""
        self.own[name] = Buffer(name, Layout.of(shape), kind=kind)
        return f"w.{name}"

    def target(self, out: Buffer) -> str:
        """The array of the workspace a buffer has; a result has one of its own, or a new one at every call."""
        slot = self.storage.slot_of.get(out.name)
        if slot is not None:
            self.names[slot].append(out.name)
            return f"w.{out.name}"
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
