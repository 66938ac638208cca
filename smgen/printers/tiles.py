"""Schedules as C: loops and products over tiles of rows, in the columns or rows that are a thread's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smgen.errors import InternalError
from smgen.ir import (
    Concat,
    Fused,
    Identity,
    Op,
    Phase,
    Product,
    Reduce,
    Schedule,
    Transpose,
    View,
)
from smgen.passes.hazards import barriers
from smgen.printers.loops import Loops
from smgen.printers.memory import Memory, plan_memory
from smgen.printers.products import Products
from smgen.printers.source import PrintedSweep, Statement


@dataclass(frozen=True, slots=True)
class PrintedTiles:
    """A schedule as C, ready to lay out: where its arrays are, and the statements of each phase."""

    name: str
    memory: Memory
    reads: tuple[str, ...]
    once: tuple[PrintedSweep, ...]
    tile: tuple[PrintedSweep, ...]
    end: tuple[PrintedSweep, ...]
    text: str


def print_tiles(schedule: Schedule, dtype: str) -> PrintedTiles:
    """`schedule`, tiled and fused, as C."""
    memory = plan_memory(schedule, dtype)
    phases: dict[Phase, list[PrintedSweep]] = {"once": [], "tile": [], "end": []}
    waits = barriers(schedule)
    position = 0
    for sweep in schedule.sweeps:
        printer = _Printer(Loops(memory, dtype, sweep.phase))
        statements: list[Statement] = []
        for op in sweep.ops:
            if position in waits:
                statements.append(Statement("", (f"together({printer.loops.team});",)))
            statements += printer.statements(op)
            position += 1
        phases[sweep.phase].append(PrintedSweep(sweep.name, tuple(s for s in statements if s.code)))
    read = {b.name for op in schedule.ops for b in op.reads}
    lines = [line for printed in phases.values() for sweep in printed for s in sweep.statements for line in s.code]
    return PrintedTiles(
        schedule.name,
        memory,
        tuple(b.name for b in schedule.inputs if b.name in read),
        tuple(phases["once"]),
        tuple(phases["tile"]),
        tuple(phases["end"]),
        "\n".join(lines),
    )


class _Printer:
    """Prints the operations of one phase."""

    def __init__(self, loops: Loops) -> None:
        self.loops = loops
        self.products = Products(loops)

    def statements(self, op: Op) -> Iterator[Statement]:
        match op:
            case Fused(shape=()):
                yield from self.loops.scalars(op)
            case Fused():
                yield Statement("", tuple(self.loops.loop(op)))
            case Product():
                yield Statement(op.out.math, tuple(self.products.product(op)))
            case Reduce(out, src, axis, _):
                yield Statement(out.math, tuple(self.products.reduce(out, src, axis)))
            case Concat(out, parts, reads):
                yield Statement(out.math, tuple(self.loops.concat(out, parts, reads)))
            case Identity(out):
                yield Statement(out.math, tuple(self.loops.rows_of(out, "i == j")))
            case Transpose(out, src):
                yield Statement(
                    out.math, tuple(self.loops.rows_of(out, f"{src.name}[j * {self.loops.memory.stride(src)} + i]"))
                )
            case View():
                return
            case _:
                raise InternalError(f"C has loops: {op.outs[0].name} must be fused")
