"""The forward sweep, and what the other sweeps ask of it: vertex values and derivatives of nonlinearities."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import sympy as sp

from smgen import primitives
from smgen.constants import binary_exponent
from smgen.derivatives import Nonlinearity, differentiate
from smgen.ir import BATCH, Buffer, Pointwise
from smgen.lower.emitter import ZERO, Emitter
from smgen.lower.names import Contribution, G, Name, derivative_of, input_buffers, parameter_buffer
from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Scale
from smgen.nodes import Pointwise as PointwiseLayer


@dataclass(kw_only=True)
class Lowering:
    """The state of lowering one function: the network, the emitter, and the values found so far, by vertex."""

    network: Network
    arguments: tuple[Buffer, ...] = ()
    emitter: Emitter = field(init=False)
    g: dict[str, sp.Expr] = field(default_factory=dict)
    _saved: dict[str, dict[sp.Expr, sp.Expr]] = field(default_factory=dict)
    _derivatives: dict[tuple[str, int], sp.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.emitter = Emitter((*input_buffers(self.network), *self.arguments))

    def parameter(self, vertex: Vertex, kind: str) -> Buffer:
        """The buffer of a layer's weight, bias or gain."""
        group = vertex.op.weights if isinstance(vertex.op, Linear) else vertex.name
        return self.emitter.buffers[parameter_buffer(f"{group}.{kind}", ()).name]

    def gather(self, name: Name, number: str, parts: list[Contribution], start: sp.Expr = ZERO) -> sp.Expr:
        """Name the sum of contributions; a single product gets the name itself instead of an intermediate one."""
        if len(parts) == 1 and start == 0:
            return self.emitter.let(name, parts[0](name, number), number)
        total = start
        for position, term in enumerate(parts, start=1):
            total = total + term(name.part(f"term_{position}"), "")
        return self.emitter.let(name, total, number)

    def forward(self) -> None:
        """g of every vertex, in order, with the saved transcendentals of each nonlinearity beside its value."""
        self.emitter.sweep("forward")
        for v in self.network.vertices:
            self.g[v.name] = self._value(v)

    def _value(self, v: Vertex) -> sp.Expr:
        emitter, name = self.emitter, G.of(v.name)
        sources = [self.g[s] for s in v.inputs]
        match v.op:
            case Input():
                return emitter.buffers[name.code].symbol
            case Linear(bias=bias):
                weight = self.parameter(v, "weight")
                if not bias:
                    return emitter.forward(sources[0], weight, name)
                product = emitter.forward(sources[0], weight, name.part("unbiased"))
                return emitter.let(name, product + self.parameter(v, "bias").symbol)
            case PointwiseLayer():
                return self._nonlinear(v)
            case Add():
                return emitter.let(name, sp.Add(*(n * self.g[s] for s, n in v.terms)))
            case Concat():
                return emitter.concat(name, [(self.g[s], self.network[s].units) for s in v.inputs])
            case Scale():
                return emitter.let(name, self.parameter(v, "gain").symbol * sources[0])

    def nonlinearity(self, v: Vertex) -> Nonlinearity:
        """f, f′, f″ and f‴ of a pointwise vertex."""
        assert isinstance(v.op, PointwiseLayer)
        return differentiate(v.op.expr)

    def _nonlinear(self, v: Vertex) -> sp.Expr:
        """One operation for f and everything f′, f″ and f‴ are made of, so that they share one exp or tanh."""
        source, f = self.g[v.inputs[0]], self.nonlinearity(v)
        known: dict[sp.Expr, sp.Expr] = {primitives.G: source}
        self._saved[v.name] = known
        outs: list[Buffer] = []
        exprs: list[sp.Expr] = []
        shape = (BATCH, v.units)
        labels: Counter[str] = Counter()
        for call in f.saved:
            if call != f.f:
                out = self.emitter.new(self._saved_name(v, call, labels), shape)
                outs.append(out)
                exprs.append(call.xreplace({primitives.G: source}))
                known[call] = out.symbol
        name = G.of(v.name)
        assert name.letter is not None
        value = self.emitter.new(Name(name.code, replace(name.letter, formula=self._formula(v, 0))), shape)
        outs.append(value)
        exprs.append(f.f.xreplace(known))
        if f.f in f.saved:
            known[f.f] = value.symbol
        return self.emitter.emit(Pointwise(tuple(outs), tuple(exprs), self._reads(exprs, outs)))

    def _saved_name(self, v: Vertex, call: sp.Expr, labels: Counter[str]) -> Name | str:
        """`f_prime_softplus_1` for a call that is a derivative itself, else `sigmoid_minus_softplus_1`."""
        f = self.nonlinearity(v)
        if call in f.forms[1:]:
            return derivative_of(v.name, v.inputs[0], f.forms.index(call, 1))
        label: str = call.func.__name__ + ("_minus" if call.args[0].could_extract_minus_sign() else "")
        labels[label] += 1
        return f"{label}_{labels[label]}_{v.name}" if labels[label] > 1 else f"{label}_{v.name}"

    def _reads(self, exprs: list[sp.Expr], outs: list[Buffer]) -> tuple[Buffer, ...]:
        return tuple(b for b in self.emitter.reads(*exprs) if b not in outs)

    def derivative(self, v: Vertex, order: int) -> sp.Expr:
        """f′, f″ or f‴ below a pointwise vertex, from the saved transcendentals, in a buffer from its first use on."""
        key = (v.name, order)
        if key not in self._derivatives:
            f = self.nonlinearity(v)
            ratio, formula = f.ratios[order], None
            if ratio is not None:
                k, quotient = ratio
                value = self.derivative(v, k) * quotient.xreplace(self._saved[v.name])
            else:
                value, formula = f.forms[order].xreplace(self._saved[v.name]), self._formula(v, order)
            coefficient, rest = value.as_coeff_Mul()
            if not value.is_Symbol and not (rest.is_Symbol and _is_moderate(coefficient)):
                value = self.emitter.let(derivative_of(v.name, v.inputs[0], order, formula), value)
            self._derivatives[key] = value
        return self._derivatives[key]

    def _formula(self, v: Vertex, order: int) -> sp.Expr | None:
        """The derivative as people write it, where it is computed in another form."""
        f = self.nonlinearity(v)
        if f.forms[order] == f.derivatives[order]:
            return None
        letter = G.of(v.inputs[0]).letter
        assert letter is not None
        return f.derivatives[order].xreplace({primitives.G: sp.Symbol(letter.text, real=True)})


def _is_moderate(coefficient: sp.Expr) -> bool:
    """Whether its powers stay in every dtype's range, so that sympy may merge a coefficient with what it multiplies."""
    return coefficient.is_number and abs(binary_exponent(coefficient)) <= 20
