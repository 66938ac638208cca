"""The forward sweep, and what the other sweeps ask of it: vertex values and derivatives of nonlinearities."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import sympy as sp

from smgen import primitives
from smgen.calculus import formula
from smgen.constants import binary_exponent
from smgen.derivatives import Nonlinearity, differentiate
from smgen.ir import BATCH, Buffer, Pointwise
from smgen.lower.emitter import ZERO, Emitter
from smgen.lower.names import DERIVATIVE_NAMES, Contribution, G, input_buffers, parameter_buffer
from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Scale
from smgen.nodes import Pointwise as PointwiseLayer


@dataclass
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

    def gather(self, name: str, math: str, number: str, parts: list[Contribution], start: sp.Expr = ZERO) -> sp.Expr:
        """Name the sum of contributions; a single product gets the name itself instead of an intermediate one."""
        equation = f"{math} = {' + '.join(text for _, text in parts) or start}  {number}"
        if len(parts) == 1 and start == 0:
            return self.emitter.let(name, parts[0][0](name, equation), equation)
        total = start
        for position, (term, text) in enumerate(parts, start=1):
            total = total + term(f"{name}_term_{position}", text)
        return self.emitter.let(name, total, equation)

    def forward(self) -> None:
        """G of every vertex, in order, with the saved transcendentals of each nonlinearity beside its value."""
        self.emitter.sweep("forward: g")
        for v in self.network.vertices:
            self.g[v.name] = self._value(v)

    def _value(self, v: Vertex) -> sp.Expr:
        emitter, name, math = self.emitter, G.name(v.name), G.text(v.name)
        sources = [(self.g[s], G.text(s)) for s in v.inputs]
        match v.op:
            case Input():
                return emitter.buffers[name].symbol
            case Linear(bias=bias):
                (source, text), weight = sources[0], self.parameter(v, "weight")
                equation = f"{math} = {weight.math} {text}"
                if not bias:
                    return emitter.forward(source, weight, name, equation)
                product = emitter.forward(source, weight, f"{name}_unbiased", f"{weight.math} {text}")
                offset = self.parameter(v, "bias")
                return emitter.let(name, product + offset.symbol, f"{equation} + {offset.math}")
            case PointwiseLayer():
                return self._nonlinear(v)
            case Add():
                total = sp.Add(*(n * self.g[s] for s, n in v.terms))
                return emitter.let(name, total, f"{math} = {' + '.join(text for _, text in sources)}")
            case Concat():
                parts = [(self.g[s], self.network[s].units) for s in v.inputs]
                return emitter.concat(name, parts, f"{math} = [{', '.join(text for _, text in sources)}]")
            case Scale():
                gain = self.parameter(v, "gain")
                return emitter.let(name, gain.symbol * sources[0][0], f"{math} = {gain.math} {sources[0][1]}")

    def nonlinearity(self, v: Vertex) -> Nonlinearity:
        """f, f′, f″ and f‴ of a pointwise vertex."""
        assert isinstance(v.op, PointwiseLayer)
        return differentiate(v.op.expr)

    def _nonlinear(self, v: Vertex) -> sp.Expr:
        """One operation for f and everything f′, f″ and f‴ are made of, so that they share one exp or tanh."""
        source, f = self.g[v.inputs[0]], self.nonlinearity(v)
        text = G.text(v.inputs[0])
        known: dict[sp.Expr, sp.Expr] = {primitives.G: source}
        self._saved[v.name] = known
        outs: list[Buffer] = []
        exprs: list[sp.Expr] = []
        shape = (BATCH, v.units)
        labels: Counter[str] = Counter()
        for call in f.saved:
            if call != f.f:
                label = call.func.__name__ + ("_minus" if call.args[0].could_extract_minus_sign() else "")
                labels[label] += 1
                label += f"_{labels[label]}" if labels[label] > 1 else ""
                math = f"{label}_{v.name} = {_plain(call.subs(primitives.G, sp.Symbol(text)))}"
                out = self.emitter.new(f"{label}_{v.name}", shape, math)
                outs.append(out)
                exprs.append(call.xreplace({primitives.G: source}))
                known[call] = out.symbol
        formula = _plain(f.derivatives[0].subs(primitives.G, sp.Symbol(text)))
        value = self.emitter.new(G.name(v.name), shape, f"{G.text(v.name)} = f({text}) = {formula}")
        outs.append(value)
        exprs.append(f.f.xreplace(known))
        if f.f in f.saved:
            known[f.f] = value.symbol
        return self.emitter.emit(Pointwise(tuple(outs), tuple(exprs), self._reads(exprs, outs)))

    def _reads(self, exprs: list[sp.Expr], outs: list[Buffer]) -> tuple[Buffer, ...]:
        return tuple(b for b in self.emitter.reads(*exprs) if b not in outs)

    def derivative(self, v: Vertex, order: int) -> sp.Expr:
        """f′, f″ or f‴ below a pointwise vertex, from the saved transcendentals, in a buffer from its first use on."""
        key = (v.name, order)
        if key not in self._derivatives:
            f = self.nonlinearity(v)
            expr = f.forms[order]
            ratio = f.ratios[order]
            if ratio is not None:
                k, quotient = ratio
                value = formula = self.derivative(v, k) * quotient.xreplace(self._saved[v.name])
            else:
                value = expr.xreplace(self._saved[v.name])
                formula = f.derivatives[order].xreplace(self._saved[v.name])
            coefficient, rest = value.as_coeff_Mul()
            if not value.is_Symbol and not (rest.is_Symbol and _is_moderate(coefficient)):
                text = f"{primitives.MARKS[order]}({G.text(v.inputs[0])})"
                name = f"{DERIVATIVE_NAMES[order]}_{v.name}"
                value = self.emitter.let(name, value, f"{text} = {_plain(formula)}")
            self._derivatives[key] = value
        return self._derivatives[key]

    def derivative_text(self, v: Vertex, order: int) -> str:
        """`f″(g_filters)`, or the number it is."""
        expr = self.nonlinearity(v).derivatives[order]
        return str(expr) if expr.is_number else f"{primitives.MARKS[order]}({G.text(v.inputs[0])})"


def _plain(value: sp.Expr) -> str:
    """A formula as comments have it."""
    return formula(value).replace("**", "^")


def _is_moderate(coefficient: sp.Expr) -> bool:
    """Whether its powers stay in every dtype's range, so that sympy may merge a coefficient with what it multiplies."""
    return coefficient.is_number and abs(binary_exponent(coefficient)) <= 20
