"""The definitions, evaluated directly for a few samples in float64: g, δ, δ′ by the recursion, and true Hessians.

Nothing here is shared with the lowering. Slopes between vertices are matrices or unit by unit, and the sums of (1) and
§1.3 are computed as written. The caller says how formulas are differentiated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from smgen.layers.protocol import Differentiate, Slope
from smgen.network import Network, Vertex

Array: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = dict[str, Array]


class Samples:
    """A network at samples x, (N, D): `g`, `delta` and the recursion's `prime` of every vertex, (N, units).

    `conditions` are the values of each condition, (N, units).
    """

    def __init__(
        self,
        network: Network,
        params: Mapping[str, Any],
        x: Array,
        differentiate: Differentiate,
        conditions: Mapping[str, Array] = MappingProxyType({}),
    ) -> None:
        self.network = network
        self.g: Values = {key: np.asarray(value, np.float64) for key, value in params.items()} | dict(conditions)
        self.g[network.input.name] = x
        self.slopes: dict[tuple[str, str], Slope] = {}
        self.products: list[tuple[Vertex, Array, Array]] = []
        self.f_seconds: dict[tuple[str, str, str], Array] = {}
        for v in network.all_vertices:
            if v.operands or v.layer.fixed is not None:
                self.g[v.name] = v.layer.value(v, self.g, differentiate)
                self._derivatives(v, differentiate)
        self.delta, self.prime = self._backward(len(x))

    def _derivatives(self, v: Vertex, differentiate: Differentiate) -> None:
        for n, p in enumerate(v.inputs):
            self.slopes[v.name, p] = v.layer.slope(v, p, self.g, differentiate)
            for q in v.inputs[n:]:
                f_second = v.layer.curvature(v, p, q, self.g, differentiate)
                if f_second is not None:
                    self.f_seconds[v.name, p, q] = f_second

    def _backward(self, samples: int) -> tuple[Values, Values]:
        """Equation (1) and §1.3 as sums over edges."""
        network, counts = self.network, dict(self.network.energies)
        delta = {v.name: np.full((samples, v.units), float(counts.get(v.name, 0))) for v in network.vertices}
        prime = {v.name: np.zeros((samples, v.units)) for v in network.vertices}
        for k in reversed(network.vertices):
            for p in k.inputs:
                slope = self.slopes[k.name, p]
                delta[p] = delta[p] + slope.backward(delta[k.name])
                prime[p] = prime[p] + slope.backward(prime[k.name], squared=True)
                if (k.name, p, p) in self.f_seconds:
                    prime[p] = prime[p] + delta[k.name] * self.f_seconds[k.name, p, p]
        return delta, prime

    @cached_property
    def energy(self) -> Array:
        """E, (N,)."""
        total = sum(count * self.g[name].sum(axis=1) for name, count in self.network.energies)
        return np.asarray(total, np.float64)

    def curvatures(self, base: Vertex) -> Iterator[tuple[Array, Array, Array]]:
        """δ f_pq, (N, units), and the tangents of p and q along the units of a vertex, (N, C, units)."""
        samples = len(self.g[base.name])
        eye: Array = np.broadcast_to(np.eye(base.units), (samples, base.units, base.units))
        tangents = {base.name: eye}
        self.products = []
        for k in self.network.vertices:
            sources = [p for p in k.inputs if p in tangents]
            if not sources or k.name == base.name:
                continue
            parts = [self.slopes[k.name, p].forward(tangents[p]) for p in sources]
            tangents[k.name] = sum(parts[1:], parts[0])
            if k.layer.multiplies and set(k.operands) <= tangents.keys():
                first, second = (tangents[p] for p in k.operands)
                self.products.append((k, first, second))
            for (name, p, q), f_second in self.f_seconds.items():
                if name == k.name and p in tangents and q in tangents:
                    yield self.delta[name] * f_second, tangents[p], tangents[q]
                    if p != q:
                        yield self.delta[name] * f_second, tangents[q], tangents[p]

    def diagonal(self, base: Vertex) -> Array:
        """The true ∂²E/∂g² at a vertex, (N, C): Σ_k Σ_pq δ_k f_pq ġ_p ġ_q ([+] 8)."""
        total = np.zeros((len(self.g[base.name]), base.units))
        for delta_f_second, first, second in self.curvatures(base):
            total += np.einsum("ncm,ncm,nm->nc", first, second, delta_f_second)
        for k, first, second in self.products:
            total += 2 * np.einsum("ncm,nm->nc", k.layer.multiplied(first, second), self.delta[k.name])
        return total

    def hessian(self, base: Vertex) -> Array:
        """All second derivatives at a vertex, (N, C, C)."""
        total = np.zeros((len(self.g[base.name]), base.units, base.units))
        for delta_f_second, first, second in self.curvatures(base):
            total += np.einsum("ncm,ndm,nm->ncd", first, second, delta_f_second)
        for k, first, second in self.products:
            product = k.layer.multiplied(first[:, :, np.newaxis], second[:, np.newaxis])
            half = np.einsum("ncdm,nm->ncd", product, self.delta[k.name])
            total += half + half.swapaxes(1, 2)
        return total
