"""Loops as CUDA C kernels: a map of an element function over rows and columns, one value or 16 bytes a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.ir import Buffer, Concat, Fused, Layout, Schedule, View
from smgen.targets.dialect import CUDA
from smgen.targets.elements import Element, element, type_of
from smgen.targets.expressions import CPrinter
from smgen.targets.nest import Nest, nest
from smgen.targets.roles import SCALARS, Roles, Shared, arrays_read, last_role, of_loop, roles, scalars_read

LANES: Final = {"float32": 4, "float64": 2}

MOST_ARRAYS: Final = 18
"""With more arrays, values of several lanes take so many registers that fewer threads run at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel ready to lay out: `map<lanes>(rows, columns, element, operands)`, for one value a thread and, if there
    are more `lanes`, for as many.

    `rows` is 0 for N; each sample has `each` of them.
    """

    name: str
    element: str
    rows: int
    each: int
    columns: int
    lanes: int
    parameters: str
    operands: str

    @property
    def rows_text(self) -> str:
        """The number of rows: N, N for each tangent and place, or a number."""
        return str(self.rows) if self.rows else "N" if self.each == 1 else f"N * {self.each}"

    @property
    def variants(self) -> tuple[tuple[str, int], ...]:
        """Names and lanes: no role begins like that of a vector kernel."""
        more = ((f"vec{self.lanes}_{self.name}", self.lanes),) if self.lanes > 1 else ()
        return ((self.name, 1), *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarKernel:
    """A kernel of one block: the totals of all partial sums, and the scalars that follow from them."""

    name: str
    parameters: str
    totals: tuple[str, ...]
    body: tuple[str, ...]


class Kernels:
    """The kernels of a module and their element functions; what two loops share is there once."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.c = CPrinter(dtype, CUDA)
        self.elements: Shared[Element] = Shared()
        self.maps: Shared[Kernel] = Shared()
        self.scalars: Shared[ScalarKernel] = Shared()

    def map(self, op: Fused, places: Places) -> Kernel:
        """The kernel of an array-valued loop."""
        names = of_loop(op)
        arrays = arrays_read(op)
        axes = nest(op.layout, [*arrays, *op.stored], gaps=any(b.name in places.strides for b in arrays))
        function = element(op, self.dtype, CUDA, self.elements)
        operands = [places.read(b, names.of(b), axes) for b in arrays]
        operands += [f"number<{type_of(scalar, self.c)}>{{{scalar}}}" for scalar in scalars_read(op)]
        operands += [f"into<{axes.columns}>{{{names.of(b)}}}" for b in op.stored]
        operands += [f"sum_into{{{names.of(total.out)}}}" for total in op.totals]
        lanes = self._lanes(op.layout, axes, [*arrays, *op.stored], places)
        totals = [total.out for total in op.totals]
        parameters = self._parameters(arrays, [*op.stored], totals, scalars_read(op), names)
        return self._kernel(op.layout, axes, last_role(op, names), function.name, lanes, parameters, operands)

    def concat(self, op: Concat, places: Places) -> Kernel:
        """The kernel that puts parts side by side: of each element the number that is there."""
        arrays = [b for b in op.reads if b.name not in SCALARS]
        scalars = [b.name for b in op.reads if b.name in SCALARS]
        names = roles([*arrays, op.out])
        known = {b.symbol: b for b in arrays}
        axes = nest(op.out.layout, [*arrays, op.out], gaps=True)  # parts are beside each other on the last axis alone
        parts = [
            (
                places.read(known[part], names.of(known[part]), axes)
                if part in known
                else f"number<{self.c.real}>{{{self.c(part)}}}"
            )
            for part, _ in op.parts
        ]
        *first, joined = parts
        for part, (_, width) in reversed(list(zip(first, op.parts[:-1], strict=True))):
            joined = f"beside<{width}>({part}, {joined})"
        lanes = self._lanes(op.out.layout, axes, arrays, places)
        if any(width % lanes for _, width in op.parts):
            lanes = 1
        real = self.c.real
        copy = Element(
            name="at_copy",
            head=f"{CUDA.function} void at_copy(const {real} value, {real}& copy)",
            body=("copy = value;",),
        )
        self.elements.add(copy.name, lambda _: copy)
        operands = [joined, f"into<{axes.columns}>{{{names.of(op.out)}}}"]
        parameters = self._parameters(arrays, [op.out], [], scalars, names)
        return self._kernel(op.out.layout, axes, names.of(op.out), copy.name, lanes, parameters, operands)

    def scalar(self, op: Fused) -> ScalarKernel:
        """The kernel of a loop over (): in double, whatever the module's dtype."""
        c = CPrinter("float64", CUDA)
        sums = [b for b in op.reads if b.name not in SCALARS]
        parameters = [
            text for b in sums for text in (f"const double* __restrict__ parts_{b.name}", f"const int blocks_{b.name}")
        ]
        parameters += [f"double* __restrict__ out_{b.name}" for b in op.stored]
        parameters += ["const double lam", "const int N"]
        body = [f"const double {out.name} = {c(expr)};" for out, expr in op.steps]
        body += [f"*out_{b.name} = {b.name};" for b in op.stored]
        return self.scalars.add(
            "_and_".join(b.name for b in op.stored),
            lambda name: ScalarKernel(
                name=name,
                parameters=", ".join(parameters),
                totals=tuple(f"const double {b.name} = total_of(parts_{b.name}, blocks_{b.name});" for b in sums),
                body=tuple(body),
            ),
        )

    def _kernel(
        self,
        layout: Layout,
        axes: Nest,
        base: str,
        function: str,
        lanes: int,
        parameters: list[str],
        operands: list[str],
    ) -> Kernel:
        return self.maps.add(
            base,
            lambda name: Kernel(
                name=name,
                element=function,
                rows=0 if layout.batch else (axes.outer or 1) * prod(axes.rows),
                each=prod(axes.rows) if layout.batch else 1,
                columns=axes.columns,
                lanes=lanes,
                parameters=", ".join(parameters),
                operands=", ".join(operands),
            ),
        )

    def _parameters(
        self, read: list[Buffer], stored: list[Buffer], totals: list[Buffer], scalars: list[str], names: Roles
    ) -> list[str]:
        """Pointers read, pointers written, partial sums, then scalars; N is always last."""
        real = self.c.real
        return [
            *(f"const {real}* __restrict__ {names.of(b)}" for b in read),
            *(f"{real}* __restrict__ {names.of(b)}" for b in stored),
            *(f"double* __restrict__ {names.of(b)}" for b in totals),
            *([f"const {real} lam"] if "lam" in scalars else []),
            "const int N",
        ]

    def _lanes(self, layout: Layout, axes: Nest, arrays: list[Buffer], places: Places) -> int:
        """How many values a thread takes at once: more than one if rows and slices begin at whole vectors."""
        lanes = LANES[self.dtype]
        whole = (
            layout.units
            and len(arrays) <= MOST_ARRAYS
            and axes.columns % lanes == 0
            and all(places.is_whole(b, lanes) for b in arrays)
        )
        return lanes if whole else 1


@dataclass(frozen=True, slots=True)
class Places:
    """Where slices of wider arrays are, by name: how far apart their rows, and where they start."""

    strides: Mapping[str, int]
    starts: Mapping[str, int]

    def is_whole(self, b: Buffer, lanes: int) -> bool:
        """Whether rows of an array begin at whole vectors."""
        return self.strides.get(b.name, 0) % lanes == 0 and self.starts.get(b.name, 0) % lanes == 0

    def read(self, b: Buffer, role: str, axes: Nest) -> str:
        """An operand that is read: whole rows, one number a row, one row for all, or one number."""
        *rows, columns = axes.has[b.name]
        row = _row(rows, axes)
        if not b.layout.units or (not columns and axes.columns != 1):
            if b.name in self.strides and row and b.layout.units == (1,):
                row = ", ".join((*[*row.split(", "), "0", "0"][:3], str(self.strides[b.name])))
            return f"{f'number_a_row<{row}>' if row else 'one_number'}{{{role}}}"
        if not row:
            return f"one_row{{{role}}}"
        lengths = (1 if b.batched else axes.outer or 1, *axes.rows)
        apart = prod(length for length, has in zip(lengths, rows, strict=True) if has)
        stride = self.strides.get(b.name, prod(n for n in b.shape if isinstance(n, int)) // apart)
        return f"rows_of<{', '.join([str(stride), row]).removesuffix(', 1')}>{{{role}}}"


def places_of(schedule: Schedule) -> Places:
    """The slices of a schedule, by the widths of the arrays that they are parts of."""
    strides: dict[str, int] = {}
    starts: dict[str, int] = {}
    for op in schedule.ops:
        if not isinstance(op, View) or op.out.shape == op.src.shape or op.is_reshaped:
            continue
        if len(op.out.shape) == len(op.src.shape) or op.src.name in strides:
            starts[op.out.name] = starts.get(op.src.name, 0) + op.start
            if len(op.out.shape) >= 2:
                strides[op.out.name] = strides.get(op.src.name, int(op.src.shape[-1]))
    return Places(strides, starts)


def _row(has: Sequence[bool], axes: Nest) -> str:
    """The row of an array for a row of the loop, as template arguments; nothing if all rows share one.

    These are the number of rows of the loop that share one, the number of its rows after which they begin again, and
    the number of rows of the loop after which the next such rows begin: row / LONG · OF + row / EACH % OF.
    """
    sizes = [0, *axes.rows]  # the outermost axis has any length
    own = [axis for axis, flag in enumerate(has) if flag]
    if not own:
        return ""
    each = prod(sizes[own[-1] + 1 :])
    first = next(axis for axis in range(own[-1], -1, -1) if axis == 0 or not has[axis - 1])
    if first == 0:
        return str(each)
    count = prod(sizes[first : own[-1] + 1])
    if own[0] == first:
        return f"{each}, {count}"
    return f"{each}, {count}, {prod(sizes[own[0] + 1 :])}"


def text_of(kernels: Kernels) -> str:
    """All that kernels compute, to look for calls in."""
    lines = [line for e in kernels.elements.by_name.values() for line in e.body]
    return "\n".join([*lines, *(k.operands for k in kernels.maps.by_name.values())])
