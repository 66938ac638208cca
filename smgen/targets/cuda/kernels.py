"""Loops as CUDA C kernels: a map of an element function over rows and columns, one value or 16 bytes a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from smgen.ir import Buffer, Concat, Fused, Layout, Schedule, View
from smgen.targets.dialect import CUDA
from smgen.targets.elements import Element, element, type_of
from smgen.targets.expressions import CPrinter
from smgen.targets.roles import SCALARS, Roles, Shared, arrays_read, last_role, of_loop, roles, scalars_read

LANES: Final = {"float32": 4, "float64": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel ready to lay out: `map<lanes>(rows, columns, element, operands)`, for one value a thread and, if there
    are more `lanes`, for as many.

    `rows` is 0 for N; each sample has `tangents` of them.
    """

    name: str
    element: str
    rows: int
    tangents: int
    columns: int
    lanes: int
    parameters: str
    operands: str

    @property
    def rows_text(self) -> str:
        """The number of rows: N, N for each tangent, or a number."""
        return str(self.rows) if self.rows else "N" if self.tangents == 1 else f"N * {self.tangents}"

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
        function = element(op, self.dtype, CUDA, self.elements)
        operands = [places.read(b, names.of(b), op.layout) for b in arrays]
        operands += [f"number<{type_of(scalar, self.c)}>{{{scalar}}}" for scalar in scalars_read(op)]
        operands += [f"into<{width_of(op.layout)}>{{{names.of(b)}}}" for b in op.stored]
        operands += [f"sum_into{{{names.of(total.out)}}}" for total in op.totals]
        lanes = self._lanes(op.layout, [*arrays, *op.stored], places)
        totals = [total.out for total in op.totals]
        parameters = self._parameters(arrays, [*op.stored], totals, scalars_read(op), names)
        return self._kernel(op.layout, last_role(op, names), function.name, lanes, parameters, operands)

    def concat(self, op: Concat, places: Places) -> Kernel:
        """The kernel that puts parts side by side: of each element the number that is there."""
        arrays = [b for b in op.reads if b.name not in SCALARS]
        scalars = [b.name for b in op.reads if b.name in SCALARS]
        names = roles([*arrays, op.out])
        known = {b.symbol: b for b in arrays}
        parts = [
            (
                places.read(known[part], names.of(known[part]), op.out.layout)
                if part in known
                else f"number<{self.c.real}>{{{self.c(part)}}}"
            )
            for part, _ in op.parts
        ]
        *first, joined = parts
        for part, (_, width) in reversed(list(zip(first, op.parts[:-1], strict=True))):
            joined = f"beside<{width}>({part}, {joined})"
        lanes = self._lanes(op.out.layout, arrays, places)
        if any(width % lanes for _, width in op.parts):
            lanes = 1
        real = self.c.real
        copy = Element(
            name="at_copy",
            head=f"{CUDA.function} void at_copy(const {real} value, {real}& copy)",
            body=("copy = value;",),
        )
        self.elements.add(copy.name, lambda _: copy)
        operands = [joined, f"into<{width_of(op.out.layout)}>{{{names.of(op.out)}}}"]
        parameters = self._parameters(arrays, [op.out], [], scalars, names)
        return self._kernel(op.out.layout, names.of(op.out), copy.name, lanes, parameters, operands)

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
        self, layout: Layout, base: str, function: str, lanes: int, parameters: list[str], operands: list[str]
    ) -> Kernel:
        return self.maps.add(
            base,
            lambda name: Kernel(
                name=name,
                element=function,
                rows=0 if layout.batch else int(layout.shape[0]) if len(layout.shape) > 1 else 1,
                tangents=int(layout.tangents or 1) if layout.batch else 1,
                columns=width_of(layout),
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

    def _lanes(self, layout: Layout, arrays: list[Buffer], places: Places) -> int:
        """How many values a thread takes at once: more than one if rows and slices begin at whole vectors."""
        lanes = LANES[self.dtype]
        whole = layout.units and width_of(layout) % lanes == 0 and all(places.is_whole(b, lanes) for b in arrays)
        return lanes if whole else 1


@dataclass(frozen=True, slots=True)
class Places:
    """Where slices of wider arrays are, by name: how far apart their rows, and where they start."""

    strides: Mapping[str, int]
    starts: Mapping[str, int]

    def is_whole(self, b: Buffer, lanes: int) -> bool:
        """Whether rows of an array begin at whole vectors."""
        return self.strides.get(b.name, 0) % lanes == 0 and self.starts.get(b.name, 0) % lanes == 0

    def read(self, b: Buffer, role: str, layout: Layout) -> str:
        """An operand that is read: whole rows, one number a row, one row for all, or one number."""
        row = ", ".join(_row(b, layout))
        if not layout.units or (b.layout.units[-1:] == (1,) and layout.units[-1] != 1):
            return f"{f'number_a_row<{row}>' if row else 'one_number'}{{{role}}}"
        if not row:
            return f"one_row{{{role}}}"
        stride = self.strides.get(b.name, b.layout.units[-1] if b.layout.units else 1)
        return f"rows_of<{', '.join([str(stride), row]).removesuffix(', 1')}>{{{role}}}"


def places_of(schedule: Schedule) -> Places:
    """The slices of a schedule, by the widths of the arrays that they are parts of."""
    strides: dict[str, int] = {}
    starts: dict[str, int] = {}
    for op in schedule.ops:
        if not isinstance(op, View) or op.out.shape == op.src.shape:
            continue
        if len(op.out.shape) == len(op.src.shape) or op.src.name in strides:
            starts[op.out.name] = starts.get(op.src.name, 0) + op.start
            if len(op.out.shape) >= 2:
                strides[op.out.name] = strides.get(op.src.name, int(op.src.shape[-1]))
    return Places(strides, starts)


def _row(b: Buffer, layout: Layout) -> Iterator[str]:
    """The row of an array for a row of the loop, as template arguments.

    These are the number of rows of the loop that share one, and the number of rows after which the array begins again.
    There are none if all rows share one.
    """
    if (len(b.shape) == 1 and not b.batched) or b.shape[0] == 1:
        return
    if not layout.is_stack or (b.is_stack and b.tangents == layout.tangents):
        yield "1"
    elif b.batched:
        yield str(layout.tangents)
    else:
        yield from ("1", str(layout.tangents))


def width_of(layout: Layout) -> int:
    """Columns of a loop."""
    return layout.units[-1] if layout.units else 1


def text_of(kernels: Kernels) -> str:
    """All that kernels compute, to look for calls in."""
    lines = [line for e in kernels.elements.by_name.values() for line in e.body]
    return "\n".join([*lines, *(k.operands for k in kernels.maps.by_name.values())])
