"""The backward sweep of δ and δ′ and the adjoint sweeps, equation by equation.

Each sweep visits the vertices in order and, at each, sums over U_j (its inputs) or V_j (the vertices that read it) what
the equations say. A sum that is zero by the symbols stays the number 0 and leaves no operation behind.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.lower.emitter import ZERO
from smgen.lower.names import DELTA, DELTA_PRIME, Adjoint, Contribution, Quantity, d_ddelta, d_ddelta_prime, d_dg, times
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale

Values = dict[str, sp.Expr]


def backward(low: Lowering, *, curvature: bool) -> tuple[Values, Values]:
    """δ_j = Σ_k δ_k ∂g_k/∂g_j (1) and, with `curvature`, δ′_j = Σ_k δ_k ∂²g_k/∂g_j² + δ′_k (∂g_k/∂g_j)² (§1.3)."""
    low.emitter.sweep("backward: δ and δ′" if curvature else "backward: δ")
    delta: Values = {}
    prime: Values = {}
    starts = dict(low.network.energies)
    for v in reversed(low.network.vertices):
        start = sp.Integer(starts.get(v.name, 0))
        parts = list(_delta_parts(low, v, delta))
        delta[v.name] = low.gather(DELTA.name(v.name), DELTA.text(v.name), "(1)", parts, start)
        if curvature:
            parts = list(_prime_parts(low, v, delta, prime))
            prime[v.name] = low.gather(DELTA_PRIME.name(v.name), DELTA_PRIME.text(v.name), "(§1.3)", parts)
    return delta, prime


def _delta_parts(low: Lowering, v: Vertex, delta: Values) -> Iterator[Contribution]:
    for k in low.network.children(v.name):
        if isinstance(k.op, Pointwise):
            slope = low.derivative(k, 1)
            yield _term(delta[k.name] * slope, times(DELTA.text(k.name, delta[k.name]), low.derivative_text(k, 1)))
        else:
            yield from linear_back(low, v, k, delta[k.name], DELTA)


def _prime_parts(low: Lowering, v: Vertex, delta: Values, prime: Values) -> Iterator[Contribution]:
    for k in low.network.children(v.name):
        d, p = delta[k.name], prime[k.name]
        if isinstance(k.op, Pointwise):
            bend = low.derivative(k, 2)
            if d * bend != 0:
                yield _term(d * bend, times(DELTA.text(k.name, d), low.derivative_text(k, 2)))
            if p != 0:
                yield _term(
                    p * low.derivative(k, 1) ** 2, times(DELTA_PRIME.text(k.name, p), f"{low.derivative_text(k, 1)}²")
                )
        else:
            yield from linear_back(low, v, k, p, DELTA_PRIME, squared=True)


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
            yield _term(count * value, times(str(count), text))
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
            yield _term(gain.symbol**power * value, times(f"{gain.math}{mark}", text))
        case _:
            raise TypeError(k.op)


def _slice(low: Lowering, value: sp.Expr, start: int, width: int, text: str) -> Contribution:
    return (lambda name, math: low.emitter.slice(value, start, width, name)), text


def _term(value: sp.Expr, text: str) -> Contribution:
    return (lambda name, math: value), text


def adjoint_forward(low: Lowering, adjoint: Adjoint, mu_start: sp.Expr, nu_start: sp.Expr) -> tuple[Values, Values]:
    """∂/∂δ (μ) and ∂/∂δ′ (ν) of every vertex, from the inputs forwards: equations (3)–(8), (11)–(13), (18)–(20)."""
    low.emitter.sweep(f"forward adjoints: ∂{adjoint.of}/∂δ" + (f" and ∂{adjoint.of}/∂δ′" if nu_start != 0 else ""))
    mu_q, nu_q = d_ddelta(adjoint.of), d_ddelta_prime(adjoint.of)
    mu: Values = {}
    nu: Values = {}
    for v in low.network.vertices:
        if isinstance(v.op, Input):
            source = DELTA.text(v.name) if mu_start != 0 else "0"
            mu_math = f"{mu_q.text(v.name)} = {source}  {adjoint.start}"
            mu[v.name] = low.emitter.let(mu_q.name(v.name), mu_start, mu_math)
            bend = f" + 2λ {DELTA_PRIME.text(v.name)}" if nu_start.free_symbols else ""
            nu_math = f"{nu_q.text(v.name)} = −1{bend}  {adjoint.start_curvature}"
            nu[v.name] = low.emitter.let(nu_q.name(v.name), nu_start, nu_math)
            continue
        mu[v.name], nu[v.name] = _adjoints_at(low, adjoint, v, mu, nu)
    return mu, nu


def _adjoints_at(low: Lowering, adjoint: Adjoint, v: Vertex, mu: Values, nu: Values) -> tuple[sp.Expr, sp.Expr]:
    mu_q, nu_q = d_ddelta(adjoint.of), d_ddelta_prime(adjoint.of)
    name, math, nu_name, nu_math = mu_q.name(v.name), mu_q.text(v.name), nu_q.name(v.name), nu_q.text(v.name)
    i = v.inputs[0]
    texts = mu_q.text(i, mu[i]), nu_q.text(i, nu[i])
    emitter = low.emitter
    match v.op:
        case Linear():
            weight = low.parameter(v, "weight")
            equation = f"{math} = {times(weight.math, texts[0])}  {adjoint.linear_forward}"
            first = emitter.forward(mu[i], weight, name, equation)
            if nu[i] == 0:
                return first, ZERO
            square = emitter.square(weight)
            equation = f"{nu_math} = ({square.math}) {texts[1]}  {adjoint.linear_curvature}"
            return first, emitter.let(nu_name, emitter.forward(nu[i], square, nu_name, equation), equation)
        case Pointwise():
            slope = low.derivative(v, 1)
            parts = [_term(mu[i] * slope, times(texts[0], low.derivative_text(v, 1)))] if mu[i] != 0 else []
            if nu[i] != 0 and low.derivative(v, 2) != 0:
                parts.insert(0, _term(nu[i] * low.derivative(v, 2), times(texts[1], low.derivative_text(v, 2))))
            first = low.gather(name, math, adjoint.pointwise_forward, parts)
            equation = f"{nu_math} = {times(texts[1], low.derivative_text(v, 1) + '²')}  {adjoint.pointwise_curvature}"
            return first, emitter.let(nu_name, nu[i] * slope**2, equation)
        case Concat():
            results = []
            for values, q in ((mu, mu_q), (nu, nu_q)):
                parts_ = [(values[s], low.network[s].units) for s in v.inputs]
                inside = ", ".join(q.text(s, values[s]) for s in v.inputs)
                results.append(emitter.concat(q.name(v.name), parts_, f"{q.text(v.name)} = [{inside}]"))
            return results[0], results[1]
        case _:
            edge = low.parameter(v, "gain").symbol if isinstance(v.op, Scale) else sp.S.One
            results = []
            for values, q, power in ((mu, mu_q, 1), (nu, nu_q, 2)):
                parts = [
                    _term((edge * n) ** power * values[s], times(_edge_text(low, v, n, power), q.text(s, values[s])))
                    for s, n in v.terms
                    if values[s] != 0
                ]
                number = adjoint.general_forward if power == 1 else "(8)"
                results.append(low.gather(q.name(v.name), q.text(v.name), number, parts))
            return results[0], results[1]


def _edge_text(low: Lowering, v: Vertex, count: int, power: int) -> str:
    mark = "²" if power == 2 else ""
    return f"{low.parameter(v, 'gain').math}{mark}" if isinstance(v.op, Scale) else str(count**power)


def gamma_parts(low: Lowering, v: Vertex, values: tuple[Values, ...], adjoint: Adjoint) -> Iterator[Contribution]:
    """What the children of v pass back to ∂/∂g_v (γ): equations (9), (10), (14), (15), (21), (22)."""
    delta, prime, mu, nu, gamma = values
    gamma_q, mu_q, nu_q = d_dg(adjoint.of), d_ddelta(adjoint.of), d_ddelta_prime(adjoint.of)
    j = v.name
    for k in low.network.children(j):
        if not isinstance(k.op, Pointwise):
            yield from linear_back(low, v, k, gamma[k.name], gamma_q)
            continue
        d, p = delta[k.name], prime[k.name]
        names = {"d": DELTA.text(k.name, d), "p": DELTA_PRIME.text(k.name, p)}
        names |= {"mu": mu_q.text(j, mu[j]), "nu": nu_q.text(j, nu[j])}
        f1, f2, f3 = (low.derivative_text(k, n) for n in (1, 2, 3))
        for factors, orders, text in (
            ((gamma[k.name],), (1,), times(gamma_q.text(k.name), f1)),
            ((mu[j], d), (2,), times(names["mu"], names["d"], f2)),
            ((sp.Integer(2), nu[j], p), (1, 2), times("2", names["nu"], names["p"], f1, f2)),
            ((nu[j], d), (3,), times(names["nu"], names["d"], f3)),
        ):
            if sp.Mul(*factors) == 0:
                continue
            value = sp.Mul(*factors, *(low.derivative(k, order) for order in orders))
            if value != 0:
                yield _term(value, text)
