"""Where the arrays of a schedule in C are: what is shared, what each tile in flight has, and what tiles sum into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, get_args

from smgen.analysis.storage import allocate, view_roots
from smgen.errors import InternalError
from smgen.ir import (
    ITEMSIZE,
    Buffer,
    Fused,
    Op,
    Phase,
    Product,
    Reduce,
    Schedule,
    Shape,
    View,
    WholeRows,
)
from smgen.targets.c.closure import closure

LINE: Final = 64
"""Bytes of a cache line: arrays begin on one. Arrays of tangents need not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A matrix that tiles sum up: every rank has a part, `offset` numbers into its sums."""

    name: str
    offset: int
    rows: int
    columns: int
    symmetric: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSum:
    """A row that tiles sum up in double, and where its total goes, in the dtype."""

    offset: int
    columns: int
    result: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """An array's declaration in the function of one phase; a view is declared after the array `of` which it is one."""

    text: str
    aliased: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Pointers to arrays, by phase and name, in the order they are declared in; sizes in numbers of the dtype.

    `totals` are the sums that are one number, with the phase they are taken in; every rank has a place for each.
    """

    pointers: Mapping[Phase, Mapping[str, Pointer]]
    sums: tuple[Total, ...]
    column_sums: tuple[ColumnSum, ...]
    totals: Mapping[str, Phase]
    shared_size: int
    tile_width: int
    sums_size: int
    column_sums_size: int
    strides: Mapping[str, int]
    numbers: Mapping[str, int]

    def declarations(self, phase: Phase, used: Iterable[str]) -> tuple[str, ...]:
        """The pointers that a function needs which mentions these names."""
        known = self.pointers[phase]
        wanted = closure(used, {name: (pointer.aliased,) for name, pointer in known.items()})
        return tuple(pointer.text for name, pointer in known.items() if name in wanted)

    def stride(self, b: Buffer) -> int:
        """Numbers from a row of an array to the next."""
        return self.strides[b.name]

    def total(self, name: str) -> int:
        """The place of a total among those of a rank."""
        return list(self.totals).index(name)

    def number(self, b: Buffer) -> str:
        """Where a scalar result goes; nothing for a scalar that is not returned."""
        return f"at->numbers[{self.numbers[b.name]}]" if b.name in self.numbers else ""


def plan_memory(schedule: Schedule, dtype: str, parameters: Sequence[str]) -> Memory:
    """Lay out the arrays of a tiled and fused schedule, whose module has these parameters."""
    return _Plan(schedule, dtype, parameters).memory()


class _Plan:
    def __init__(self, schedule: Schedule, dtype: str, parameters: Sequence[str]) -> None:
        self.schedule = schedule
        self.item = ITEMSIZE[dtype]
        self.parameters = parameters
        _, *self.given = (b.name for b in schedule.inputs if b.batched)
        self.storage = allocate(schedule)
        self.roots = view_roots(schedule)
        self.compact = _compact(schedule)
        self.strides = {b.name: _width(b) for b in schedule.inputs}
        self.pointers: dict[Phase, dict[str, Pointer]] = {"once": {}, "tile": {}, "end": {}}
        self.sizes = {"shared": 0, "tile": 0, "sums": 0, "columns": 0}
        self.slots: dict[str, int] = {}
        self.sums: list[Total] = []
        self.column_sums: list[ColumnSum] = []
        self.totals: dict[str, Phase] = {}

    def memory(self) -> Memory:
        arrays = [b for b in self.schedule.outputs if b.shape]
        scalars = [b for b in self.schedule.outputs if not b.shape]
        self.outputs = {self.roots.get(b.name, b.name): f"at->outputs[{k}]" for k, b in enumerate(arrays)}
        for b in self.schedule.inputs:
            self.input(b)
        for sweep in self.schedule.sweeps:
            for op in sweep.ops:
                for out in op.outs:
                    if isinstance(op, View):
                        self.view(op)
                    elif not out.shape:
                        self.strides[out.name] = 1
                        if isinstance(op, Fused) and op.shape:
                            self.totals[out.name] = sweep.phase
                    elif sweep.phase == "tile" and not out.batched:
                        self.total(op, out)
                    else:
                        self.array(out)
        return Memory(
            pointers=self.pointers,
            sums=tuple(self.sums),
            column_sums=tuple(self.column_sums),
            totals=self.totals,
            shared_size=self.sizes["shared"],
            tile_width=self.sizes["tile"],
            sums_size=self.sizes["sums"],
            column_sums_size=self.sizes["columns"],
            strides=self.strides,
            numbers={b.name: k for k, b in enumerate(scalars)}
            | {self.roots.get(b.name, b.name): k for k, b in enumerate(scalars)},
        )

    def input(self, b: Buffer) -> None:
        if b.batched:
            source = f"given[{self.given.index(b.name)}]" if b.name in self.given else "x"
            self.declare(b, f"at->{source} + at->first{_times(_count(b.shape))}", const=True)
        elif b.name in self.parameters:
            self.declare(b, f"at->params[{self.parameters.index(b.name)}]", const=True)
        elif b.shape:
            self.declare(b, f"{b.name}_numbers", const=True)

    def declare(self, b: Buffer, where: str, *, const: bool = False, aliased: str = "") -> None:
        """An array over the batch is known inside tiles, others are throughout."""
        pointer = Pointer(f"{'const ' * const}real *const {b.name} = {where};", aliased)
        for phase in get_args(Phase):
            if phase == "tile" or not b.batched:
                self.pointers[phase][b.name] = pointer

    def take(self, pool: str, count: int) -> int:
        """The offset of so many numbers, on a cache line of their own."""
        start = self.sizes[pool]
        line = LINE // (8 if pool == "columns" else self.item)
        self.sizes[pool] = start + -(-count // line) * line
        return start

    def array(self, b: Buffer) -> None:
        """Give an array memory: its own, or that of arrays which are no longer needed."""
        width = _width(b)
        if b.name in self.outputs:
            self.strides[b.name] = width
            where = self.outputs[b.name]
            self.declare(b, f"{where} + at->first{_times(_count(b.shape))}" if b.batched else where)
            return
        slot = self.storage.slot_of[b.name]
        if b.batched:
            if slot not in self.slots:
                self.slots[slot] = self.sizes["tile"]
                self.sizes["tile"] += _count(b.shape)
            self.strides[b.name] = width
            start = self.slots[slot]
            self.declare(b, f"at->tile + at->capacity{_times(start)}" if start else "at->tile")
            return
        is_apart = len(b.shape) == 2 and width * self.item % 4096 == 0 and b.name not in self.compact
        stride = width + LINE // self.item if is_apart else width
        self.strides[b.name] = stride
        if slot not in self.slots:
            self.slots[slot] = self.take("shared", stride * _count(b.shape[:-1]))
        self.declare(b, f"at->shared{_plus(self.slots[slot])}")

    def view(self, op: View) -> None:
        root = self.roots[op.out.name]
        stride = self.strides[op.src.name]
        if op.is_reshaped:
            self.strides[op.out.name] = _width(op.out)
            self.declare(op.out, op.src.name, const=True, aliased=op.src.name)
            return
        column = op.is_column and op.src.shape[-1] != 1
        if column and op.src.batched and stride != op.src.shape[-1]:
            raise InternalError(f"{op.out.name}: a column of a slice")
        self.strides[op.out.name] = 1 if column else stride
        if op.out in self.schedule.outputs and op.out.shape == op.src.shape:
            if root not in self.outputs or root in {total.name for total in self.sums}:
                raise InternalError(f"{op.out.name} is not an array of its own")
            return
        self.declare(op.out, op.src.name + _plus(op.start), const=True, aliased=op.src.name)

    def total(self, op: Op, out: Buffer) -> None:
        """A sum over the batch: every thread alone on tiles has a part, and at the end the first one has the sum."""
        width = _width(out)
        rows = _count(out.shape[:-1])
        self.strides[out.name] = width
        if isinstance(op, Reduce) and len(out.shape) == 1:
            total = ColumnSum(offset=self.take("columns", width), columns=width, result=self.take("shared", width))
            self.column_sums.append(total)
            self.pointers["tile"][out.name] = Pointer(f"double *const {out.name} = at->columns{_plus(total.offset)};")
            self.pointers["end"][out.name] = Pointer(f"real *const {out.name} = at->shared{_plus(total.result)};")
            return
        symmetric = isinstance(op, Product) and not op.plus and op.left == op.right
        offset = self.take("sums", rows * width)
        self.sums.append(Total(name=out.name, offset=offset, rows=rows, columns=width, symmetric=symmetric))
        self.declare(out, f"at->sums{_plus(offset)}")


def _compact(schedule: Schedule) -> set[str]:
    """Arrays whose rows must lie side by side: they are read, or written, as one row of numbers."""
    names = {op.src.name for op in schedule.ops if isinstance(op, View) and op.is_reshaped}
    return names | {b.name for op in schedule.ops if isinstance(op, WholeRows) for b in (*op.reads, *op.outs)}


def _count(dims: Shape) -> int:
    """How many numbers there are of each sample, or at all."""
    return prod(dim for dim in dims if isinstance(dim, int))


def _width(b: Buffer) -> int:
    """The length of a row: the last axis, or 1 for a value a sample."""
    last = b.shape[-1] if b.shape else 1
    return last if isinstance(last, int) else 1


def _plus(number: int) -> str:
    return f" + {number}" if number else ""


def _times(number: int) -> str:
    return f" * {number}" if number != 1 else ""
