"""Loops in C: functions that go over rows and columns, each written once for all arrays with the same mathematics."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Literal

import sympy as sp

from smgen.ir import LAMBDA, SAMPLES, Buffer, Fused, Layout, Reduce
from smgen.targets.c.memory import Memory
from smgen.targets.dialect import C
from smgen.targets.expressions import CPrinter
from smgen.targets.nest import Nest, nest
from smgen.targets.roles import SCALARS, Roles, Shared, arrays_read, last_role, of_loop, scalars_read
from smgen.targets.source import WIDTH

TYPES: Final = {"lam": "real", "N": "long"}
IN_CALL: Final = {name: f"at->{name}" for name in SCALARS}
"""The arguments that are numbers, where sections find them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A function of the C file that does `body` for each row and column; `head` is its signature.

    `before` declares the totals that it sums up, `after` says what becomes of them. `inner` are the axes between the
    outermost one and the columns, each a variable and its length: tangents and places. `row` is the number of the row
    among all, and is needed if `indexed`; `dense` says that k counts all elements.
    """

    name: str
    head: tuple[str, ...]
    indexed: bool
    dense: bool
    before: tuple[str, ...]
    inner: tuple[tuple[str, str], ...]
    row: str
    pragma: str
    body: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """Where in an array an element of the loop is: its row, the distance of rows, and whether it has columns.

    A loop over a single column takes the rows for columns, j: that vectorises.
    """

    row: str
    step: Literal["one", "width", "own"]
    columns: bool
    dense: bool

    @property
    def takes_width(self) -> bool:
        """Whether the place depends on how wide the loop is."""
        return self.dense or (self.row != "" and self.step == "width")

    def text(self, role: str) -> str:
        """The element, where the array is called so."""
        if self.dense:
            return f"{role}[k]"
        row, step = self.row, {"one": "", "width": " * width", "own": f" * {role}_row"}[self.step] if self.row else ""
        if " + " in row and step:
            row = f"({row})"
        return f"{role}[{' + '.join(filter(None, (row + step, 'j' * self.columns))) or '0'}]"


class Loops:
    """Prints the loops of one schedule into those of the module."""

    def __init__(self, memory: Memory, dtype: str, shared: Shared[Loop]) -> None:
        self.memory = memory
        self.shared = shared
        self.c = CPrinter(dtype, C)

    def call(self, op: Fused, rows: str, columns: str, totals: tuple[str, ...]) -> str:
        """The call that runs a fused operation over these spans; `totals` are the addresses of its sums."""
        names, axes = of_loop(op), self.axes(op)
        if _is_turned(axes):
            rows, columns = columns, rows
        arrays = _arrays(op)
        accesses = {b.name: self._access(b, axes, op.layout) for b in arrays}
        loop = self.shared.add(f"map_{last_role(op, names)}", lambda name: self._loop(op, names, accesses, axes, name))
        sizes = [rows, *map(str, axes.rows), columns]
        sizes += [str(axes.columns)] if any(access.takes_width for access in accesses.values()) else []
        sizes += [str(self.memory.stride(b)) for b in arrays if _has_own_step(accesses[b.name])]
        scalars = [IN_CALL[name] for name in scalars_read(op)]
        return f"{loop.name}({', '.join([*sizes, *scalars, *(b.name for b in arrays), *totals])});"

    def axes(self, op: Fused) -> Nest:
        """The axes of the loop of a fused operation."""
        arrays = _arrays(op)
        gaps = any(self.memory.stride(b) > b.layout.units[-1] for b in arrays if b.layout.units)
        return nest(op.layout, arrays, gaps=gaps)

    def _loop(self, op: Fused, names: Roles, accesses: Mapping[str, Access], axes: Nest, name: str) -> Loop:
        read = arrays_read(op)
        written = [*op.stored, *(total.out for total in _over_tangents(op))]
        sums = [names.of(total.out) for total in op.totals if not total.out.shape]
        dense = any(access.dense for access in accesses.values())
        inner = tuple(zip(_letters(op.layout, axes), _counts(op.layout, axes), strict=True))
        sizes = ["const span rows", *(f"const long {count}" for _, count in inner), "const span columns"]
        sizes += ["const long width"] * any(access.takes_width for access in accesses.values())
        sizes += [f"const long {names.of(b)}_row" for b in (*read, *written) if _has_own_step(accesses[b.name])]
        arguments = [
            *sizes,
            *(f"const {TYPES[scalar]} {scalar}" for scalar in scalars_read(op)),
            *(f"const real *{names.of(b)}" for b in read),
            *(f"real *{names.of(b)}" for b in written),
            *(f"double *{role}_sum" for role in sums),
        ]
        return Loop(
            name=name,
            head=_signature(f"LOOP {name}(", arguments),
            indexed=bool(inner) and (dense or any(access.row == "row" for access in accesses.values())),
            dense=dense,
            inner=inner,
            row=_joined(["n", *_letters(op.layout, axes)], ["", *_counts(op.layout, axes)]),
            before=tuple(f"double {role} = 0;" for role in sums),
            pragma="#pragma omp simd" + (f" reduction(+ : {', '.join(sums)})" if sums else ""),
            body=tuple(self._body(op, names, accesses)),
            after=tuple(f"*{role}_sum += {role};" for role in sums),
        )

    def _body(self, op: Fused, names: Roles, accesses: Mapping[str, Access]) -> Iterator[str]:
        """The statements for one element."""
        known = {b.symbol: sp.Symbol(accesses[b.name].text(names.of(b))) for b in arrays_read(op)}
        again = {s for _, expr in op.steps for s in expr.free_symbols} | {total.src.symbol for total in op.totals}
        for out, expr in op.steps:
            role = names.of(out)
            value = f"{self.c(expr.xreplace(known))};"
            if out not in op.stored:
                known[out.symbol] = sp.Symbol(role)
                yield f"const real {role} = {value}"
            elif out.symbol not in again:
                yield f"{accesses[out.name].text(role)} = {value}"
            else:
                known[out.symbol] = sp.Symbol(f"{role}_here")
                yield f"const real {role}_here = {value}"
                yield f"{accesses[out.name].text(role)} = {role}_here;"
        for total in op.totals:
            value, role = known[total.src.symbol], names.of(total.out)
            if total.out.shape:  # over the tangents
                target = accesses[total.out.name].text(role)
                yield f"{target} = (c ? {target} : 0) + {value};"
            else:
                yield f"{role} += {value};"

    def _access(self, b: Buffer, axes: Nest, layout: Layout) -> Access:
        step = self.memory.stride(b)
        if _is_turned(axes):
            varies = axes.has[b.name][0]
            return Access(row="j" if varies else "", step="one" if step == 1 else "own", columns=False, dense=False)
        *rows, columns = axes.has[b.name]
        if step == (b.shape[-1] if b.shape else 1):  # no gaps: a row may be several rows of the array
            lengths = (1 if b.batched else axes.outer or 1, *axes.rows)
            apart = prod(length for length, has in zip(lengths, rows, strict=True) if has)
            step = prod(n for n in b.shape if isinstance(n, int)) // apart
        return Access(
            row=_row(rows, layout, axes),
            step="one" if step == 1 else "width" if step == axes.columns else "own",
            columns=columns,
            dense=columns and all(rows) and step == axes.columns,
        )


def _has_own_step(access: Access) -> bool:
    return access.row != "" and access.step == "own"


def _is_turned(axes: Nest) -> bool:
    return axes.has_rows and axes.columns == 1 and not axes.rows


def _arrays(op: Fused) -> list[Buffer]:
    """The arrays of a loop: those that it reads, and those that it writes."""
    return [*arrays_read(op), *op.stored, *(total.out for total in _over_tangents(op))]


def _letters(layout: Layout, axes: Nest) -> tuple[str, ...]:
    """The variables of the axes of rows."""
    return ("c", "p") if len(axes.rows) == 2 else ("c" if layout.tangents is not None else "p",) * len(axes.rows)


def _counts(layout: Layout, axes: Nest) -> tuple[str, ...]:
    """What the lengths of the axes of rows are called."""
    return tuple({"c": "tangents", "p": "places"}[letter] for letter in _letters(layout, axes))


def _over_tangents(op: Fused) -> list[Reduce]:
    """Totals that each sample has a row of."""
    return [total for total in op.totals if total.out.shape]


def _row(has: Sequence[bool], layout: Layout, axes: Nest) -> str:
    """The row of an array, by the axes that it has; nothing if it has one for all rows."""
    letters, counts = ("n", *_letters(layout, axes)), ("", *_counts(layout, axes))
    if len(letters) > 1 and all(has):
        return "row"
    own = [(letter, count) for letter, count, has_it in zip(letters, counts, has, strict=True) if has_it]
    return _joined([letter for letter, _ in own], [count for _, count in own])


def _joined(letters: Sequence[str], counts: Sequence[str]) -> str:
    """The number of a row from those of its axes, and their lengths: n * tangents + c."""
    text = ""
    for letter, count in zip(letters, counts, strict=True):
        text = f"{f'({text})' if ' + ' in text else text} * {count} + {letter}" if text else letter
    return text


def _signature(head: str, arguments: list[str]) -> tuple[str, ...]:
    """The lines of a function's first statement, arguments below each other's."""
    whole = ", ".join(argument.replace(" ", "\0") for argument in arguments)  # lines end between arguments
    wrapped = textwrap.wrap(f"{whole})", WIDTH - len(head), break_long_words=False)
    margin = " " * len(head)
    return tuple(f"{margin if position else head}{line}".replace("\0", " ") for position, line in enumerate(wrapped))


def scalar_statements(op: Fused) -> Iterator[tuple[Buffer, str]]:
    """What is computed of numbers, in double: each result and its declaration."""
    c = CPrinter("float64", C)
    for out, expr in op.steps:
        yield out, f"const double {out.name} = {c(in_call(expr))};"


def in_call(expr: sp.Expr) -> sp.Expr:
    """An expression with λ and N as sections know them."""
    return expr.xreplace({b.symbol: sp.Symbol(IN_CALL[b.name]) for b in (LAMBDA, SAMPLES)})
