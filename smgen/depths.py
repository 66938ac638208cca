"""How far the diagonal recursion is from the Hessian's diagonal, vertex by vertex, on given data.

In float64 and independent of the lowering: δ and δ′ by their sums over edges, (1) and §1.3, and the true diagonal at a
vertex v from the tangents ġ_k = ∂g_k/∂g_v of what lies above it: Σ over nonlinearities k of δ_k f″_k ġ_k² ([+] 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.derivatives import differentiate
from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale
from smgen.primitives import G, stable
from smgen.scalar import evaluate

Array = npt.NDArray[np.float64]
Values = dict[str, Array]

NUMBERS: Final = 1 << 22
"""How many numbers the tangents of a layer may take at a time."""


@dataclass(frozen=True, slots=True)
class Depth:
    """One vertex: how many linear layers are above it, and the relative L1 error of the recursion's δ′ there."""

    vertex: str
    above: int
    error: float


def errors_by_depth(network: Network, params: Mapping[str, Any], x: Array) -> list[Depth]:
    """The error at the input and at every linear layer, from the input up, on the samples x, (N, D)."""
    weights = {key: np.asarray(value, np.float64) for key, value in params.items()}
    chosen = [v for v in network.vertices if isinstance(v.op, Input | Linear) and network.children(v.name)]
    most = max(v.units for v in network.vertices)
    size = max(1, NUMBERS // most**2)
    difference, total = dict.fromkeys((v.name for v in chosen), 0.0), dict.fromkeys((v.name for v in chosen), 0.0)
    for first in range(0, len(x), size):
        sample = _Sample(network, weights, x[first : first + size])
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
        depth[v.name] = max((depth[k.name] + isinstance(k.op, Linear) for k in network.children(v.name)), default=0)
    return depth[vertex.name]


class _Sample:
    """Values, slopes and bends of a few samples, δ, and δ′ by the recursion."""

    def __init__(self, network: Network, weights: Mapping[str, Array], x: Array) -> None:
        self.network, self.weights = network, weights
        self.slope: Values = {}
        self.bend: Values = {}
        self.g: Values = {network.input.name: x}
        for v in network.vertices[1:]:
            if isinstance(v.op, Pointwise):
                f = [_value(d, self.g[v.inputs[0]]) for d in differentiate(v.op.expr).derivatives[:3]]
                self.g[v.name], self.slope[v.name], self.bend[v.name] = f
            else:
                self.g[v.name] = _sum(self._edge(v, s, self.g[s]) for s in dict.fromkeys(v.inputs)) + self._bias(v)
        self.delta: Values = {}
        self.prime: Values = {}
        counts = dict(network.energies)
        for v in reversed(network.vertices):
            self.delta[v.name] = np.full((len(x), v.units), float(counts.get(v.name, 0)))
            self.prime[v.name] = np.zeros((len(x), v.units))
            for k in network.children(v.name):
                self.delta[v.name] += self._back(k, v.name, self.delta[k.name], 1)
                self.prime[v.name] += self._back(k, v.name, self.prime[k.name], 2)
                if isinstance(k.op, Pointwise):
                    self.prime[v.name] += self.delta[k.name] * self.bend[k.name]

    def diagonal(self, base: Vertex) -> Array:
        """The true ∂²E/∂g² at a vertex."""
        samples = len(self.g[base.name])
        tangents: Values = {base.name: np.broadcast_to(np.eye(base.units), (samples, base.units, base.units))}
        total = np.zeros((samples, base.units))
        for v in self.network.vertices:
            sources = [s for s in dict.fromkeys(v.inputs) if s in tangents]
            if not sources or v.name == base.name:
                continue
            if isinstance(v.op, Pointwise):
                below = tangents[sources[0]]
                total += np.einsum("ncm,nm->nc", below**2, self.delta[v.name] * self.bend[v.name])
                tangents[v.name] = below * self.slope[v.name][:, None]
            else:
                tangents[v.name] = _sum(self._edge(v, s, tangents[s]) for s in sources)
        return total

    def _bias(self, v: Vertex) -> Array:
        return self.weights[f"{v.op.weights}.bias"] if isinstance(v.op, Linear) and v.op.bias else np.zeros(1)

    def _edge(self, v: Vertex, source: str, value: Array) -> Array:
        """(∂g_v/∂g_source) value for a linear edge; the last axis is that of the units."""
        match v.op:
            case Linear(weights=group):
                return value @ self.weights[f"{group}.weight"].T
            case Scale():
                return value * self.weights[f"{v.name}.gain"]
            case Add():
                return value * dict(v.terms)[source]
            case Concat():
                parts = [value if s == source else np.zeros((*value.shape[:-1], self._units(s))) for s in v.inputs]
                return np.concatenate(parts, axis=-1)
        raise TypeError(v.op)

    def _units(self, name: str) -> int:
        return self.network[name].units

    def _back(self, k: Vertex, name: str, value: Array, power: int) -> Array:
        """Value times ∂g_k/∂g_name, or its square, summed over the units of k."""
        match k.op:
            case Linear(weights=group):
                return value @ self.weights[f"{group}.weight"] ** power
            case Scale():
                return value * self.weights[f"{k.name}.gain"] ** power
            case Add():
                return value * np.float64(dict(k.terms)[name] ** power)
            case Concat():
                starts = np.cumsum([0, *(self._units(s) for s in k.inputs)])
                return _sum(
                    value[:, a : a + self._units(s)] for a, s in zip(starts[:-1], k.inputs, strict=True) if s == name
                )
            case Pointwise():
                return value * self.slope[k.name] ** power
        raise TypeError(k.op)


def _sum(arrays: Iterable[Array]) -> Array:
    return reduce(np.add, arrays)


def _value(expr: Any, values: Array) -> Array:
    found: Array = evaluate(stable(expr), {G: values}, np.float64)
    return found + np.zeros_like(values)
