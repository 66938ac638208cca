"""The sweeps of each function of the generated module. They are the same in every hessian mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir import (
    ENERGY,
    HESSIAN_DIAGONAL,
    LAMBDA,
    LAYER_MEANS,
    SCALAR,
    SCORE,
    Buffer,
    Function,
    Layout,
    Letter,
    Name,
    Reduce,
    Schedule,
)
from smgen.ir.rearrange import reshaped
from smgen.layers.data import to_rows
from smgen.layers.letters import G
from smgen.lower.gradients import adjoint_backward
from smgen.lower.hessian_state import HessianState, NoHessian
from smgen.lower.names import loss_term_of
from smgen.lower.sweeps import adjoint_forward, backward
from smgen.lower.values import Lowering
from smgen.network import Network
from smgen.objectives import DELTA as DELTA_SYMBOL
from smgen.objectives import Objective

ROW: Final = Layout(batch=True)
"""One number a sample."""

Begin: TypeAlias = Callable[[Lowering, sp.Expr | None], HessianState]
"""Makes the mode's state for one function; λ is None for functions without a loss."""

Body: TypeAlias = Callable[[Lowering, HessianState], tuple[Buffer, ...]]
"""Writes a function's sweeps and returns its outputs."""


def schedule(network: Network, function: Function, begin: Begin, arguments: tuple[Buffer, ...] = ()) -> Schedule:
    """The schedule of one function. `arguments` are the mode's own, besides x, λ and the parameters."""
    lowering = Lowering(network=network, arguments=arguments)
    lam = {"none": None, "zero": sp.S.Zero, "any": LAMBDA.symbol}[function.lam]
    hessian = begin(lowering, lam)
    lowering.forward()
    if function.objective is not None and lam is not None:
        outputs = _Losses(lowering, hessian, function, function.objective, lam).outputs()
    else:
        outputs = BODIES[function](lowering, hessian)
    return Schedule(
        function=function,
        inputs=lowering.emitter.inputs,
        sweeps=lowering.emitter.finished(),
        outputs=outputs,
        fingerprint=network.fingerprint,
    )


def _energy(lowering: Lowering, _: HessianState) -> tuple[Buffer, ...]:
    """E = Σ over the units of the energy vertices."""
    e = lowering.emitter
    e.sweep("energy")
    total = sp.S.Zero
    for name, count in lowering.network.energies:
        unit_sum = e.new(f"E_{name}", ROW)
        total += count * e.emit(Reduce(out=unit_sum, src=_in_a_row(lowering, name), axis=1))
    return (e.result(_result("energy"), ROW, total),)


def _in_a_row(lowering: Lowering, name: str, factor: sp.Expr = sp.S.One) -> Buffer:
    """The value of a vertex, times a number, with all units of a sample in one row."""
    e, v = lowering.emitter, lowering.network[name]
    value = e.in_buffer(factor * lowering.g[name], f"{G.of(name).code}_part")
    return e.buffer(reshaped(e, value, v.layout, Layout(units=(v.units,)), Name(f"{G.of(name).code}_row")))


def _result(code: str) -> Name:
    """The name of a result: `score`, `energy`, `J`."""
    return Name(code, Letter(code, family=code), code)


def _layer_means(lowering: Lowering, _: HessianState) -> tuple[Buffer, ...]:
    """The mean over the units of every vertex, one number a sample. A mean is finite if all its values are."""
    e = lowering.emitter
    e.sweep("means of the layers")
    outs = []
    for v in lowering.network.vertices:
        src = _in_a_row(lowering, v.name, sp.Rational(1, v.units))
        out = e.new(_result(f"mean_{G.of(v.name).code}"), ROW)
        e.emit(Reduce(out=out, src=src, axis=1))
        outs.append(out)
    return tuple(outs)


def _score(lowering: Lowering, _: HessianState) -> tuple[Buffer, ...]:
    return (_at_x(lowering, "score", -backward(lowering)[lowering.network.input.name]),)


def _hessian_diagonal(lowering: Lowering, hessian: HessianState) -> tuple[Buffer, ...]:
    hessian.backward()
    return (_at_x(lowering, "hessian_diagonal", hessian.diagonal()),)


def _at_x(lowering: Lowering, code: str, value: sp.Expr) -> Buffer:
    """A result at x: a row a sample."""
    x, e = lowering.network.input, lowering.emitter
    if x.layout.places is not None:
        value = to_rows(e, value, x, Name(f"{code}_rows"))
    return e.result(_result(code), Layout(batch=True, units=(x.units,)), value)


class _Losses:
    """The terms of an objective and their sum J, as float64 means over the batch, and the gradients of the function.

    The gradient of J takes one merged sweep ([+] 1), because every sweep is linear in the adjoints. The gradients of
    single terms take the separate sweeps of the source.
    """

    def __init__(
        self, lowering: Lowering, hessian: HessianState, function: Function, objective: Objective, lam: sp.Expr
    ) -> None:
        self.lowering, self.hessian, self.function, self.objective, self.lam = (
            lowering,
            hessian,
            function,
            objective,
            lam,
        )
        self.delta = hessian.backward()

    def outputs(self) -> tuple[Buffer, ...]:
        self.lowering.emitter.sweep("loss")
        values = {letter: self._mean(letter) for letter in self.objective.letters}
        results = []
        for letter in self.function.results:
            value = values[letter] if letter in values else sp.Add(*values.values())
            results.append(self.lowering.emitter.result(_result(letter), SCALAR, value, kind="accumulator"))
            values |= {letter: results[-1].symbol} if letter in values else {}
        gradients = [g for letter in self.function.gradients for g in self._gradient(letter)]
        return (*results, *gradients)

    def _mean(self, letter: str) -> sp.Expr:
        """(1/N) Σ_n Σ_d ℓ of one term."""
        parts, x = self.objective.parts(letter, self.lam), self.lowering.network.input
        value: sp.Expr = sp.S.Zero
        if parts.of_delta != 0:
            number, rest = parts.of_delta.as_coeff_Mul()
            name = "sum_delta_squared" if rest == DELTA_SYMBOL**2 else f"sum_{letter}"
            at_input = rest.xreplace({DELTA_SYMBOL: self.delta[x.name]})
            value = number * self.lowering.emitter.mean_sum(at_input, x.units, Name(name, role=name))
        if (parts.first, parts.second) != (0, 0):
            value += self.hessian.moments(parts.first, parts.second)
        return value

    def _gradient(self, letter: str) -> tuple[Buffer, ...]:
        """The adjoint sweeps of a term, from ∂ℓ/∂δ_in (3), (5) and ∂ℓ/∂δ′_in (7)."""
        parts, x = self.objective.parts(letter, self.lam), self.lowering.network.input
        has_delta_prime = (parts.first, parts.second) != (0, 0)
        loss_term = loss_term_of(letter, has_delta=parts.of_delta != 0, has_delta_prime=has_delta_prime)
        mu_start = sp.diff(parts.of_delta, DELTA_SYMBOL).xreplace({DELTA_SYMBOL: self.delta[x.name]})
        if has_delta_prime:
            self.hessian.begin_adjoints(loss_term, parts.first, parts.second)
        adjoints = self.hessian if has_delta_prime else NoHessian()
        mu = adjoint_forward(self.lowering, loss_term, mu_start, adjoints)
        return tuple(adjoint_backward(self.lowering, loss_term, self.delta, mu, adjoints).values())


BODIES: Final[Mapping[Function, Body]] = {
    ENERGY: _energy,
    SCORE: _score,
    HESSIAN_DIAGONAL: _hessian_diagonal,
    LAYER_MEANS: _layer_means,
}
"""The bodies of the functions without a loss."""
