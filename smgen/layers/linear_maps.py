"""Linear layers, g = A g_p + b. The matrix A is formed only if it is a parameter.

A kind states how A acts on a value; the rest of `Layer` is derived from that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

import numpy as np
import sympy as sp

from smgen.calculus.intervals import REALS, Interval
from smgen.errors import BuildError
from smgen.ir import Contribution, Emitter, Name, term
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Differentiate, Equations, Lowered, Naming, Vertex
from smgen.layers.straight import Straight, StraightLowered


class LinearMap(Protocol):
    """v ↦ A v in a schedule that is being written. `v` may belong to any sweep, and may have tangents.

    Every method writes with the emitter that it is given. For values with tangents that is a `Tangents` emitter.
    """

    def forward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        """A v for g, ġ, ĝ and μ; for ν with A ∘ A."""

    def backward(self, e: Emitter, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        """Aᵀ v for δ, δ̇, δ̂ and γ; for δ′ with A ∘ A."""

    def squared(self, e: Emitter) -> LinearMap:
        """The map A ∘ A. An entry of A that is a sum of terms is squared as a whole."""

    def gradient(self, e: Emitter, left: sp.Expr, right: sp.Expr, names: Sequence[Name]) -> Sequence[sp.Expr]:
        """Σ_n ∂(leftᵀ A right)/∂θ for each parameter θ of A. The map A ∘ A has the parameters of A.

        `e.outer_sum` is Σ_n left rightᵀ, for a matrix, and `e.unit_sums` Σ_n left ∘ right, for a number a unit; both
        take the number of places, over which they sum too.
        """


class LinearLayer(Straight, ABC):
    """The base of all linear kinds. Operands: the argument of the map, its parameters, and b if there is a bias."""

    bias: bool = False

    @property
    def equations(self) -> Equations:
        return "general"

    @property
    def mixes(self) -> bool:
        return True

    @property
    @abstractmethod
    def kind(self) -> str:
        """The word that default names of its layers begin with."""

    @abstractmethod
    def map(self, e: Emitter, v: Vertex, parameters: Sequence[sp.Expr]) -> LinearMap:
        """A in a schedule, for parameters in buffers."""

    @abstractmethod
    def matrix(self, v: Vertex, parameters: Sequence[Array]) -> Array:
        """A in numbers, (units, units of the input)."""

    @property
    def text(self) -> str:
        return self.kind

    def summary(self, operands: Sequence[str]) -> str:
        return f"{self.kind}({', '.join(operands)})"

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        parameters = [g[key] for key in _parameters(v, bias=self.bias)]
        lowered = _Lowered(v, self.map(e, v, parameters), self.bias)
        source = v.operands[0]
        if self.bias:
            product = lowered.map.forward(e, g[source], name.part("unbiased"), "")
            lowered.value = e.bind(name, product + g[v.operands[-1]])
        else:
            lowered.value = e.bind(name, lowered.map.forward(e, g[source], name, ""))
        return lowered

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        value = g[v.operands[0]] @ self._matrix(v, g).T
        return value + self.spread(v, g[v.operands[-1]]).ravel() if self.bias else value

    def spread(self, v: Vertex, bias: Array) -> Array:
        """The bias in the shape of the value: one number for each place on the last axis."""
        return np.broadcast_to(bias, v.shape)

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Matrix:
        return Matrix(self._matrix(v, g))

    def _matrix(self, v: Vertex, g: Mapping[str, Array]) -> Array:
        return self.matrix(v, [g[key] for key in _parameters(v, bias=self.bias)])

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        """Every unit depends on all units of the input. A kind for which this is not so overrides it."""
        return below[v.operands[0]].mixed_whole(v.shape)

    def range(self, below: Sequence[Interval]) -> Interval:
        """A sum of products of numbers that are not negative is not negative, as where weights are exp of a parameter.

        A kind with parameters that are no factors overrides this.
        """
        known = all(low >= 0 for low, _ in below)
        return (0.0, inf) if known and len(below) > 1 else REALS

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        raise BuildError(what=f"{self.kind} has no spelling for other libraries", hint="compare another network")

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        raise BuildError(what=f"{self.kind} has no spelling for other libraries", hint="compare another network")


def kron(matrices: Sequence[Array]) -> Array:
    """The Kronecker product of matrices: the matrix of a map that acts on each axis by itself."""
    product: Array = np.ones((1, 1))
    for matrix in matrices:
        product = np.kron(product, matrix)
    return product


def _parameters(v: Vertex, *, bias: bool) -> tuple[str, ...]:
    """The operands that are parameters of the map."""
    return v.operands[1 : len(v.operands) - bias]


@dataclass(slots=True)
class _Lowered(StraightLowered):
    """A linear layer in a schedule."""

    vertex: Vertex
    map: LinearMap
    bias: bool
    value: sp.Expr = sp.S.Zero

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        value = values[self.vertex.operands[0]]
        if value != 0:
            yield lambda name, number: self._map(e, squared=squared).forward(e, value, name, number)

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        if value != 0 and source == self.vertex.operands[0]:
            yield lambda name, number: self._map(e, squared=squared).backward(e, value, name, number)
        elif value != 0 and self.bias and source == self.vertex.operands[-1]:
            yield term(value)

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        keys = _parameters(self.vertex, bias=self.bias)
        if left == 0 or right == 0 or not keys:
            return {}
        gradients = self._map(e, squared=squared).gradient(e, left, right, [name(key) for key in keys])
        return dict(zip(keys, gradients, strict=True))

    def collected(self, e: Emitter, constant: str, value: sp.Expr, name: Name) -> sp.Expr:
        """The sum over the samples and places that have this bias."""
        return e.row_sum(value, name, self.vertex.layout.places)

    def _map(self, e: Emitter, *, squared: bool) -> LinearMap:
        return self.map.squared(e) if squared else self.map


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """∂g/∂g_p in numbers, the same for all samples, (units, units of p)."""

    array: Array

    def forward(self, value: Array, *, squared: bool = False) -> Array:
        """J v."""
        return value @ self._array(squared=squared).T

    def backward(self, value: Array, *, squared: bool = False) -> Array:
        """Jᵀ v."""
        return value @ self._array(squared=squared)

    def _array(self, *, squared: bool) -> Array:
        return np.square(self.array) if squared else self.array
