"""Where the arrays of a schedule in C are: what is shared, what each tile in flight has, and what tiles sum into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.analysis.storage import allocate, view_roots
from smgen.errors import InternalError
from smgen.ir import ITEMSIZE, Buffer, Fused, Phase, Product, Reduce, Schedule, Shape, View

LINE: Final = 64
"""Bytes of a cache line: arrays start on one, but for those of tangents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum over all samples that every thread has a part of."""

    name: str
    offset: int
    rows: int
    columns: int
    symmetric: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Pointers as C declarations, by the block they belong to, and sizes in numbers of the dtype.

    `totals` are the sums that are one number, with the phase they are taken in; every rank has a place for each.
    """

    shared: tuple[str, ...]
    tile: tuple[str, ...]
    rows: tuple[str, ...]
    end: tuple[str, ...]
    sums: tuple[Total, ...]
    column_sums: tuple[Total, ...]
    totals: Mapping[str, Phase]
    shared_size: int
    tile_width: int
    sums_size: int
    column_sums_size: int
    strides: Mapping[str, int]
    numbers: Mapping[str, int]

    def stride(self, b: Buffer) -> int:
        """Numbers from a row of an array to the next."""
        return self.strides[b.name]

    def total(self, name: str) -> int:
        """The place of a total among those of a rank."""
        return list(self.totals).index(name)

    def number(self, b: Buffer) -> str:
        """Where a scalar result goes; nothing for a scalar that is not returned."""
        return f"numbers[{self.numbers[b.name]}]" if b.name in self.numbers else ""


def plan_memory(schedule: Schedule, dtype: str) -> Memory:
    """Lay out the arrays of a tiled and fused schedule."""
    return _Plan(schedule, dtype).memory()


class _Plan:
    def __init__(self, schedule: Schedule, dtype: str) -> None:
        self.schedule = schedule
        self.item = ITEMSIZE[dtype]
        self.storage = allocate(schedule)
        self.roots = view_roots(schedule)
        self.strides = {b.name: self.width(b) for b in schedule.inputs}
        self.lines: dict[str, list[str]] = {"shared": [], "tile": [], "rows": [], "end": []}
        self.place: dict[str, str] = {}
        self.sizes = {"shared": 0, "tile": 0, "sums": 0, "columns": 0}
        self.slots: dict[str, int] = {}
        self.sums: list[Total] = []
        self.column_sums: list[Total] = []
        self.totals: dict[str, Phase] = {}

    def memory(self) -> Memory:
        arrays = [b for b in self.schedule.outputs if b.shape]
        scalars = [b for b in self.schedule.outputs if not b.shape]
        self.outputs = {self.roots.get(b.name, b.name): f"outputs[{k}]" for k, b in enumerate(arrays)}
        for b in self.schedule.inputs:
            self.place[b.name] = "rows" if b.batched else "shared"
        for b in self.schedule.inputs:
            if b.batched and any(b in op.reads for op in self.schedule.ops):
                source = "all_probes" if b.name == "probes" else "x"
                self.declare("rows", b, f"{source} + first * {_count(b.shape)}", const=True)
        for sweep in self.schedule.sweeps:
            for op in sweep.ops:
                for out in op.outs:
                    if isinstance(op, View):
                        self.view(op, sweep.phase)
                    elif not out.shape:
                        self.strides[out.name] = 1
                        if isinstance(op, Fused) and op.shape:
                            self.totals[out.name] = sweep.phase
                    elif sweep.phase == "tile" and not out.batched:
                        self.total(op, out)
                    else:
                        self.array(out, sweep.phase)
        return Memory(
            **{name: tuple(lines) for name, lines in self.lines.items()},
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

    @staticmethod
    def width(b: Buffer) -> int:
        """The length of a row: the last axis, or 1 for a value a sample."""
        last = b.shape[-1] if b.shape else 1
        return last if isinstance(last, int) else 1

    def declare(self, block: str, b: Buffer, where: str, *, const: bool = False) -> None:
        self.lines[block].append(f"{'const ' * const}real *const {b.name} = {where};")
        self.place[b.name] = block

    def take(self, pool: str, count: int) -> int:
        """The offset of so many numbers, on a cache line of their own."""
        start = self.sizes[pool]
        line = LINE // (8 if pool == "columns" else self.item)
        self.sizes[pool] = start + -(-count // line) * line
        return start

    def array(self, b: Buffer, phase: Phase) -> None:
        """An array of its own or one that it shares with others that are dead."""
        width = self.width(b)
        if b.name in self.outputs:
            self.strides[b.name] = width
            where = self.outputs[b.name]
            block = "rows" if b.batched else "end" if phase == "end" else "shared"
            self.declare(block, b, f"{where} + first * {_count(b.shape)}" if b.batched else where)
            return
        slot = self.storage.slot_of[b.name]
        if b.batched:
            if slot not in self.slots:
                self.slots[slot] = self.sizes["tile"]
                self.sizes["tile"] += _count(b.shape)
            self.strides[b.name] = width
            self.declare("tile", b, f"tile + {self.slots[slot]} * capacity")
            return
        stride = width + LINE // self.item if len(b.shape) == 2 and width * self.item % 4096 == 0 else width
        self.strides[b.name] = stride
        if slot not in self.slots:
            self.slots[slot] = self.take("shared", stride * _count(b.shape[:-1]))
        self.declare("end" if phase == "end" else "shared", b, f"shared + {self.slots[slot]}")

    def view(self, op: View, phase: Phase) -> None:
        root = self.roots[op.out.name]
        stride = self.strides[op.src.name]
        column = op.is_column and op.src.shape[-1] != 1
        if column and op.src.batched and stride != op.src.shape[-1]:
            raise InternalError(f"{op.out.name}: a column of a slice")
        self.strides[op.out.name] = 1 if column else stride
        if op.out in self.schedule.outputs and op.out.shape == op.src.shape:
            if root not in self.outputs or root in {total.name for total in (*self.sums, *self.column_sums)}:
                raise InternalError(f"{op.out.name} is not an array of its own")
            return
        block = {"once": "shared", "end": "end", "tile": "rows" if self.place[root] == "rows" else "tile"}[phase]
        self.declare(block, op.out, op.src.name + (f" + {op.start}" if op.start else ""), const=True)

    def total(self, op: object, out: Buffer) -> None:
        """A sum over the batch: every thread alone on tiles has a part, and at the end the first one has the sum."""
        width = self.width(out)
        rows = _count(out.shape[:-1])
        self.strides[out.name] = width
        if isinstance(op, Reduce) and len(out.shape) == 1:
            part = Total(name=out.name, offset=self.take("columns", width), rows=1, columns=width, symmetric=False)
            self.column_sums.append(part)
            self.lines["tile"].append(f"double *const {out.name} = columns + {part.offset};")
            self.declare("end", out, f"shared + {self.take('shared', width)}")
            return
        symmetric = isinstance(op, Product) and not op.plus and op.left == op.right
        part = Total(
            name=out.name, offset=self.take("sums", rows * width), rows=rows, columns=width, symmetric=symmetric
        )
        self.sums.append(part)
        self.lines["tile"].append(f"real *const {out.name} = sums + {part.offset};")
        self.declare("end", out, f"all_sums + {part.offset}")


def _count(dims: Shape) -> int:
    """How many numbers there are of each sample, or at all."""
    return prod(dim for dim in dims if isinstance(dim, int))
