"""Linear kinds whose matrix is a combination of fixed ones: A = Σ_k θ_k B_k. A kind states the B_k alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp

from smgen.ir import Emitter, Layout, Name, Reduce
from smgen.layers.dense import WeightMap
from smgen.layers.linear_maps import LinearLayer
from smgen.layers.protocol import Vertex


class CombinationLayer(LinearLayer):
    """The base of these kinds. Operands: the argument of the map, and the parameter θ, a unit for each B_k."""

    @abstractmethod
    def basis(self, e: Emitter, v: Vertex) -> Sequence[sp.Expr]:
        """The matrices B_k in a schedule, of shape (units, units of the input)."""

    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> CombinationMap:
        (theta,), basis = parameters, tuple(self.basis(e, v))
        entries = [e.slice(theta, k, 1, Name(f"theta_{k}_{v.name}")) for k, _ in enumerate(basis)]
        total = sp.Add(*(entry * matrix for entry, matrix in zip(entries, basis, strict=True)))
        return CombinationMap(e.in_buffer(total, f"A_{v.name}"), v.layout.places, basis)


@dataclass(frozen=True, slots=True)
class CombinationMap(WeightMap):
    """v ↦ A v, or v ↦ (A ∘ A) v where `root` is A; gradients by θ: ∂/∂θ_k = Σ_ij (B_k)_ij ∂/∂A_ij."""

    basis: tuple[sp.Expr, ...] = ()
    root: sp.Expr = sp.S.Half

    def squared(self, e: Emitter) -> CombinationMap:
        return replace(self, weight=e.square(e.buffer(self.weight)).symbol, root=self.weight)

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        (name,), outer = names, 2 * self.root * e.outer_sum(left, right, names[0], self.places)
        entries = [(self._sum(e, outer * matrix, name), 1) for matrix in self.basis]
        return (e.concat(name.part("entries"), entries),)

    @staticmethod
    def _sum(e: Emitter, value: sp.Expr, name: Name) -> sp.Expr:
        """The sum of all entries of a matrix, as one unit."""
        terms = e.buffer(e.in_buffer(value, name.part("terms")))
        rows = e.emit(Reduce(out=e.new(name.part("rows"), Layout(units=terms.layout.units[:1])), src=terms, axis=1))
        return e.forward(rows, e.ones(terms.layout.units[0]), name.part("entry"), "")
