"""The backward adjoint sweep and the gradients of weights, biases and gains that it completes on its way."""

from __future__ import annotations

import sympy as sp

from smgen.ir import SAMPLES, Buffer
from smgen.lower.curvature import Adjoints, Values
from smgen.lower.emitter import ZERO
from smgen.lower.names import DELTA, Adjoint, G, d_ddelta, d_dg, parameter_buffer, times
from smgen.lower.sweeps import gamma_parts
from smgen.lower.values import Lowering
from smgen.network import Vertex
from smgen.nodes import Input, Linear, Pointwise, Scale


def adjoint_backward(
    low: Lowering, adjoint: Adjoint, delta: Values, mu: Values, curvature: Adjoints
) -> dict[str, Buffer]:
    """∂/∂g of every vertex and, as soon as what it needs is there, each parameter's gradient: parameter → output
    buffer.

    Gradients are means over the batch; layers that share weights add their terms before the division by N.
    """
    low.emitter.sweep(f"backward adjoints: ∂{adjoint.of}/∂g, and the gradients")
    quantity = d_dg(adjoint.of)
    gamma: Values = {}
    terms: dict[str, list[sp.Expr]] = {key: [] for key in low.network.parameters}
    texts: dict[str, list[str]] = {key: [] for key in low.network.parameters}
    gradients: dict[str, Buffer] = {}
    for v in reversed(low.network.vertices):
        if isinstance(v.op, Input):
            break
        parts = list(gamma_parts(low, v, delta, mu, gamma, adjoint, curvature))
        children = low.network.children(v.name)
        pointwise = any(isinstance(k.op, Pointwise) for k in children)
        number = adjoint.pointwise_backward if pointwise else adjoint.linear_backward
        if len(children) > 1:
            number = adjoint.general_backward
        gamma[v.name] = low.gather(quantity.name(v.name), quantity.text(v.name), number, parts)
        for key, value, text in _gradient_terms(low, adjoint, v, (delta, mu, gamma), curvature):
            if value != 0:
                terms[key].append(value)
                texts[key].append(text)
        for key in low.network.parameters_of(v):
            gradients[key] = _finish(low, adjoint, key, terms[key], texts[key])
    return {key: gradients[key] for key in low.network.parameters}


def _gradient_terms(
    low: Lowering, adjoint: Adjoint, v: Vertex, values: tuple[Values, Values, Values], curvature: Adjoints
) -> list[tuple[str, sp.Expr, str]]:
    """Parameter, value summed over the batch, text: (16), (17), and [+] for biases and gains."""
    delta, mu, gamma = values
    emitter = low.emitter
    of = adjoint.of
    match v.op:
        case Linear(weights=group, bias=bias):
            (i,) = v.inputs
            d, c = DELTA.text(v.name, delta[v.name]), d_dg(of).text(v.name)
            m, f = d_ddelta(of).text(i, mu[i]), G.text(i)
            name = f"d{of}_d{low.parameter(v, 'weight').name}"
            at = "" if group == v.name else f"_at_{v.name}"
            curved, curved_text = curvature.weight_term(v, at)
            along = emitter.outer_sum(delta[v.name], mu[i], f"{name}_delta{at}", f"Σ_n {d} {m}ᵀ")
            passed = emitter.outer_sum(gamma[v.name], low.g[i], f"{name}_g{at}", f"Σ_n {c} {f}ᵀ")
            found = [
                (f"{group}.weight", along, times(d, f"{m}ᵀ")),
                (f"{group}.weight", curved, curved_text),
                (f"{group}.weight", passed, f"{c} {f}ᵀ"),
            ]
            if bias:
                total = emitter.batch_sum(gamma[v.name], f"d{of}_d{low.parameter(v, 'bias').name}_sum{at}")
                found.append((f"{group}.bias", total, c))
            return found
        case Scale():
            (i,) = v.inputs
            parts = [
                (mu[i] * delta[v.name], times(d_ddelta(of).text(i, mu[i]), DELTA.text(v.name, delta[v.name]))),
                curvature.gain_term(v),
                (gamma[v.name] * low.g[i], times(d_dg(of).text(v.name), G.text(i))),
            ]
            text = " + ".join(text for value, text in parts if value != 0)
            total = sp.Add(*(value for value, _ in parts))
            return [(f"{v.name}.gain", emitter.batch_sum(total, f"d{of}_d{low.parameter(v, 'gain').name}_sum"), text)]
        case _:
            return []


def _finish(low: Lowering, adjoint: Adjoint, key: str, terms: list[sp.Expr], texts: list[str]) -> Buffer:
    shape = low.network.parameters[key]
    parameter = parameter_buffer(key, shape)
    name = f"d{adjoint.of}_d{parameter.name}"
    number = adjoint.weights if key.endswith("weight") else f"[+] {'bias' if key.endswith('bias') else 'gain'}"
    math = f"∂{adjoint.of}/∂{parameter.math} = (1/N) Σ_n {' + '.join(texts) or '0'}  {number}"
    total = sp.Add(*terms) if terms else ZERO
    value = total / SAMPLES.symbol
    return low.emitter.fill(name, shape, value, math)
