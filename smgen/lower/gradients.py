"""The backward adjoint sweep and the gradients of weights, biases and gains that it completes on its way."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from smgen.ir import SAMPLES, Buffer
from smgen.lower.curvature import Adjoints, Values
from smgen.lower.names import Adjoint, d_dg, gradient_of, parameter_buffer
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
    low.emitter.sweep(f"backward adjoints of {adjoint.of} and gradients")
    quantity = d_dg(adjoint.of)
    gamma: Values = {}
    terms: dict[str, list[sp.Expr]] = {key: [] for key in low.network.parameters}
    gradients: dict[str, Buffer] = {}
    for v in reversed(low.network.vertices):
        if isinstance(v.op, Input):
            break
        parts = list(gamma_parts(low, v, delta, mu, gamma, curvature))
        children = low.network.children(v.name)
        pointwise = any(isinstance(k.op, Pointwise) for k in children)
        number = adjoint.pointwise_backward if pointwise else adjoint.linear_backward
        if len(children) > 1:
            number = adjoint.general_backward
        gamma[v.name] = low.gather(quantity.of(v.name), number, parts)
        for key, value in _gradient_terms(low, adjoint, v, (delta, mu, gamma), curvature):
            terms[key].append(value)
        for key in low.network.parameters_of(v):
            gradients[key] = _finish(low, adjoint, key, terms[key])
    return {key: gradients[key] for key in low.network.parameters}


def _gradient_terms(
    low: Lowering, adjoint: Adjoint, v: Vertex, values: tuple[Values, Values, Values], curvature: Adjoints
) -> Iterator[tuple[str, sp.Expr]]:
    """Parameter and value summed over the batch: (16), (17), and [+] for biases and gains."""
    delta, mu, gamma = values
    emitter = low.emitter
    match v.op:
        case Linear(weights=group, bias=bias):
            (i,) = v.inputs
            name = gradient_of(adjoint.of, low.parameter(v, "weight"))
            at = "" if group == v.name else f"_at_{v.name}"
            yield f"{group}.weight", emitter.outer_sum(delta[v.name], mu[i], name.part(f"delta{at}"))
            yield f"{group}.weight", curvature.weight_term(v, at)
            yield f"{group}.weight", emitter.outer_sum(gamma[v.name], low.g[i], name.part(f"g{at}"))
            if bias:
                total = gradient_of(adjoint.of, low.parameter(v, "bias")).part(f"sum{at}")
                yield f"{group}.bias", emitter.batch_sum(gamma[v.name], total)
        case Scale():
            (i,) = v.inputs
            value = mu[i] * delta[v.name] + curvature.gain_term(v) + gamma[v.name] * low.g[i]
            total = gradient_of(adjoint.of, low.parameter(v, "gain")).part("sum")
            yield f"{v.name}.gain", emitter.batch_sum(value, total)
        case _:
            return


def _finish(low: Lowering, adjoint: Adjoint, key: str, terms: list[sp.Expr]) -> Buffer:
    shape = low.network.parameters[key]
    number = adjoint.weights if key.endswith("weight") else f"[+] {'bias' if key.endswith('bias') else 'gain'}"
    value = sp.Add(*terms) / SAMPLES.symbol
    return low.emitter.fill(gradient_of(adjoint.of, parameter_buffer(key, shape)), shape, value, number)
