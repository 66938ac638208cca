"""The backward sweep of the adjoints. It completes the gradients of the parameters vertex by vertex."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.ir import SAMPLES, ZERO, Buffer, Layout, Name
from smgen.layers.letters import label, parameter_buffer
from smgen.layers.protocol import Naming
from smgen.lower.hessian_state import TermAdjoints, Values
from smgen.lower.names import LossTerm, d_dg, gradient_of
from smgen.lower.sweeps import gamma_parts
from smgen.lower.values import Lowering
from smgen.network import Vertex


class AdjointBackward:
    """The backward sweep of the adjoints of one term: ∂/∂g of every vertex, and the gradient of each parameter.

    `values` are δ, μ and γ. `starts` are what the term itself adds to γ of vertices, and `count` is what gradients are
    divided by: N for means over the batch. Layers that share weights add their terms before that. `terms` are the terms
    of γ of each constant, each summed over the batch.
    """

    def __init__(
        self,
        lowering: Lowering,
        loss_term: LossTerm,
        values: tuple[Values, Values],
        adjoints: TermAdjoints,
        *,
        starts: Values | None = None,
        count: sp.Expr = SAMPLES.symbol,
    ) -> None:
        self.lowering, self.loss_term, self.adjoints = lowering, loss_term, adjoints
        self.values: tuple[Values, Values, Values] = (*values, {})
        self.starts, self.count = starts or {}, count
        self.quantity = d_dg(loss_term.letter)
        self.terms: dict[str, list[sp.Expr]] = {c.name: [] for c in lowering.network.constants}
        self.gradients: dict[str, Buffer] = {}
        self._numbers = {"weight": loss_term.weights, "bias": "[+] bias", "gain": "[+] gain"}

    def run(self) -> dict[str, Buffer]:
        """The sweep. Each gradient is written as soon as all its terms are known: parameter → output."""
        self.lowering.emitter.sweep(f"backward adjoints of {self.loss_term.letter} and gradients")
        network = self.lowering.network
        for v in reversed(network.varying):
            if v.layer.per_sample or v.layer.detached:
                continue
            self.values[2][v.name] = self._gamma(v)
            self._of_constants(v)
            self._finish(v)
        return {key: self.gradients[key] for key in network.parameters}

    def by_x(self) -> sp.Expr:
        """∂/∂x after the sweep, divided as the gradients are."""
        return self._gamma(self.lowering.network.input) / self.count

    def _gamma(self, v: Vertex) -> sp.Expr:
        lowering, children = self.lowering, self.lowering.network.children(v.name)
        parts = [part for k in children for part in gamma_parts(lowering, v.name, k, self.values, self.adjoints)]
        equations = children[0].layer.equations if len(children) == 1 else "general"
        start = self.starts.get(v.name, ZERO)
        return lowering.emitter.sum_of(self.quantity.of(v.name), self.loss_term.gamma[equations], parts, start)

    def _of_constants(self, v: Vertex) -> None:
        """Add the terms of v to γ of the constants that it reads, in the shapes of the constants."""
        for p in (*v.inputs, *v.conditions):
            for key, value in self._of_map(v, p):
                self.terms[key].append(value)
        for key in v.constants:
            name = self._naming("sum", v)(key)
            parts = gamma_parts(self.lowering, key, v, self.values, self.adjoints)
            total = sp.Add(*(part(name.part("terms"), "") for part in parts))
            if total != 0:
                collected = self.lowering.lowered[v.name].collected(self.lowering.emitter, key, total, name)
                self.terms[key].append(collected)

    def _of_map(self, v: Vertex, p: str) -> Iterator[tuple[str, sp.Expr]]:
        """The gradient terms of the parameters of the linear map from p to v: (16), (17)."""
        delta, mu, gamma = self.values
        lowered, e = self.lowering.lowered[v.name], self.lowering.emitter
        if p in v.inputs:
            yield from lowered.gradient(e, p, delta[v.name], mu[p], self._naming("delta", v)).items()
            yield from self.adjoints.gradient(p, v, self._naming(self.adjoints.word, v)).items()
        yield from lowered.gradient(e, p, gamma[v.name], self.lowering.g[p], self._naming("g", v)).items()

    def _naming(self, suffix: str, v: Vertex) -> Naming:
        """The names of gradient terms. A term of a shared parameter has the name of the layer in it."""

        def name(key: str) -> Name:
            own = label(key.partition(".")[0]) == v.name or len(self.lowering.network.children(key)) == 1
            reader = "" if own else f"_at_{v.name}"
            return self._name(key).part(f"{suffix}{reader}")

        return name

    def _name(self, key: str) -> Name:
        """The name of γ of a constant: a gradient for a parameter, ∂J/∂g for a vertex that is made of parameters."""
        constant = self.lowering.network[key]
        if constant.layer.is_form:
            return self._name(constant.operands[0]).part(constant.layer.kind)
        if constant.operands:
            return self.quantity.of_array(key, constant.shape)
        return gradient_of(self.loss_term.letter, parameter_buffer(key, constant.shape))

    def _finish(self, v: Vertex) -> None:
        """Finish γ of the constants whose first reader is v: first those made of others, then the parameters."""
        constants = self.lowering.network.constants_of(v)
        for c in reversed([c for c in constants if c.operands]):
            number = "" if c.layer.is_form else "(9)"
            gamma = self.lowering.emitter.bind(self._name(c.name), sp.Add(*self.terms[c.name]), number)
            self.values[2][c.name] = gamma
            for key in c.constants:
                name = self._naming("sum", c)(key)
                parts = gamma_parts(self.lowering, key, c, self.values, self.adjoints)
                self.terms[key] += [part(name, "") for part in parts]
        for c in constants:
            if c.name in self.lowering.network.parameters:
                number = self._numbers.get(c.name.partition(".")[2], "[+] 7")
                value = sp.Add(*self.terms[c.name]) / self.count
                name, layout = self._name(c.name), Layout(units=c.shape)
                self.gradients[c.name] = self.lowering.emitter.result(
                    name, layout, value, number, is_sum=self.count == 1
                )
