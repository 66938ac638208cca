"""Operands that are positive in real numbers and 0 in the dtype, by underflow: a function may have no value there."""

from __future__ import annotations

from collections.abc import Iterator

from smgen.calculus.accuracy import Domain
from smgen.calculus.intervals import LEAST
from smgen.calculus.partials import Partials
from smgen.calculus.primitives import MARKS
from smgen.calculus.surfaces import explain, singular_places
from smgen.network import Vertex


def vanishing(vertex: Vertex, f: Partials, domains: tuple[Domain, ...]) -> Iterator[str]:
    """The warnings for such operands: softplus and exp are 0 far on the left, and 1/softplus is infinite there."""
    names = dict(zip(f.symbols, vertex.operands, strict=True))
    may_vanish = {symbol for symbol, ends in zip(f.symbols, domains, strict=True) if LEAST in map(abs, ends)}
    if not may_vanish:
        return
    closed = tuple((_closed(low), _closed(high)) for low, high in domains)
    derivatives = [(MARKS[len(o)], f.derivative(o)) for o in ((), *((n,) for n in range(len(names))))]
    for there in singular_places(f.derivative(), f.symbols, closed):
        numbers = dict(zip(f.symbols, there.place, strict=True))
        zeros = [symbol for symbol in there.symbols if symbol in may_vanish and numbers[symbol] == 0]
        at = ", ".join(f"{names[symbol]} = {float(numbers[symbol]):.6g}" for symbol in there.symbols)
        if zeros and (text := explain(derivatives, numbers, at)):
            yield f"{text}, which {names[zeros[0]]} reaches by underflow: add a small number to keep it away from 0"


def _closed(end: float) -> float:
    return 0.0 if abs(end) == LEAST else end
