"""Schedules as C: loops and products over tiles of rows, in the columns or rows that are a thread's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from smgen.analysis.hazards import barriers
from smgen.errors import InternalError
from smgen.ir import (
    Concat,
    Function,
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
from smgen.printers.headings import headings
from smgen.printers.loops import Loops
from smgen.printers.memory import Memory, plan_memory
from smgen.printers.products import Products
from smgen.printers.source import Statement


@dataclass(frozen=True, slots=True)
class Section:
    """Statements that a rank does one after the other, and which all ranks have done before the next section begins.

    `spans` are the numbers of columns of which a rank has its part; `adds` says that a rank adds to its totals. Without
    a team the statements are every thread's: numbers made of totals.
    """

    statements: tuple[Statement, ...]
    spans: tuple[int, ...] = ()
    adds: bool = False
    team: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTiles:
    """A schedule as C, ready to lay out: where its arrays are, and the sections of each phase."""

    function: Function
    memory: Memory
    reads: tuple[str, ...]
    once: tuple[Section, ...]
    tile: tuple[Section, ...]
    end: tuple[Section, ...]
    text: str


def print_tiles(schedule: Schedule, dtype: str, equations: Mapping[str, str]) -> PrintedTiles:
    """`schedule`, tiled and fused, as C under its equations."""
    memory = plan_memory(schedule, dtype)
    waits = barriers(schedule)
    printers = {phase: _Printer(Loops(memory, dtype, phase, equations)) for phase in get_args(Phase)}
    position = 0
    for sweep, heading in zip(schedule.sweeps, headings(schedule), strict=True):
        printer = printers[sweep.phase]
        printer.heading = f"---- {heading}"
        for op in sweep.ops:
            if position in waits:
                printer.wait()
            printer.put(op)
            position += 1
    once, tile, end = (printer.finished() for printer in printers.values())
    read = {b.name for op in schedule.ops for b in op.reads}
    lines = [line for section in (*once, *tile, *end) for s in section.statements for line in s.code]
    return PrintedTiles(
        function=schedule.function,
        memory=memory,
        reads=tuple(b.name for b in schedule.inputs if b.name in read),
        once=once,
        tile=tile,
        end=end,
        text="\n".join(lines),
    )


class _Printer:
    """Prints the operations of one phase, section by section."""

    def __init__(self, loops: Loops) -> None:
        self.loops = loops
        self.products = Products(loops)
        self.heading = ""
        self.sections: list[Section] = []
        self.statements: list[Statement] = []
        self.totals: list[str] = []
        self.adds = False

    def put(self, op: Op) -> None:
        match op:
            case Fused(shape=()):
                self.wait()
                self.add(*self.loops.scalars(op))
                self.sections.append(Section(tuple(self.statements), team=False))
                self.statements.clear()
            case Fused():
                self.add(Statement("", tuple(self.loops.loop(op))))
                totals = [total.out.name for total in op.totals if not total.out.shape]
                self.adds |= bool(totals)
                if self.loops.phase != "tile":
                    self.totals += totals
            case Product():
                first, *others = self.products.product(op)
                self.add(Statement(self.loops.equation(op.out), first))
                for step in others:
                    self.wait()
                    self.add(Statement("", step))
            case Reduce(out=out, src=src, axis=axis):
                self.add(Statement(self.loops.equation(out), tuple(self.products.reduce(out, src, axis))))
            case Concat(out, parts, reads):
                self.add(Statement(self.loops.equation(out), tuple(self.loops.concat(out, parts, reads))))
            case Identity(out):
                self.add(Statement(self.loops.equation(out), tuple(self.loops.rows_of(out, "i == j"))))
            case Transpose(out, src):
                value = f"{src.name}[j * {self.loops.memory.stride(src)} + i]"
                self.add(Statement(self.loops.equation(out), tuple(self.loops.rows_of(out, value))))
            case View():
                pass
            case _:
                raise InternalError(f"C has loops: {op.outs[0].name} must be fused")

    def add(self, *statements: Statement) -> None:
        """Under the name of the sweep, if they are its first."""
        if self.heading:
            self.statements.append(Statement(self.heading, ()))
            self.heading = ""
        self.statements += [s for s in statements if s.code]

    def wait(self) -> None:
        """End the section: what comes next reads what other ranks write in it."""
        if self.statements:
            widths = tuple(sorted(width for width in self.loops.widths if isinstance(width, int)))
            self.sections.append(Section(tuple(self.statements), widths, self.adds))
        if self.totals:
            known = tuple(total_of(self.loops.memory, name) for name in self.totals)
            self.sections.append(Section((Statement("", known),), team=False))
        self.statements.clear()
        self.totals.clear()
        self.adds = False
        self.loops.widths.clear()

    def finished(self) -> tuple[Section, ...]:
        self.wait()
        return tuple(self.sections)


def total_of(memory: Memory, name: str) -> str:
    """A total as the sum of what all ranks have of it."""
    return f"const double {name} = add_totals(p.ranks, totals + {memory.total(name)});"
