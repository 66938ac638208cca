"""The terms of an objective: their values, and the sweeps of their adjoints.

The gradient of J takes one merged sweep ([+] 1), because every sweep is linear in the adjoints. The gradients of single
terms take the separate sweeps of the source. A weight multiplies ℓ, and so the adjoints at x alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from smgen.ir import ARRAYS, SAMPLES, SCALAR, ZERO, Buffer, Function, Kind, Layout, Name
from smgen.lower.gradients import AdjointBackward
from smgen.lower.hessian_state import HessianState, Values
from smgen.lower.names import loss_term_of
from smgen.lower.no_hessian import NoHessian
from smgen.lower.results import at_x, energy_of, result
from smgen.lower.sweeps import adjoint_forward, energy_starts
from smgen.lower.values import Lowering
from smgen.objectives import DELTA, DELTA_PRIME, SAMPLE_WEIGHTS, WEIGHTS, Objective, Parts, X, by_x


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The losses and gradients of one function, after the backward sweep."""

    lowering: Lowering
    hessian: HessianState
    function: Function
    objective: Objective
    lam: sp.Expr
    delta: Values

    def outputs(self) -> tuple[Buffer, ...]:
        """The terms and J, the gradients, then the derivative by x."""
        letters = [name for name in self.function.results if name not in ARRAYS]
        return (*self._values(letters), *self._gradients())

    def _values(self, letters: list[str]) -> Iterator[Buffer]:
        if not letters:
            return
        e, each = self.lowering.emitter, self.function.each
        e.sweep("loss")
        values = {letter: self._value(letter) for letter in self.objective.letters}
        layout = Layout(batch=True) if each else SCALAR
        kind: Kind = "real" if each else "accumulator"
        for letter in letters:
            value = values[letter] if letter in values else sp.Add(*values.values())
            yield (out := e.result(result(f"{letter}_n" if each else letter), layout, value, kind=kind))
            values |= {letter: out.symbol} if letter in values and not each else {}

    def _gradients(self) -> Iterator[Buffer]:
        for letter in dict.fromkeys((*self.function.gradients, *filter(None, [self.function.by_x]))):
            yield from self._gradient(letter)

    def _parts(self, letter: str) -> Parts:
        """A term with its weights, in terms of x and what is given, with the axes of x."""
        parts = self.objective.parts(letter, self.lam)
        given = {*self.function.given} & {SAMPLE_WEIGHTS, WEIGHTS}
        return parts if self.lowering.weighted_energy else parts.times(sp.Mul(*(g.symbol for g in given)))

    def _placed(self, value: sp.Expr) -> sp.Expr:
        """An expression of δ at x, x and what is given, as one of buffers."""
        return value.xreplace(self.lowering.at_x | {DELTA: self.delta[self.lowering.network.input.name]})

    def _factor(self, value: sp.Expr, name: str) -> sp.Expr:
        """A factor of δ′ or δ′²: a number, or an array of the shape of x."""
        e, x, placed = self.lowering.emitter, self.lowering.network.input, self._placed(value)
        return placed if e.is_constant(placed) else e.in_layout(placed, x.layout, Name(name))

    def _value(self, letter: str) -> sp.Expr:
        """The total of one term."""
        parts, x, e = self._parts(letter), self.lowering.network.input, self.lowering.emitter
        value: sp.Expr = ZERO
        if parts.of_energy != 0:
            row = e.reshape(e.new("weights_row", Layout(batch=True)), e.buffers[SAMPLE_WEIGHTS.name])
            weight = parts.of_energy.xreplace({SAMPLE_WEIGHTS.symbol: row})
            value += e.total(weight * energy_of(self.lowering), 1, Name("sum_energy"))
        if parts.of_delta != 0:
            number, rest = parts.of_delta.as_coeff_Mul()
            name = "sum_delta_squared" if rest == DELTA**2 else f"sum_{letter}"
            value += number * e.total(self._placed(rest), x.units, Name(name, role=name))
        if parts.has_delta_prime:
            value += self.hessian.moments(*self._factors(parts))
        return value if self.objective.total == "mean" else SAMPLES.symbol * value

    def _factors(self, parts: Parts) -> tuple[sp.Expr, sp.Expr]:
        return self._factor(parts.first, "factor_of_delta_prime"), self._factor(parts.second, "factor_of_its_square")

    def _gradient(self, letter: str) -> Iterator[Buffer]:
        """The adjoint sweeps of a term, from ∂ℓ/∂δ_in (3), (5) and ∂ℓ/∂δ′_in (7)."""
        parts, lowering = self._parts(letter), self.lowering
        loss_term = loss_term_of(letter, has_delta=parts.of_delta != 0, has_delta_prime=parts.has_delta_prime)
        if parts.has_delta_prime:
            self.hessian.begin_adjoints(loss_term, *self._factors(parts))
        adjoints = self.hessian if parts.has_delta_prime else NoHessian()
        mu = adjoint_forward(lowering, loss_term, self._placed(sp.diff(parts.of_delta, DELTA)), adjoints)
        starts = energy_starts(lowering, weighted=True) if parts.of_energy != 0 else {}
        count = SAMPLES.symbol if self.objective.total == "mean" else sp.S.One
        sweep = AdjointBackward(lowering, loss_term, (self.delta, mu), adjoints, starts=starts, count=count)
        gradients = sweep.run()
        if letter in self.function.gradients:
            yield from gradients.values()
        if letter == self.function.by_x:
            value = sweep.by_x() + self._explicit(letter) / count
            yield at_x(lowering, "by_x", value)

    def _explicit(self, letter: str) -> sp.Expr:
        """The derivative by x of a term in which x stands, with δ and δ′ held."""
        if not self.objective.term(letter).has(X):
            return ZERO
        value = by_x(self._term(letter))
        places = {DELTA_PRIME: self.hessian.diagonal()} if value.has(DELTA_PRIME) else {}
        return self._placed(value).xreplace(places)

    def _term(self, letter: str) -> sp.Expr:
        """A term with its weights, as an expression of δ, δ′, x and what is given."""
        parts = self._parts(letter)
        return parts.of_delta + parts.first * DELTA_PRIME + parts.second * DELTA_PRIME**2
