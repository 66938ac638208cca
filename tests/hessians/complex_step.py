"""The loss with the true Hessian in complex arithmetic: Im J(θ + i h d) / h is the derivative along d to rounding.

For networks of real size, where the scalar oracle takes too long. ∂²E/∂x_d² is Σ over pointwise units of
δ f″ (∂g/∂x_d)².
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from smgen.layers.concat import Concat
from smgen.layers.dense import Dense
from smgen.layers.pointwise import Pointwise
from smgen.network import Network
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
            tangent[p] * tangent[q] @ (delta[name] * bend) * (1 if p == q else 2)
            for (name, p, q), bend in curvature.items()
        )
        total += 0.5 * np.sum(delta[network.input.name] ** 2) + np.sum(-diagonal + lam * diagonal**2)
    return complex(total) / len(x)


def derivative(network: Network, params: Params, x: Array, lam: float, key: str, direction: Array) -> float:
    """⟨∂J/∂key, direction⟩."""
    step = 1e-30
    moved = params | {key: params[key] + 1j * step * direction}
    return loss(network, moved, x, lam).imag / step


def _forward(network: Network, params: Params, sample: Array) -> tuple[dict[str, Any], dict[Any, Any], dict[Any, Any]]:
    """Tangents along the inputs (D, units), slopes and bends by vertex and inputs."""
    first = network.input.name
    g: dict[str, Any] = {**params, first: sample}
    tangent: dict[str, Any] = {first: np.eye(sample.size)}
    slope: dict[Any, Any] = {}
    curvature: dict[Any, Any] = {}
    for v in network.all_vertices:
        match v.layer:
            case Pointwise(symbols=symbols):
                f = v.layer.expr.doit()
                name = dict(zip(v.operands, symbols, strict=True))
                values = [g[p] for p in v.operands]

                def at(expr: sp.Expr, symbols: Any = symbols, values: Any = values) -> Any:
                    return sp.lambdify(symbols, expr, modules=[FUNCTIONS, "numpy"])(*values) + 0 * sum(values)

                g[v.name] = at(f)
                for p in v.inputs:
                    slope[v.name, p] = at(sp.diff(f, name[p]))
                    for q in v.inputs[v.inputs.index(p) :]:
                        curvature[v.name, p, q] = at(sp.diff(f, name[p], name[q]))
                if v.inputs:
                    tangent[v.name] = sum(tangent[p] * slope[v.name, p] for p in v.inputs)
            case Dense():
                source, weight, *bias = v.operands
                g[v.name] = g[source] @ g[weight].T + sum(g[b] for b in bias)
                tangent[v.name] = tangent[source] @ g[weight].T
                slope[v.name, source] = g[weight]
            case Concat():
                g[v.name] = np.concatenate([g[p] for p in v.operands])
                tangent[v.name] = np.concatenate([tangent[p] for p in v.operands], axis=-1)
    return tangent, slope, curvature


def _backward(network: Network, params: Params, slope: dict[Any, Any]) -> dict[str, Any]:
    counts = dict(network.energies)
    delta: dict[str, Any] = {v.name: np.full(v.units, complex(counts.get(v.name, 0))) for v in network.vertices}
    for v in reversed(network.vertices):
        d = delta[v.name]
        match v.layer:
            case Concat():
                for p, start, stop in v.layer.places(v):
                    delta[p] = delta[p] + d[start:stop]
            case Dense():
                delta[v.operands[0]] = delta[v.operands[0]] + d @ slope[v.name, v.operands[0]]
            case _:
                for p in v.inputs:
                    delta[p] = delta[p] + d * slope[v.name, p]
    return delta
