"""The backward sweep of δ and the adjoint sweeps, equation by equation.

Each sweep visits the vertices in order and, at each, sums over U_j (its inputs) or V_j (the vertices that read it) what
the equations say. A sum that is zero by the symbols stays the number 0 and leaves no operation behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from smgen.lower.curvature import Adjoints, Values
from smgen.lower.names import DELTA, Adjoint, Contribution, Quantity, d_ddelta, d_dg, times
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale


def backward(low: Lowering, curvature: Callable[[Vertex, Values], None] | None = None) -> Values:
    """δ_j = Σ_k δ_k ∂g_k/∂g_j (1); `curvature` is told of each vertex as soon as its δ is there."""
    low.emitter.sweep("backward: δ and δ′" if curvature else "backward: δ")
    delta: Values = {}
    starts = dict(low.network.energies)
    for v in reversed(low.network.vertices):
        parts = list(_delta_parts(low, v, delta))
        start = sp.Integer(starts.get(v.name, 0))
        delta[v.name] = low.gather(DELTA.name(v.name), DELTA.text(v.name), "(1)", parts, start)
        if curvature:
            curvature(v, delta)
    return delta


def _delta_parts(low: Lowering, v: Vertex, delta: Values) -> Iterator[Contribution]:
    for k in low.network.children(v.name):
        if isinstance(k.op, Pointwise):
            slope = low.derivative(k, 1)
            yield term(delta[k.name] * slope, times(DELTA.text(k.name, delta[k.name]), low.derivative_text(k, 1)))
        else:
            yield from linear_back(low, v, k, delta[k.name], DELTA)


def linear_back(
    low: Lowering, v: Vertex, k: Vertex, value: sp.Expr, quantity: Quantity, *, squared: bool = False
) -> Iterator[Contribution]:
    """What child k, linear in v, passes back: value·∂g_k/∂g_v, or value·(∂g_k/∂g_v)². (1), (14), (15)."""
    if value == 0:
        return
    text = quantity.text(k.name, value)
    power, mark = (2, "²") if squared else (1, "")
    match k.op:
        case Linear():
            weight = low.parameter(k, "weight")
            matrix = low.emitter.square(weight) if squared else weight
            label = f"({matrix.math})" if squared else matrix.math
            yield (lambda name, math: low.emitter.backward(value, matrix, name, math)), times(f"{label}ᵀ", text)
        case Add():
            count = sp.Integer(dict(k.terms)[v.name]) ** power
            yield term(count * value, times(str(count), text))
        case Concat():
            start = 0
            for name in k.inputs:
                width = low.network[name].units
                if name == v.name:
                    part = f"{text}[{start}:{start + width}]"
                    yield _slice(low, value, start, width, part)
                start += width
        case Scale():
            gain = low.parameter(k, "gain")
            yield term(gain.symbol**power * value, times(f"{gain.math}{mark}", text))
        case _:
            raise TypeError(k.op)


def _slice(low: Lowering, value: sp.Expr, start: int, width: int, text: str) -> Contribution:
    return (lambda name, math: low.emitter.slice(value, start, width, name)), text


def term(value: sp.Expr, text: str) -> Contribution:
    """A contribution that is there already."""
    return (lambda name, math: value), text


def adjoint_forward(low: Lowering, adjoint: Adjoint, start: sp.Expr, curvature: Adjoints) -> Values:
    """∂/∂δ (μ) of every vertex, from the inputs forwards: equations (3)–(6), (11), (12), (18), (19)."""
    low.emitter.sweep(f"forward adjoints: ∂{adjoint.of}/∂δ{curvature.title}")
    quantity = d_ddelta(adjoint.of)
    mu: Values = {}
    for v in low.network.vertices:
        mu[v.name] = _adjoint_at(low, adjoint, quantity, v, mu, start, curvature)
        curvature.forward(v)
    return mu


def _adjoint_at(
    low: Lowering, adjoint: Adjoint, quantity: Quantity, v: Vertex, mu: Values, start: sp.Expr, curvature: Adjoints
) -> sp.Expr:
    name, math = quantity.name(v.name), quantity.text(v.name)
    match v.op:
        case Input():
            source = DELTA.text(v.name) if start != 0 else "0"
            return low.emitter.let(name, start, f"{math} = {source}  {adjoint.start}")
        case Linear():
            (i,) = v.inputs
            weight = low.parameter(v, "weight")
            equation = f"{math} = {times(weight.math, quantity.text(i, mu[i]))}  {adjoint.linear_forward}"
            return low.emitter.forward(mu[i], weight, name, equation)
        case Pointwise():
            (i,) = v.inputs
            bend, text = curvature.bend(i)
            parts = []
            if bend != 0 and low.derivative(v, 2) != 0:
                parts.append(term(bend * low.derivative(v, 2), times(text, low.derivative_text(v, 2))))
            if mu[i] != 0:
                slope = low.derivative_text(v, 1)
                parts.append(term(mu[i] * low.derivative(v, 1), times(quantity.text(i, mu[i]), slope)))
            return low.gather(name, math, adjoint.pointwise_forward, parts)
        case _:
            return forward_edges(low, v, mu, quantity, adjoint.general_forward)


def forward_edges(
    low: Lowering, v: Vertex, values: Values, quantity: Quantity, number: str, *, squared: bool = False
) -> sp.Expr:
    """What reaches a vertex that adds, scales or joins: Σ_i values_i ∂g_v/∂g_i, or (∂g_v/∂g_i)². (4), (8)."""
    name, math = quantity.name(v.name), quantity.text(v.name)
    if isinstance(v.op, Concat):
        parts = [(values[s], low.network[s].units) for s in v.inputs]
        inside = ", ".join(quantity.text(s, values[s]) for s in v.inputs)
        return low.emitter.concat(name, parts, f"{math} = [{inside}]")
    power, mark = (2, "²") if squared else (1, "")
    gain = low.parameter(v, "gain") if isinstance(v.op, Scale) else None
    sums = []
    for s, n in v.terms:
        edge, text = (gain.symbol, f"{gain.math}{mark}") if gain else (sp.Integer(n), str(n**power))
        if values[s] != 0:
            sums.append(term(edge**power * values[s], times(text, quantity.text(s, values[s]))))
    return low.gather(name, math, number, sums)


def gamma_parts(
    low: Lowering, v: Vertex, delta: Values, mu: Values, gamma: Values, adjoint: Adjoint, curvature: Adjoints
) -> Iterator[Contribution]:
    """What the children of v pass back to ∂/∂g_v (γ): equations (9), (10), (14), (15), (21), (22)."""
    gamma_q, mu_q = d_dg(adjoint.of), d_ddelta(adjoint.of)
    j = v.name
    for k in low.network.children(j):
        if not isinstance(k.op, Pointwise):
            yield from linear_back(low, v, k, gamma[k.name], gamma_q)
            continue
        d, d_text = delta[k.name], DELTA.text(k.name, delta[k.name])
        f1, f2, f3 = (low.derivative_text(k, n) for n in (1, 2, 3))
        if gamma[k.name] * low.derivative(k, 1) != 0:
            yield term(gamma[k.name] * low.derivative(k, 1), times(gamma_q.text(k.name), f1))
        if mu[j] * d != 0 and low.derivative(k, 2) != 0:
            yield term(mu[j] * d * low.derivative(k, 2), times(mu_q.text(j, mu[j]), d_text, f2))
        yield from curvature.cross(v, k)
        bend, text = curvature.bend(j)
        if bend * d != 0 and low.derivative(k, 3) != 0:
            yield term(bend * d * low.derivative(k, 3), times(text, d_text, f3))
