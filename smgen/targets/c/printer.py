"""Schedules as C: calls of loops and products over tiles of rows, in the columns or rows that are a thread's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

import sympy as sp

from smgen.analysis.hazards import barriers
from smgen.equations.headings import headings
from smgen.errors import InternalError
from smgen.ir import (
    Buffer,
    Concat,
    Dim,
    EachProduct,
    Fold,
    Function,
    Fused,
    Greatest,
    Identity,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Phase,
    Product,
    Reduce,
    Schedule,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)
from smgen.targets.c.loops import Loop, Loops, in_call, scalar_statements
from smgen.targets.c.memory import Memory, plan_memory
from smgen.targets.c.moves import MoveCalls, MoveTables
from smgen.targets.c.products import Calls
from smgen.targets.c.slides import SlideCalls
from smgen.targets.roles import Shared
from smgen.targets.source import Statement, computed


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What a rank does without waiting; all ranks have done it before the next section begins. A C function.

    `pointers` are the arrays it works on, `spans` the numbers of columns of which a rank has its part; `adds` says that
    a rank adds to its totals.
    """

    phase: Phase
    pointers: tuple[str, ...]
    spans: tuple[int, ...]
    adds: bool
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTiles:
    """A schedule as C, ready to lay out: where its arrays are, its sections, and what it makes of the totals.

    `calls` are the functions of the runtime that sections call.
    """

    function: Function
    memory: Memory
    sections: tuple[Section, ...]
    numbers: tuple[Statement, ...]
    calls: frozenset[str]


def print_tiles(
    schedule: Schedule,
    dtype: str,
    equations: Mapping[str, str],
    parameters: tuple[str, ...],
    loops: Shared[Loop],
    tables: MoveTables,
) -> PrintedTiles:
    """`schedule`, tiled and fused, as C under its equations; its loops join `loops`, its windows `tables`."""
    memory = plan_memory(schedule, dtype, parameters)
    waits = barriers(schedule)
    printers = {
        phase: _Printer(memory, Loops(memory, dtype, loops), phase, equations, tables) for phase in get_args(Phase)
    }
    position = 0
    for sweep, heading in zip(schedule.sweeps, headings(schedule), strict=True):
        printer = printers[sweep.phase]
        printer.heading = f"---- {heading}"
        for op in sweep.ops:
            if position in waits:
                printer.wait()
            printer.put(op)
            position += 1
    for printer in printers.values():
        printer.wait()
    return PrintedTiles(
        function=schedule.function,
        memory=memory,
        sections=tuple(section for printer in printers.values() for section in printer.sections),
        numbers=tuple(_numbers(schedule, memory, equations)),
        calls=frozenset(name for printer in printers.values() for name in printer.calls.made),
    )


def _numbers(schedule: Schedule, memory: Memory, equations: Mapping[str, str]) -> Iterator[Statement]:
    """The results that are numbers, which no array depends on: from the totals of all ranks."""
    scalars = [op for op in schedule.ops if isinstance(op, Fused) and op.shape == ()]
    read = {b.name for op in scalars for b in op.reads}
    for name in memory.totals:
        if name in read:
            yield Statement(equations.get(name, ""), (f"const double {name} = add_totals(at, {memory.total(name)});",))
    for op in scalars:
        for out, line in scalar_statements(op):
            yield Statement(equations.get(out.name, ""), (line,))
    for op in scalars:
        for b in op.stored:
            if place := memory.number(b):
                yield Statement("", (f"{place} = {b.name};",))


class _Printer:
    """Prints the operations of one phase, section by section. A tile is a team's, everything else is all ranks'."""

    def __init__(
        self, memory: Memory, loops: Loops, phase: Phase, equations: Mapping[str, str], tables: MoveTables
    ) -> None:
        self.memory, self.loops, self.phase, self.equations = memory, loops, phase, equations
        self.calls = Calls(memory, phase, self.span)
        self.moves = MoveCalls(tables, phase, self.calls.call)
        self.slides = SlideCalls(tables, phase, self.calls.call)
        self.team = "mine" if phase == "tile" else "all"
        self.heading = ""
        self.sections: list[Section] = []
        self.statements: list[Statement] = []
        self.widths: set[int] = set()
        self.used: dict[str, None] = {}
        self.adds = False

    def span(self, columns: Dim) -> str:
        """The variable that holds a rank's part of so many columns."""
        assert isinstance(columns, int)
        self.widths.add(columns)
        return f"s{columns}"

    def put(self, op: Op) -> None:
        if not isinstance(op, View) and op.outs:
            self.used |= dict.fromkeys(b.name for b in (*op.reads, *op.outs))
        match op:
            case Fused(shape=()):
                pass  # numbers are for the end of the call
            case Fused():
                self.add(*map(self.comment, computed(op)))
                self.add(Statement("", (self.loop(op),)))
            case Product():
                first, *others = self.calls.product(op)
                self.add(Statement(self.equation(op.out), first))
                for step in others:
                    self.wait()
                    self.used[op.out.name] = None
                    self.add(Statement("", step))
            case EachProduct(out=out):
                self.add(Statement(self.equation(out), (self.moves.each_product(op),)))
            case Reduce(out=out):
                self.add(Statement(self.equation(out), (self.calls.reduce(op),)))
            case Concat(out, _, _):
                self.add(Statement(self.equation(out), tuple(self.calls.concat(op, self.constant))))
            case Identity(out):
                self.add(Statement(self.equation(out), (self.calls.matrix("identity", out),)))
            case Transpose(out, src):
                self.add(Statement(self.equation(out), (self.calls.matrix("transpose", out, src),)))
            case Permute(out):
                self.add(Statement(self.equation(out), (self.moves.permute(op),)))
            case Mix(out):
                self.add(Statement(self.equation(out), (self.moves.mix(op),)))
            case Greatest(out):
                self.add(Statement(self.equation(out), (self.moves.greatest(op),)))
            case Unfold(out):
                self.add(Statement(self.equation(out), (self.moves.unfold(op),)))
            case Fold(out):
                self.add(Statement(self.equation(out), (self.moves.fold(op),)))
            case WindowProduct(out=out):
                self.add(Statement(self.equation(out), tuple(self.slides.window_product(op))))
            case PatchProduct(out=out):
                self.add(Statement(self.equation(out), (self.slides.patch_product(op),)))
            case View():
                pass
            case _:
                raise InternalError(f"C has loops: {op.outs[0].name} must be fused")

    def constant(self, value: sp.Expr) -> str:
        """A number that is the same for all elements."""
        return self.loops.c(in_call(value))

    def equation(self, out: Buffer) -> str:
        """What a comment says of a result; nothing of those that passes have made."""
        return self.equations.get(out.name, "")

    def comment(self, out: Buffer) -> Statement:
        """The equation of a step, above the call of the loop that it is in."""
        return Statement(self.equation(out), ())

    def loop(self, op: Fused) -> str:
        """The call of a fused operation's loop; outside tiles, totals are the first rank's."""
        totals = [total.out.name for total in op.totals if not total.out.shape]
        places = tuple(f"totals + {self.memory.total(name)}".removesuffix(" + 0") for name in totals)
        self.adds |= bool(totals)
        axes = self.loops.axes(op)
        if self.phase == "tile":
            return self.loops.call(op, "whole(at->rows)", self.span(axes.columns), places)
        if totals:
            call = self.loops.call(op, f"whole({axes.outer or 1})", f"whole({axes.columns})", places)
            return f"if (all.rank == 0) {call}"
        if axes.has_rows:
            return self.loops.call(op, f"share(all, {axes.outer})", f"whole({axes.columns})", ())
        return self.loops.call(op, "whole(1)", f"share(all, {axes.columns})", ())

    def add(self, *statements: Statement) -> None:
        """Under the name of the sweep, if they are its first."""
        statements = tuple(s for s in statements if s.code or s.math)
        if self.heading and statements:
            self.statements.append(Statement(self.heading, ()))
            self.heading = ""
        self.statements += statements

    def wait(self) -> None:
        """End the section: what comes next reads what other ranks write in it."""
        if self.statements:
            section = Section(
                phase=self.phase,
                pointers=self.memory.declarations(self.phase, self.used),
                spans=tuple(sorted(self.widths)),
                adds=self.adds,
                statements=tuple(self.statements),
            )
            self.sections.append(section)
        self.statements.clear()
        self.adds = False
        self.widths.clear()
        self.used.clear()
