"""The backward sweep of δ and the adjoint sweeps, equation by equation.

Each sweep visits the vertices in order and, at each, sums over U_j (its inputs) or V_j (the vertices that read it) what
the equations say. A sum that is zero by the symbols stays the number 0 and leaves no operation behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from smgen.lower.curvature import Adjoints, Values
from smgen.lower.names import DELTA, Adjoint, Contribution, Quantity, d_ddelta
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale


def backward(low: Lowering, curvature: Callable[[Vertex, Values], None] | None = None) -> Values:
    """δ_j = Σ_k δ_k ∂g_k/∂g_j (1); `curvature` is told of each vertex as soon as its δ is there."""
    low.emitter.sweep("backward")
    delta: Values = {}
    starts = dict(low.network.energies)
    for v in reversed(low.network.vertices):
        parts = list(_delta_parts(low, v, delta))
        delta[v.name] = low.gather(DELTA.of(v.name), "(1)", parts, sp.Integer(starts.get(v.name, 0)))
        if curvature:
            curvature(v, delta)
    return delta


def _delta_parts(low: Lowering, v: Vertex, delta: Values) -> Iterator[Contribution]:
    for k in low.network.children(v.name):
        if isinstance(k.op, Pointwise):
            yield term(delta[k.name] * low.derivative(k, 1))
        else:
            yield from linear_back(low, v, k, delta[k.name])


def linear_back(
    low: Lowering, v: Vertex, k: Vertex, value: sp.Expr, *, squared: bool = False
) -> Iterator[Contribution]:
    """What child k, linear in v, passes back: value·∂g_k/∂g_v, or value·(∂g_k/∂g_v)². (1), (14), (15)."""
    if value == 0:
        return
    power = 2 if squared else 1
    match k.op:
        case Linear():
            weight = low.parameter(k, "weight")
            matrix = low.emitter.square(weight) if squared else weight
            yield lambda name, number: low.emitter.backward(value, matrix, name, number)
        case Add():
            yield term(sp.Integer(dict(k.terms)[v.name]) ** power * value)
        case Concat():
            start = 0
            for name in k.inputs:
                width = low.network[name].units
                if name == v.name:
                    yield _slice(low, value, start, width)
                start += width
        case Scale():
            yield term(low.parameter(k, "gain").symbol ** power * value)
        case _:
            raise TypeError(k.op)


def _slice(low: Lowering, value: sp.Expr, start: int, width: int) -> Contribution:
    return lambda name, number: low.emitter.slice(value, start, width, name, number)


def term(value: sp.Expr) -> Contribution:
    """A contribution that is there already."""
    return lambda name, number: value


def adjoint_forward(low: Lowering, adjoint: Adjoint, start: sp.Expr, curvature: Adjoints) -> Values:
    """∂/∂δ (μ) of every vertex, from the inputs forwards: equations (3)–(6), (11), (12), (18), (19)."""
    low.emitter.sweep(f"forward adjoints of {adjoint.of}")
    quantity = d_ddelta(adjoint.of)
    mu: Values = {}
    for v in low.network.vertices:
        mu[v.name] = _adjoint_at(low, adjoint, quantity, v, mu, start, curvature)
        curvature.forward(v)
    return mu


def _adjoint_at(
    low: Lowering, adjoint: Adjoint, quantity: Quantity, v: Vertex, mu: Values, start: sp.Expr, curvature: Adjoints
) -> sp.Expr:
    name = quantity.of(v.name)
    match v.op:
        case Input():
            return low.emitter.let(name, start, adjoint.start)
        case Linear():
            (i,) = v.inputs
            return low.emitter.forward(mu[i], low.parameter(v, "weight"), name, adjoint.linear_forward)
        case Pointwise():
            (i,) = v.inputs
            values = curvature.nu(i) * low.derivative(v, 2), mu[i] * low.derivative(v, 1)
            return low.gather(name, adjoint.pointwise_forward, [term(value) for value in values if value != 0])
        case _:
            return forward_edges(low, v, mu, quantity, adjoint.general_forward)


def forward_edges(
    low: Lowering, v: Vertex, values: Values, quantity: Quantity, number: str, *, squared: bool = False
) -> sp.Expr:
    """What reaches a vertex that adds, scales or joins: Σ_i values_i ∂g_v/∂g_i, or (∂g_v/∂g_i)². (4), (8)."""
    name = quantity.of(v.name)
    if isinstance(v.op, Concat):
        return low.emitter.concat(name, [(values[s], low.network[s].units) for s in v.inputs], number)
    power = 2 if squared else 1
    gain = low.parameter(v, "gain") if isinstance(v.op, Scale) else None
    edges = {s: gain.symbol if gain else sp.Integer(n) for s, n in v.terms}
    return low.gather(name, number, [term(edge**power * values[s]) for s, edge in edges.items() if values[s] != 0])


def gamma_parts(
    low: Lowering, v: Vertex, delta: Values, mu: Values, gamma: Values, curvature: Adjoints
) -> Iterator[Contribution]:
    """What the children of v pass back to ∂/∂g_v (γ): equations (9), (10), (14), (15), (21), (22)."""
    j = v.name
    for k in low.network.children(j):
        if not isinstance(k.op, Pointwise):
            yield from linear_back(low, v, k, gamma[k.name])
            continue
        for value, order in ((gamma[k.name], 1), (mu[j] * delta[k.name], 2)):
            if value != 0 and low.derivative(k, order) != 0:
                yield term(value * low.derivative(k, order))
        yield from curvature.cross(v, k)
        bent = curvature.nu(j) * delta[k.name]
        if bent != 0 and low.derivative(k, 3) != 0:
            yield term(bent * low.derivative(k, 3))
