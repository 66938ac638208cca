"""Rows from above: the slopes of few units by all inputs, a backward sweep for each unit ([+] 18).

What a curved vertex k reads at p is a function of x, and ρ = ∂g_p/∂x has a row for each unit of p. So the term of k is

    Σ_i c_i ρ_pi ρ_qi        c = δ_k f_pq

at every input. With ν its adjoint, that of c is Σ_d ν_d ρ_pi ρ_qi, and ρ̂_p = 2 c ν ρ_q at x goes up to p as ∂K/∂δ does:
the adjoint of a slope f_v below p is Σ_i ρ̂_v ρ_k, and that of a weight Σ_n Σ_i ρ_k ρ̂_vᵀ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import sympy as sp

from smgen.analysis.exactness import ancestors
from smgen.ir import ZERO, Contribution, Letter, Name
from smgen.layers.protocol import Naming
from smgen.lower.hessian_state import Values
from smgen.lower.segment_tangents import delta_curvatures
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


@dataclass(slots=True)
class _Top:
    """A vertex whose slopes are rows: all that it depends on, ρ of these, and ρ̂ of these."""

    vertex: Vertex
    members: tuple[Vertex, ...]
    slopes: Values = field(default_factory=dict)
    adjoints: Values = field(default_factory=dict)


class Rows:
    """The terms of some curved vertices, by the slopes of what they read."""

    def __init__(self, lowering: Lowering, bent: Iterable[str]) -> None:
        self.lowering, self.tangents = lowering, Tangents(lowering.emitter)
        self.network, self.base = lowering.network, lowering.network.input
        self.bent = [self.network[name] for name in bent]
        self.tops = {
            p: _Top(self.network[p], tuple(ancestors(self.network, self.network[p]))) for p in tops(lowering, self.bent)
        }
        self.curvature: dict[str, Mapping[tuple[str, str], sp.Expr]] = {}
        self.base_adjoint: sp.Expr = ZERO
        self._products: dict[tuple[str, str], sp.Expr] = {}

    word = "rows"

    # ρ, and what they make

    def compute(self, delta: Values) -> None:
        """ρ downwards from each top."""
        for k in self.bent:
            self.curvature[k.name] = delta_curvatures(self.lowering, delta, k)
        for top in self.tops.values():
            self._descend(top)

    def _descend(self, top: _Top) -> None:
        e, inside = self.tangents, {v.name for v in top.members}
        top.slopes[top.vertex.name] = e.identity(top.vertex)
        for v in reversed(top.members[:-1]):
            parts = [
                part
                for k in self.network.children(v.name)
                if k.name in inside and top.slopes[k.name] != 0
                for part in self.lowering.lowered[k.name].backward(e, v.name, top.slopes[k.name])
            ]
            top.slopes[v.name] = e.sum_of(self._name(top, v), "[+] 18", parts)

    def _name(self, top: _Top, v: Vertex, hat: str = "") -> Name:
        word = "weighted_slope" if hat else "slope"
        letter = Letter(f"ρ{hat}_{v.name}", 8, f"ρ{hat}")
        if len(self.tops) > 1:
            return Name(
                f"{word}_{v.name}_of_{top.vertex.name}", Letter(f"ρ{hat}_{v.name}|{top.vertex.name}", 8, f"ρ{hat}")
            )
        return Name(f"{word}_{v.name}", letter, word)

    def _at_x(self, p: str) -> sp.Expr:
        return self.tops[p].slopes[self.base.name]

    def _terms(self) -> Iterator[tuple[Vertex, str, str, sp.Expr]]:
        """Every c that is not 0, and the rows that it is a factor of."""
        for k in self.bent:
            for (p, q), value in self.curvature[k.name].items():
                if value != 0 and self._at_x(p) != 0 and self._at_x(q) != 0:
                    yield k, p, q, value

    def diagonal(self) -> sp.Expr:
        """Σ_i c_i ρ_pi ρ_qi at every input."""
        e, total = self.tangents, ZERO
        for k, p, q, value in self._terms():
            products = self._column(value, k) * self._at_x(p) * self._at_x(q) * (1 if p == q else 2)
            total += e.sum_tangents(
                products, Name(f"curvature_of_{k.name}" if p == q else f"curvature_of_{k.name}_{p}_{q}")
            )
        return total

    def trace(self) -> sp.Expr:
        """The total of the diagonal: Σ_i c_i Σ_d ρ_pi ρ_qi."""
        total = ZERO
        for k, p, q, value in self._terms():
            name = Name(f"sum_curvature_{k.name}" if p == q else f"sum_curvature_{k.name}_{p}_{q}")
            summed = value * self._in_places(self._product(p, q), k) * (1 if p == q else 2)
            total += self.tangents.total(summed, k.units, name)
        return total

    def _column(self, value: sp.Expr, k: Vertex) -> sp.Expr:
        """A number for each unit of k beside rows at x."""
        row = self.tangents.in_a_row(value, k, Name(f"units_of_{k.name}"))
        return self.tangents.tangent_column(row, self.base)

    def _in_places(self, value: sp.Expr, k: Vertex) -> sp.Expr:
        return self.tangents.in_places(value, k, Name(f"places_of_{k.name}"))

    def _product(self, p: str, q: str) -> sp.Expr:
        """Σ_d ρ_pi ρ_qi, a number for each unit."""
        if (p, q) not in self._products:
            value = self._at_x(p) * self._at_x(q)
            self._products[p, q] = self.tangents.sum_units(value, Name(f"products_of_slopes_{p}_{q}"))
        return self._products[p, q]

    # ρ̂

    def begin(self, base_adjoint: sp.Expr) -> None:
        """Begin with ν at x: a number, or an array of the shape of x."""
        e, self.base_adjoint = self.tangents, base_adjoint
        for top in self.tops.values():
            top.adjoints = {}
        sums: dict[str, sp.Expr] = {}
        for k, p, q, value in self._terms():
            column = self._column(value, k)
            for one, other in dict.fromkeys(((p, q), (q, p))):
                sums[one] = sums.get(one, ZERO) + 2 * column * self._at_x(other)
        nu = base_adjoint if e.is_constant(base_adjoint) else e.row(base_adjoint)
        for p, value in sums.items():
            top = self.tops[p]
            top.adjoints[self.base.name] = e.bind(self._name(top, self.base, "̂"), nu * value, "[+] 18")

    def forward(self, v: Vertex) -> None:
        """ρ̂_v of each top above v."""
        for top in self.tops.values():
            if v.name == self.base.name or v not in top.members or not top.adjoints:
                continue
            parts = list(self.lowering.lowered[v.name].forward(self.tangents, top.adjoints))
            top.adjoints[v.name] = self.tangents.sum_of(self._name(top, v, "̂"), "[+] 18", parts)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        """Σ_d ν_d ρ_pi ρ_qi."""
        if k not in self.bent or self._at_x(p) == 0 or self._at_x(q) == 0:
            return ZERO
        e = self.tangents
        if e.is_constant(self.base_adjoint):
            return self.base_adjoint * self._in_places(self._product(p, q), k)
        value = e.row(self.base_adjoint) * self._at_x(p) * self._at_x(q)
        return self._in_places(e.sum_units(value, Name(f"weighted_products_of_slopes_{p}_{q}")), k)

    def _pairs(self, p: str, k: Vertex) -> Iterator[tuple[_Top, sp.Expr, sp.Expr]]:
        """ρ_k and ρ̂_p of each top above both."""
        for top in self.tops.values():
            if k in top.members:
                slope, adjoint = top.slopes[k.name], top.adjoints.get(p, ZERO)
                if slope != 0 and adjoint != 0:
                    yield top, slope, adjoint

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        """Σ_i ρ̂_p ρ_k."""
        total = ZERO
        for top, slope, adjoint in self._pairs(p, k):
            name = Name(f"product_of_slopes_{p}_{k.name}_{top.vertex.name}")
            total += self.tangents.sum_tangents(adjoint * slope, name)
        return total

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterator[Contribution]:
        """Nothing: products of two nodes are had by tangents."""
        return iter(())

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterator[Contribution]:
        """Σ_i of what ρ_k and ρ̂ of the other factor of a product give."""
        for _, slope, adjoint in self._pairs(other, k):
            yield self._part(k, a, slope, adjoint)

    def _part(self, k: Vertex, a: str, slope: sp.Expr, adjoint: sp.Expr) -> Contribution:
        e, lowered = self.tangents, self.lowering.lowered[k.name]

        def contribution(name: Name, number: str) -> sp.Expr:
            back = lowered.product_back(e, a, slope, adjoint, name.part("slopes"), number)
            return e.sum_tangents(back, name.part("summed"))

        return contribution

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        """Σ_n Σ_i ∂(ρ_kᵀ A ρ̂_p)/∂θ for the map A from p to k."""
        total: dict[str, sp.Expr] = {}
        lowered = self.lowering.lowered[k.name]
        for top, slope, adjoint in self._pairs(p, k):

            def own(key: str, top: _Top = top) -> Name:
                return name(key).part(f"rows_of_{top.vertex.name}" if len(self.tops) > 1 else "rows")

            for key, value in lowered.gradient(self.tangents, p, slope, adjoint, own).items():
                total[key] = total.get(key, ZERO) + value
        return total


def read_by(network: Network, k: Vertex) -> tuple[str, ...]:
    """The inputs by which a vertex has second derivatives, each once."""
    return tuple(dict.fromkeys(p for pair in k.layer.curved(k) for p in pair))


def tops(lowering: Lowering, bent: Iterable[Vertex]) -> tuple[str, ...]:
    """What some curved vertices read."""
    return tuple(dict.fromkeys(p for k in bent for p in read_by(lowering.network, k)))
