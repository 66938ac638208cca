"""The error of the diagonal recursion at each vertex, on given data.

In float64 and independent of the lowering: δ and δ′ by their sums over edges, (1) and §1.3, and the true diagonal at a
vertex v from the tangents ġ_k = ∂g_k/∂g_v of the vertices above: Σ over nonlinearities k of δ_k f″_k ġ_k² ([+] 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sympy as sp

from smgen.calculus.partials import partials
from smgen.calculus.primitives import stable
from smgen.calculus.scalar import evaluate
from smgen.network import Network, Vertex
from smgen.report.definitions import Array, Samples

NUMBERS: Final = 1 << 22
"""The most numbers that the tangents of a layer may take at a time."""


@dataclass(frozen=True, slots=True)
class Depth:
    """One vertex: how many linear layers are above it, and the relative L1 error of the recursion's δ′ there."""

    vertex: str
    above: int
    error: float


def errors_by_depth(network: Network, params: Mapping[str, Any], x: Array) -> list[Depth]:
    """The error at the input and at every linear layer, from the input up, on the samples x, (N, D)."""
    weights = {key: np.asarray(value, np.float64) for key, value in params.items()}
    chosen = [v for v in network.vertices if (v.layer.is_data or v.layer.mixes) and network.children(v.name)]
    most = max(v.units for v in network.vertices)
    size = max(1, NUMBERS // most**2)
    difference, total = dict.fromkeys((v.name for v in chosen), 0.0), dict.fromkeys((v.name for v in chosen), 0.0)
    for first in range(0, len(x), size):
        sample = Samples(network, weights, x[first : first + size], _differentiate)
        for v in chosen:
            true = sample.diagonal(v)
            difference[v.name] += float(np.abs(sample.prime[v.name] - true).sum())
            total[v.name] += float(np.abs(true).sum())
    return [Depth(v.name, _layers_above(network, v), _ratio(difference[v.name], total[v.name])) for v in chosen]


def _ratio(difference: float, total: float) -> float:
    return difference / max(total, 1e-300) if difference else 0.0


def _layers_above(network: Network, vertex: Vertex) -> int:
    """The most linear layers on a path from the vertex to an energy."""
    depth: dict[str, int] = {}
    for v in reversed(network.vertices):
        depth[v.name] = max((depth[k.name] + k.layer.mixes for k in network.children(v.name)), default=0)
    return depth[vertex.name]


def _differentiate(expr: sp.Expr, values: Mapping[sp.Symbol, Array], by: tuple[sp.Symbol, ...]) -> Array:
    """A function's derivative, by the formula that generated code computes."""
    symbols = tuple(values)
    form = partials(expr, symbols).form(tuple(sorted(map(symbols.index, by))))
    derivative: Array = evaluate(stable(form), values, np.float64)
    return derivative + np.zeros_like(next(iter(values.values())))
