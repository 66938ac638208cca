"""Loops as CUDA C kernels: one that takes a value a thread, and where rows allow one that takes 16 bytes a thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import sympy as sp

from smgen.ir import LAMBDA, SAMPLES, Buffer, Concat, Fused, Layout
from smgen.targets.cuda.kernels import Kernel, ScalarKernel, Variant, dimensions, tangents_of, variant_name
from smgen.targets.dialect import CUDA
from smgen.targets.expressions import CPrinter

LANES: Final = {"float32": 4, "float64": 2}
VECTOR: Final = {"float32": "float4", "float64": "double2"}
SCALARS: Final = (LAMBDA.name, SAMPLES.name)


class LoopPrinter:
    """Prints the loops of one schedule. `strides` gives the row length in memory of buffers that are slices."""

    def __init__(
        self, dtype: str, strides: Mapping[str, int], starts: Mapping[str, int], equations: Mapping[str, str]
    ) -> None:
        self.equations = equations
        self.c = CPrinter(dtype, CUDA)
        self.dtype = dtype
        self.strides = strides
        self.starts = starts

    def kernel(self, loop: Fused, name: str) -> Kernel:
        """The kernel of an array-valued loop."""
        rows, columns = dimensions(loop.layout)
        arrays = [b for b in loop.reads if b.name not in SCALARS]
        scalars = self._scalars(b for b in loop.reads if b.name in SCALARS)
        totals = tuple(total.out.name for total in loop.totals)
        real = self.c.real
        at = [f"const {real} {b.name}" for b in arrays] + scalars
        at += [f"{real}& {b.name}" for b in loop.stored] + [f"double& {name}" for name in totals]
        lanes = LANES[self.dtype] if self._vectorises(loop, arrays, columns) else 1
        return Kernel(
            name=name,
            rows=rows,
            tangents=tangents_of(loop.layout),
            columns=columns,
            lanes=lanes,
            at_parameters=", ".join(at),
            body=tuple(self._body(loop)),
            parameters=", ".join(self._parameters(arrays, loop.stored, totals, scalars)),
            totals=totals,
            variants=tuple(
                self._variant(loop, name, arrays, scalars, columns, n) for n in ((1, lanes) if lanes > 1 else (1,))
            ),
        )

    def scalar_kernel(self, loop: Fused, name: str) -> ScalarKernel:
        """The kernel of a loop over (): in double, whatever the module's dtype."""
        c = CPrinter("float64", CUDA)
        sums = [b for b in loop.reads if b.name not in SCALARS]
        parameters = [
            text for b in sums for text in (f"const double* __restrict__ parts_{b.name}", f"const int blocks_{b.name}")
        ]
        parameters += [f"double* __restrict__ out_{b.name}" for b in loop.stored]
        parameters += ["const double lam", "const int N"]
        body: list[str] = []
        for out, expr in loop.steps:
            body += [*self._comment(out), f"const double {out.name} = {c(expr)};"]
        body += [f"*out_{b.name} = {b.name};" for b in loop.stored]
        totals = tuple(f"const double {b.name} = total_of(parts_{b.name}, blocks_{b.name});" for b in sums)
        return ScalarKernel(name, ", ".join(parameters), totals, tuple(body))

    def _scalars(self, buffers: Iterable[Buffer]) -> list[str]:
        names = {b.name for b in buffers}
        return [text for name, text in (("lam", f"const {self.c.real} lam"), ("N", "const int N")) if name in names]

    def _parameters(
        self, arrays: list[Buffer], stored: tuple[Buffer, ...], totals: tuple[str, ...], scalars: list[str]
    ) -> list[str]:
        """Pointers read, pointers written, partial sums, then scalars; N is always last."""
        real = self.c.real
        found = [f"const {real}* __restrict__ {b.name}" for b in arrays]
        found += [f"{real}* __restrict__ {b.name}" for b in stored]
        found += [f"double* __restrict__ {name}" for name in totals]
        found += [text for text in scalars if not text.endswith(" N")]
        return [*found, "const int N"]

    def _body(self, loop: Fused) -> list[str]:
        kept = set(loop.stored)
        lines: list[str] = []
        for out, expr in loop.steps:
            lines += self._comment(out)
            lines.append(f"{'' if out in kept else f'const {self.c.real} '}{out.name} = {self.c(expr)};")
        for total in loop.totals:
            lines += [*self._comment(total.out), f"{total.out.name} += {total.src.name};"]
        return lines

    def _comment(self, out: Buffer) -> list[str]:
        equation = self.equations.get(out.name)
        return [f"// {equation}"] if equation else []

    def _vectorises(self, loop: Fused, arrays: list[Buffer], columns: int) -> bool:
        """Whether every row, and every slice's start, is a whole number of vectors."""
        lanes = LANES[self.dtype]
        if not loop.layout.units or columns % lanes:
            return False
        return all(
            self.strides.get(b.name, 0) % lanes == 0 and self.starts.get(b.name, 0) % lanes == 0
            for b in (*arrays, *loop.stored)
        )

    def _variant(
        self, loop: Fused, name: str, arrays: list[Buffer], scalars: list[str], columns: int, lanes: int
    ) -> Variant:
        kind = self.c.real if lanes == 1 else VECTOR[self.dtype]
        varying = [b for b in arrays if not _is_scalar(b, loop.layout)]
        loads = [f"const {kind} v_{b.name} = {self._element(b, loop.layout, lanes, const=True)};" for b in varying]
        loads += [
            f"const {self.c.real} v_{b.name} = {b.name}[{_row(b, loop.layout) or 0}];"
            for b in arrays
            if b not in varying
        ]
        if loop.stored:
            loads.append(f"{kind} {', '.join(f'v_{b.name}' for b in loop.stored)};")
        passed = [text.rsplit(" ", 1)[1] for text in scalars]
        totals = [f"v_{total.out.name}" for total in loop.totals]
        calls = []
        for lane in ("",) if lanes == 1 else (".x", ".y", ".z", ".w")[:lanes]:
            values = [f"v_{b.name}{lane if b in varying else ''}" for b in arrays]
            written = [f"v_{b.name}{lane}" for b in loop.stored]
            calls.append(f"at_{name}({', '.join([*values, *passed, *written, *totals])});")
        stores = [f"{self._element(b, loop.layout, lanes)} = v_{b.name};" for b in loop.stored]
        return Variant(
            name=variant_name(name, lanes),
            columns=columns // lanes,
            lanes=lanes,
            loads=tuple(loads),
            calls=tuple(calls),
            stores=tuple(stores),
        )

    def _element(self, b: Buffer, layout: Layout, lanes: int, *, const: bool = False) -> str:
        base = b.name if lanes == 1 else f"reinterpret_cast<{'const ' * const}{VECTOR[self.dtype]}*>({b.name})"
        row = _row(b, layout)
        if _is_scalar(b, layout):
            return f"{b.name}[{row or 0}]"
        if not row:
            return f"{base}[column]"
        _, columns = dimensions(layout)
        stride = self.strides.get(b.name, columns) // lanes
        return f"{base}[(long long){row} * {stride} + column]"

    def concat(self, op: Concat, name: str) -> Kernel:
        """The kernel that puts parts side by side."""
        rows, columns = dimensions(op.out.layout)
        arrays = [b for b in op.reads if b.name not in SCALARS]
        scalars = self._scalars(b for b in op.reads if b.name in SCALARS)
        lanes = LANES[self.dtype]
        widths = [width for _, width in op.parts]
        whole = all(width % lanes == 0 for width in widths) and all(part.is_Symbol for part, _ in op.parts)
        whole &= all(
            self.strides.get(b.name, 0) % lanes == 0 and self.starts.get(b.name, 0) % lanes == 0 for b in arrays
        )
        lanes = lanes if whole and not scalars else 1
        variants = tuple(
            self._concat_variant(op, name, arrays, columns, n) for n in ((1, lanes) if lanes > 1 else (1,))
        )
        parameters = ", ".join(self._parameters(arrays, (op.out,), (), scalars))
        return Kernel(
            name=name,
            rows=rows,
            tangents=tangents_of(op.out.layout),
            columns=columns,
            lanes=lanes,
            at_parameters="",
            body=(),
            parameters=parameters,
            totals=(),
            variants=variants,
        )

    def _concat_variant(self, op: Concat, name: str, arrays: list[Buffer], columns: int, lanes: int) -> Variant:
        """A chain of conditions on the column; rows of a warp agree on it almost everywhere."""
        kind = self.c.real if lanes == 1 else VECTOR[self.dtype]
        named = {b.symbol: b for b in arrays}
        text, start = "", 0
        for position, (part, width) in enumerate(op.parts):
            value = self._part(named.get(part), part, op.out.layout, (width, start), lanes)
            start += width
            last = position == len(op.parts) - 1
            text += value if last else f"column < {start // lanes} ? {value} : "
        out = self._element(op.out, op.out.layout, lanes)
        loads = (*self._comment(op.out), f"const {kind} v_{op.out.name} = {text};")
        return Variant(
            name=variant_name(name, lanes),
            columns=columns // lanes,
            lanes=lanes,
            loads=loads,
            calls=(),
            stores=(f"{out} = v_{op.out.name};",),
        )

    def _part(self, b: Buffer | None, part: sp.Expr, layout: Layout, place: tuple[int, int], lanes: int) -> str:
        if b is None:
            return self.c(part)
        width, start = place
        base = b.name if lanes == 1 else f"reinterpret_cast<const {VECTOR[self.dtype]}*>({b.name})"
        offset = f"column - {start // lanes}" if start else "column"
        row = _row(b, layout)
        if not row:
            return f"{base}[{offset}]"
        return f"{base}[(long long){row} * {self.strides.get(b.name, width) // lanes} + {offset}]"


def _is_scalar(b: Buffer, layout: Layout) -> bool:
    """Whether a buffer has one value for all columns of a row."""
    return not layout.units or (b.layout.units[-1:] == (1,) and layout.units[-1] != 1)


def _row(b: Buffer, layout: Layout) -> str:
    """The row of a buffer in a loop, whose rows are all tangents of all samples; nothing if it has one for all."""
    if len(b.shape) == 1 and not b.batched:
        return ""
    if not layout.is_stack or (b.is_stack and b.tangents == layout.tangents):
        return "row"
    return f"(row % {layout.tangents})" if not b.batched else f"(row / {layout.tangents})"
