"""The loss with the true Hessian in complex arithmetic: Im J(θ + i h d) / h is the derivative along d to rounding.

For networks of real size, where the scalar oracle takes too long. ∂²E/∂x_d² is Σ over pointwise units of
δ f″ (∂g/∂x_d)².
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import sympy as sp

from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Linear, Pointwise, Scale
from smgen.primitives import G
from tests.support import Array, Params

FUNCTIONS = {
    "softplus": lambda u: np.log(1 + np.exp(u)),
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "logcosh": lambda u: np.log(np.cosh(u)),
}


def loss(network: Network, params: Params, x: Array, lam: float) -> complex:
    """J, for complex parameters too."""
    total = 0j
    for sample in x:
        tangent, slope, curvature = _forward(network, params, sample)
        delta = _backward(network, params, slope)
        diagonal = sum(
            tangent[v.inputs[0]] ** 2 @ (delta[v.name] * curvature[v.name])
            for v in network.vertices
            if isinstance(v.op, Pointwise)
        )
        total += 0.5 * np.sum(delta[network.input.name] ** 2) + np.sum(-diagonal + lam * diagonal**2)
    return complex(total) / len(x)


def derivative(network: Network, params: Params, x: Array, lam: float, key: str, direction: Array) -> float:
    """⟨∂J/∂key, direction⟩."""
    step = 1e-30
    moved = params | {key: params[key] + 1j * step * direction}
    return loss(network, moved, x, lam).imag / step


def _forward(network: Network, params: Params, sample: Array) -> tuple[dict[str, Any], ...]:
    """Tangents along the inputs (D, units), f′ and f″."""
    first = network.input.name
    g: dict[str, Any] = {first: sample}
    tangent: dict[str, Any] = {first: np.eye(sample.size)}
    slope: dict[str, Any] = {}
    curvature: dict[str, Any] = {}
    for v in network.vertices[1:]:
        if isinstance(v.op, Pointwise):
            (i,) = v.inputs
            expr = v.op.expr.doit()
            f, slope[v.name], curvature[v.name] = (
                sp.lambdify(G, sp.diff(expr, G, n), modules=[FUNCTIONS, "numpy"])(g[i]) for n in range(3)
            )
            g[v.name], tangent[v.name] = f, tangent[i] * slope[v.name]
            continue
        bias = params[f"{v.op.weights}.bias"] if isinstance(v.op, Linear) and v.op.bias else 0
        g[v.name] = _edge(v, params, {s: g[s] for s in v.inputs}) + bias
        tangent[v.name] = _edge(v, params, {s: tangent[s] for s in v.inputs})
    return tangent, slope, curvature


def _edge(v: Vertex, params: Params, values: dict[str, Any]) -> Any:
    match v.op:
        case Linear(weights=group):
            return values[v.inputs[0]] @ params[f"{group}.weight"].T
        case Scale():
            return values[v.inputs[0]] * params[f"{v.name}.gain"]
        case Add():
            return reduce(np.add, (values[s] for s in v.inputs))
        case Concat():
            return np.concatenate([values[s] for s in v.inputs], axis=-1)
    raise TypeError(v.op)


def _backward(network: Network, params: Params, slope: dict[str, Any]) -> dict[str, Any]:
    counts = dict(network.energies)
    delta: dict[str, Any] = {v.name: np.full(v.units, complex(counts.get(v.name, 0))) for v in network.vertices}
    for v in reversed(network.vertices):
        d = delta[v.name]
        start = 0
        for s in v.inputs:
            match v.op:
                case Linear(weights=group):
                    back = d @ params[f"{group}.weight"]
                case Scale():
                    back = d * params[f"{v.name}.gain"]
                case Concat():
                    back = d[start : start + network[s].units]
                    start += network[s].units
                case Pointwise():
                    back = d * slope[v.name]
                case _:
                    back = d
            delta[s] = delta[s] + back
    return delta
