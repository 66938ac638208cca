"""Loops in C: functions that go over rows and columns, each written once for all arrays with the same mathematics."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import sympy as sp

from smgen.ir import BATCH, LAMBDA, SAMPLES, Buffer, Fused, Layout, Reduce
from smgen.targets.c.memory import Memory
from smgen.targets.dialect import C
from smgen.targets.expressions import CPrinter
from smgen.targets.roles import SCALARS, Roles, Shared, arrays_read, last_role, of_loop, scalars_read
from smgen.targets.source import WIDTH

TYPES: Final = {"lam": "real", "N": "long"}
IN_CALL: Final = {name: f"at->{name}" for name in SCALARS}
"""The arguments that are numbers, where sections find them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A function of the C file that does `body` for each row and column; `head` is its signature.

    `before` declares the totals that it sums up, `after` says what becomes of them. `row` is the number of the row, a
    tangent's where there are `tangents`, and is needed if `indexed`; `dense` says that k counts all elements.
    """

    name: str
    head: tuple[str, ...]
    tangents: bool
    indexed: bool
    dense: bool
    before: tuple[str, ...]
    pragma: str
    body: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """Where in an array an element of the loop is: its row, the distance of rows, and whether it has columns.

    A loop over a single column takes the rows for columns, j: that vectorises.
    """

    row: Literal["", "n", "c", "row", "j"]
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
        step = {"one": "", "width": " * width", "own": f" * {role}_row"}[self.step] if self.row else ""
        return f"{role}[{' + '.join(filter(None, (self.row + step, 'j' * self.columns))) or '0'}]"


class Loops:
    """Prints the loops of one schedule into those of the module."""

    def __init__(self, memory: Memory, dtype: str, shared: Shared[Loop]) -> None:
        self.memory = memory
        self.shared = shared
        self.c = CPrinter(dtype, C)

    def call(self, op: Fused, rows: str, columns: str, totals: tuple[str, ...]) -> str:
        """The call that runs a fused operation over these spans; `totals` are the addresses of its sums."""
        names = of_loop(op)
        if _is_turned(op.layout):
            rows, columns = columns, rows
        arrays = [*arrays_read(op), *op.stored, *(total.out for total in _over_tangents(op))]
        accesses = {b.name: self._access(b, op.layout) for b in arrays}
        loop = self.shared.add(f"map_{last_role(op, names)}", lambda name: self._loop(op, names, accesses, name))
        sizes = [rows, *([str(op.layout.tangents)] if loop.tangents else []), columns]
        sizes += [str(sides(op.layout)[1])] if any(access.takes_width for access in accesses.values()) else []
        sizes += [str(self.memory.stride(b)) for b in arrays if _has_own_step(accesses[b.name])]
        scalars = [IN_CALL[name] for name in scalars_read(op)]
        return f"{loop.name}({', '.join([*sizes, *scalars, *(b.name for b in arrays), *totals])});"

    def _loop(self, op: Fused, names: Roles, accesses: Mapping[str, Access], name: str) -> Loop:
        read = arrays_read(op)
        written = [*op.stored, *(total.out for total in _over_tangents(op))]
        sums = [names.of(total.out) for total in op.totals if not total.out.shape]
        dense = any(access.dense for access in accesses.values())
        sizes = ["const span rows", *["const long tangents"] * op.layout.is_stack, "const span columns"]
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
            tangents=op.layout.is_stack,
            indexed=op.layout.is_stack and (dense or any(access.row == "row" for access in accesses.values())),
            dense=dense,
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

    def _access(self, b: Buffer, layout: Layout) -> Access:
        width, step = sides(layout)[1], self.memory.stride(b)
        if _is_turned(layout):
            varies = b.shape[:1] == layout.shape[:1]
            return Access(row="j" if varies else "", step="one" if step == 1 else "own", columns=False, dense=False)
        row, columns = _row(b, layout), b.shape[-1] not in (1, BATCH)
        return Access(
            row=row,
            step="one" if step == 1 else "width" if step == width else "own",
            columns=columns,
            dense=bool(row) and columns and b.layout == layout and step == width,
        )


def _has_own_step(access: Access) -> bool:
    return access.row != "" and access.step == "own"


def _is_turned(layout: Layout) -> bool:
    rows, width = sides(layout)
    return rows != "" and width == 1 and not layout.is_stack


def _over_tangents(op: Fused) -> list[Reduce]:
    """Totals that each sample has a row of."""
    return [total for total in op.totals if total.out.shape]


def _row(b: Buffer, layout: Layout) -> Literal["", "n", "c", "row"]:
    """The row of an array in a loop; nothing if it has one for all rows."""
    if layout.is_stack and b.is_stack and b.tangents != 1:
        return "row"
    if layout.is_stack and b.is_matrix and b.shape[0] != 1:
        return "c"
    return "" if b.shape[0] == 1 or (len(b.shape) == 1 and not b.batched) else "n"


def _signature(head: str, arguments: list[str]) -> tuple[str, ...]:
    """The lines of a function's first statement, arguments below each other's."""
    whole = ", ".join(argument.replace(" ", "\0") for argument in arguments)  # lines end between arguments
    wrapped = textwrap.wrap(f"{whole})", WIDTH - len(head), break_long_words=False)
    margin = " " * len(head)
    return tuple(f"{margin if position else head}{line}".replace("\0", " ") for position, line in enumerate(wrapped))


def sides(layout: Layout) -> tuple[str, int]:
    """Rows, as C, and columns of a loop; no rows for a single row of values."""
    shape, columns = layout.shape, layout.units[-1] if layout.units else 1
    if layout.batch:
        return "at->rows", columns
    return (str(shape[0]) if len(shape) == 2 else ""), columns


def scalar_statements(op: Fused) -> Iterator[tuple[Buffer, str]]:
    """What is computed of numbers, in double: each result and its declaration."""
    c = CPrinter("float64", C)
    for out, expr in op.steps:
        yield out, f"const double {out.name} = {c(in_call(expr))};"


def in_call(expr: sp.Expr) -> sp.Expr:
    """An expression with λ and N as sections know them."""
    return expr.xreplace({b.symbol: sp.Symbol(IN_CALL[b.name]) for b in (LAMBDA, SAMPLES)})
