"""The results of functions that are arrays with a row for each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir import ARRAYS, ZERO, Buffer, Function, Layout, Letter, Name, Reduce
from smgen.ir.rearrange import reshaped
from smgen.layers.data import to_rows
from smgen.layers.letters import G
from smgen.lower.hessian_state import HessianState, Values
from smgen.lower.values import Lowering

ROW: Final = Layout(batch=True)
"""One number a sample."""

Write: TypeAlias = Callable[[Lowering, HessianState, Values], Iterator[Buffer]]
"""Writes a result, after the backward sweep; functions without one have no δ."""


def array_results(lowering: Lowering, function: Function, hessian: HessianState, delta: Values) -> tuple[Buffer, ...]:
    """The results of a function that are no losses, in order."""
    names = [name for name in function.results if name in ARRAYS]
    return tuple(out for name in names for out in WRITE[name](lowering, hessian, delta))


def result(code: str) -> Name:
    """The name of a result: `score`, `energy`, `J`."""
    return Name(code, Letter(code, family=code), code)


def energy_of(lowering: Lowering) -> sp.Expr:
    """E = Σ over the units of the energy vertices, (N,)."""
    e = lowering.emitter
    total = ZERO
    for name, count in lowering.network.energies:
        unit_sum = e.new(f"E_{name}", ROW)
        total += count * e.emit(Reduce(out=unit_sum, src=_in_a_row(lowering, name), axis=1))
    return total


def _energy(lowering: Lowering, hessian: HessianState, delta: Values) -> Iterator[Buffer]:
    lowering.emitter.sweep("energy")
    yield lowering.emitter.result(result("energy"), ROW, energy_of(lowering))


def _in_a_row(lowering: Lowering, name: str, factor: sp.Expr = sp.S.One) -> Buffer:
    """The value of a vertex, times a number, with all units of a sample in one row."""
    e, v = lowering.emitter, lowering.network[name]
    value = e.in_buffer(factor * lowering.g[name], f"{G.of(name).code}_part")
    return e.buffer(reshaped(e, value, v.layout, Layout(units=(v.units,)), Name(f"{G.of(name).code}_row")))


def _layer_means(lowering: Lowering, hessian: HessianState, delta: Values) -> Iterator[Buffer]:
    """The mean over the units of every vertex. A mean is finite if all its values are."""
    e = lowering.emitter
    e.sweep("means of the layers")
    for v in lowering.network.vertices:
        src = _in_a_row(lowering, v.name, sp.Rational(1, v.units))
        out = e.new(result(f"mean_{G.of(v.name).code}"), ROW)
        e.emit(Reduce(out=out, src=src, axis=1))
        yield out


def _score(lowering: Lowering, hessian: HessianState, delta: Values) -> Iterator[Buffer]:
    yield at_x(lowering, "score", -delta[lowering.network.input.name])


def _hessian_diagonal(lowering: Lowering, hessian: HessianState, delta: Values) -> Iterator[Buffer]:
    yield at_x(lowering, "hessian_diagonal", hessian.diagonal())


def _laplacian(lowering: Lowering, hessian: HessianState, delta: Values) -> Iterator[Buffer]:
    yield lowering.emitter.result(result("laplacian"), ROW, hessian.moments(sp.S.One, ZERO))


def at_x(lowering: Lowering, code: str, value: sp.Expr) -> Buffer:
    """A result at x: a row a sample."""
    x, e = lowering.network.input, lowering.emitter
    if x.layout.places is not None:
        value = to_rows(e, value, x, Name(f"{code}_rows"))
    return e.result(result(code), Layout(batch=True, units=(x.units,)), value)


WRITE: Final[Mapping[str, Write]] = {
    "energy": _energy,
    "score": _score,
    "hessian_diagonal": _hessian_diagonal,
    "laplacian": _laplacian,
    "means": _layer_means,
}

WITHOUT_DELTA: Final = frozenset({"energy", "means"})
"""Results that need no backward sweep."""
