"""The definitions, evaluated literally: what `smgen check` compares a generated module with.

Nothing here is shared with the lowering. Nonlinearities and their derivatives come from mpmath's numerical
differentiation of what the user wrote, slopes between vertices are matrices, and the sums of equations (1) and §1.3 are
taken as they stand. Meant for a few samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale
from smgen.primitives import REFERENCE, G

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reference:
    """Values of one sample: E, δ at the input, δ′ by the recursion, and the true Hessian, (D, D)."""

    energy: float
    delta: Array
    recursion: Array
    hessian: Array

    @property
    def diagonal(self) -> Array:
        """The true δ′."""
        return np.diagonal(self.hessian)


def evaluate(network: Network, params: dict[str, Any], x: Array) -> Reference:
    """Evaluate `network` at one sample x, (D,), in float64.

    The true Hessian is Σ over pointwise units j of δ_j f″_j (∂g_j/∂x)(∂g_j/∂x)ᵀ, [+] 8 of the equations.
    """
    g: dict[str, Array] = {}
    slopes: dict[str, Array] = {}
    bends: dict[str, Array] = {}
    jacobian: dict[str, Array] = {}
    for v in network.vertices:
        if isinstance(v.op, Input):
            g[v.name], jacobian[v.name] = x, np.eye(v.units)
            continue
        if isinstance(v.op, Pointwise):
            g[v.name], slopes[v.name], bends[v.name] = _derivatives(v.op.expr, g[v.inputs[0]])
        edges = _edges(network, v, params, slopes)
        if not isinstance(v.op, Pointwise):
            g[v.name] = sum((edges[s] @ g[s] for s in edges), _offset(v, params))
        jacobian[v.name] = sum((edges[s] @ jacobian[s] for s in edges), np.zeros((v.units, x.size)))
    delta, prime = _backward(network, params, slopes, bends)
    curvature = (
        jacobian[v.inputs[0]].T @ ((delta[v.name] * bends[v.name])[:, np.newaxis] * jacobian[v.inputs[0]])
        for v in network.vertices
        if isinstance(v.op, Pointwise)
    )
    return Reference(
        energy=float(sum(count * g[name].sum() for name, count in network.energies)),
        delta=delta[network.input.name],
        recursion=prime[network.input.name],
        hessian=sum(curvature, np.zeros((x.size, x.size))),
    )


def _backward(
    network: Network, params: dict[str, Any], slopes: dict[str, Array], bends: dict[str, Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Equation (1) and §1.3 as sums over edges."""
    counts = dict(network.energies)
    delta = {v.name: np.full(v.units, float(counts.get(v.name, 0))) for v in network.vertices}
    prime = {v.name: np.zeros(v.units) for v in network.vertices}
    for v in reversed(network.vertices):
        for source, edge in _edges(network, v, params, slopes).items():
            delta[source] += edge.T @ delta[v.name]
            prime[source] += (edge**2).T @ prime[v.name]
            if isinstance(v.op, Pointwise):
                prime[source] += delta[v.name] * bends[v.name]
    return delta, prime


def _edges(network: Network, v: Vertex, params: dict[str, Any], slopes: dict[str, Array]) -> dict[str, Array]:
    """∂g_v/∂g_s for each distinct input s, as (units of v, units of s) matrices."""
    match v.op:
        case Input():
            return {}
        case Linear(weights=group):
            return {v.inputs[0]: np.asarray(params[f"{group}.weight"], np.float64)}
        case Pointwise():
            return {v.inputs[0]: np.diag(slopes[v.name])}
        case Scale():
            return {v.inputs[0]: np.diag(np.asarray(params[f"{v.name}.gain"], np.float64))}
        case Add():
            return {source: count * np.eye(v.units) for source, count in v.terms}
        case Concat():
            edges = {source: np.zeros((v.units, network[source].units)) for source in v.inputs}
            start = 0
            for source in v.inputs:
                width = network[source].units
                edges[source][start : start + width] += np.eye(width)
                start += width
            return edges


def _offset(v: Vertex, params: dict[str, Any]) -> Array:
    if isinstance(v.op, Linear) and v.op.bias:
        return np.asarray(params[f"{v.op.weights}.bias"], np.float64)
    return np.zeros(v.units)


def _derivatives(expr: sp.Expr, values: Array) -> tuple[Array, Array, Array]:
    """f, f′ and f″ of the expression as written, by mpmath's differentiation at 40 digits."""
    with mpmath.workdps(40):
        f = sp.lambdify(G, expr, [REFERENCE, "mpmath"])
        rows = [[_slope(f, float(u), n) for u in values] for n in range(3)]
    return np.array(rows[0]), np.array(rows[1]), np.array(rows[2])


def _slope(f: Callable[[Any], Any], u: float, n: int) -> float:
    """The n-th derivative at a place; NaN where the value below has overflowed, or the function has none."""
    slope = mpmath.diff(f, mpmath.mpf(u), n) if isfinite(u) else nan
    return nan if isinstance(slope, mpmath.mpc) else float(slope)
