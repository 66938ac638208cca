"""The backward adjoint sweep and the gradients of the parameters that it completes on its way."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.ir import SAMPLES, Buffer, Layout, Name
from smgen.layers.letters import label, parameter_buffer
from smgen.layers.protocol import Naming
from smgen.lower.curvature import Adjoints, Values
from smgen.lower.names import Adjoint, d_dg, gradient_of
from smgen.lower.sweeps import gamma_parts
from smgen.lower.values import Lowering
from smgen.network import Vertex


def adjoint_backward(
    low: Lowering, adjoint: Adjoint, delta: Values, mu: Values, curvature: Adjoints
) -> dict[str, Buffer]:
    """∂/∂g of every vertex and, as soon as what it needs is there, each parameter's gradient: parameter → output.

    Gradients are means over the batch; layers that share weights add their terms before the division by N.
    """
    low.emitter.sweep(f"backward adjoints of {adjoint.of} and gradients")
    return _Backward(low, adjoint, (delta, mu, {}), curvature).run()


class _Backward:
    """`values` are δ, μ and γ. `terms` are what γ of each constant sums over, summed over the batch already."""

    def __init__(
        self, low: Lowering, adjoint: Adjoint, values: tuple[Values, Values, Values], curvature: Adjoints
    ) -> None:
        self.low, self.adjoint, self.values, self.curvature = low, adjoint, values, curvature
        self.quantity = d_dg(adjoint.of)
        self.terms: dict[str, list[sp.Expr]] = {c.name: [] for c in low.network.constants}
        self.gradients: dict[str, Buffer] = {}
        self._numbers = {"weight": adjoint.weights, "bias": "[+] bias", "gain": "[+] gain"}

    def run(self) -> dict[str, Buffer]:
        network = self.low.network
        for v in reversed(network.vertices[1:]):
            self.values[2][v.name] = self._gamma(v)
            self._of_constants(v)
            self._finish(v)
        return {key: self.gradients[key] for key in network.parameters}

    def _gamma(self, v: Vertex) -> sp.Expr:
        low, children = self.low, self.low.network.children(v.name)
        parts = [part for k in children for part in gamma_parts(low, v.name, k, self.values, self.curvature)]
        equations = children[0].layer.equations if len(children) == 1 else "general"
        return low.emitter.gather(self.quantity.of(v.name), self.adjoint.backward[equations], parts)

    def _of_constants(self, v: Vertex) -> None:
        """What v has to say of the constants that it reads, in their own shape."""
        for p in v.inputs:
            for key, value in self._of_map(v, p):
                self.terms[key].append(value)
        for key in v.constants:
            name = self._naming("sum", v)(key)
            parts = gamma_parts(self.low, key, v, self.values, self.curvature)
            total = sp.Add(*(part(name.part("terms"), "") for part in parts))
            if total != 0:
                self.terms[key].append(self.low.emitter.batch_sum(total, name))

    def _of_map(self, v: Vertex, p: str) -> Iterator[tuple[str, sp.Expr]]:
        """Parameters of the map from p: (16), (17)."""
        delta, mu, gamma = self.values
        at, e = self.low.at[v.name], self.low.emitter
        yield from at.gradient(e, p, delta[v.name], mu[p], self._naming("delta", v)).items()
        yield from self.curvature.gradient(p, v, self._naming(self.curvature.word, v)).items()
        yield from at.gradient(e, p, gamma[v.name], self.low.g[p], self._naming("g", v)).items()

    def _naming(self, suffix: str, v: Vertex) -> Naming:
        """Names of terms; what several layers share says which layer's they are."""

        def name(key: str) -> Name:
            own = label(key.partition(".")[0]) == v.name or len(self.low.network.children(key)) == 1
            at = "" if own else f"_at_{v.name}"
            return self._name(key).part(f"{suffix}{at}")

        return name

    def _name(self, key: str) -> Name:
        """Of a constant's γ: a parameter's gradient, or ∂J/∂g of what is made of parameters."""
        constant = self.low.network[key]
        if constant.operands:
            return self.quantity.of(key)
        return gradient_of(self.adjoint.of, parameter_buffer(key, constant.shape))

    def _finish(self, v: Vertex) -> None:
        """The constants that nothing below v has a part in: those made of others first, then the parameters."""
        constants = self.low.network.constants_of(v)
        for c in reversed([c for c in constants if c.operands]):
            gamma = self.low.emitter.let(self._name(c.name), sp.Add(*self.terms[c.name]), "(9)")
            self.values[2][c.name] = gamma
            for key in c.constants:
                name = self._naming("sum", c)(key)
                parts = gamma_parts(self.low, key, c, self.values, self.curvature)
                self.terms[key] += [part(name, "") for part in parts]
        for c in constants:
            if not c.operands:
                number = self._numbers.get(c.name.partition(".")[2], "[+] 7")
                value = sp.Add(*self.terms[c.name]) / SAMPLES.symbol
                self.gradients[c.name] = self.low.emitter.fill(self._name(c.name), Layout(units=c.shape), value, number)
