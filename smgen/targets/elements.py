"""Element functions: a fused operation for a single element, in a language like C."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from smgen.ir import SAMPLES, Fused, Schedule
from smgen.targets.dialect import Dialect
from smgen.targets.expressions import CPrinter
from smgen.targets.roles import Roles, Shared, arrays_read, last_role, of_loop, scalars_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A function of the numbers of one element. Its parameters are what it reads, the results, and the totals."""

    name: str
    head: str
    body: tuple[str, ...]


def element(op: Fused, dtype: str, dialect: Dialect, shared: Shared[Element]) -> Element:
    """The element function of a loop. Loops with the same mathematics have the same function."""
    names, c = of_loop(op), CPrinter(dtype, dialect)
    return shared.add(f"at_{last_role(op, names)}", lambda name: _element(op, names, name, c))


def _element(op: Fused, names: Roles, name: str, c: CPrinter) -> Element:
    parameters = [f"const {c.real} {names.of(b)}" for b in arrays_read(op)]
    parameters += [f"const {type_of(scalar, c)} {scalar}" for scalar in scalars_read(op)]
    parameters += [f"{c.real}{c.dialect.result} {names.of(b)}" for b in op.stored]
    parameters += [f"double{c.dialect.result} {names.of(total.out)}" for total in op.totals]
    return Element(
        name=name,
        head=f"{c.dialect.function} void {name}({', '.join(parameters)})",
        body=tuple(_body(op, names, c)),
    )


def type_of(scalar: str, c: CPrinter) -> str:
    """The type of an argument that is a number: that of the dtype for λ, a whole number for N."""
    return "int" if scalar == SAMPLES.name else c.real


def _body(op: Fused, names: Roles, c: CPrinter) -> Iterator[str]:
    results = {b.name: _result(names.of(b), c.dialect) for b in op.outs}
    known = {b.symbol: sp.Symbol(names.of(b)) for b in arrays_read(op)}
    for out, expr in op.steps:
        value = c(expr.xreplace(known))
        if out in op.stored:
            yield f"{results[out.name]} = {value};"
        else:
            yield f"const {c.real} {names.of(out)} = {value};"
        known[out.symbol] = sp.Symbol(results.get(out.name, names.of(out)))
    for total in op.totals:
        yield f"{results[total.out.name]} += {known[total.src.symbol]};"


def _result(role: str, dialect: Dialect) -> str:
    return role if dialect.result == "&" else f"(*{role})"


def elements(schedules: Iterable[Schedule], dtype: str, dialect: Dialect) -> tuple[Element, ...]:
    """The element functions of all loops of fused schedules."""
    shared: Shared[Element] = Shared()
    for schedule in schedules:
        for op in schedule.ops:
            if isinstance(op, Fused) and op.shape:
                element(op, dtype, dialect, shared)
    return tuple(shared.by_name.values())
