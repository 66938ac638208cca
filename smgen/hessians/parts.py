"""δ′ as a sum over the curved vertices, each of whose terms is had its own way ([+] 18).

H = Σ_k R_kᵀ D_k R_k over the curved vertices k, with R_k the slopes of what k reads by x and D_k = δ_k f_pq.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Final, Protocol

import sympy as sp

from smgen.analysis.exactness import split_by_recursion
from smgen.errors import counted, several
from smgen.hessians.colours import Coloured, Colouring, colouring
from smgen.hessians.diagonal import Diagonal
from smgen.hessians.fields import Fields, receptive_fields
from smgen.hessians.patches import Patched
from smgen.hessians.rows import Rows, read_by
from smgen.ir import ZERO, Contribution, Function, Letter, Name, Schedule
from smgen.layers.protocol import Naming
from smgen.lower.functions import schedule
from smgen.lower.hessian_state import TermAdjoints, Values, moments_of
from smgen.lower.names import DELTA_PRIME, LossTerm, d_ddelta_prime
from smgen.lower.sweeps import backward
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex

WHOLE: Final = Name(
    DELTA_PRIME.code, Letter(DELTA_PRIME.letter, DELTA_PRIME.place, DELTA_PRIME.letter), DELTA_PRIME.code
)
"""δ′ at x, of which δ′_x is the recursion's part."""


class Part(TermAdjoints, Protocol):
    """The terms of some curved vertices."""

    def compute(self, delta: Values) -> None:
        """What the terms need, once δ is known."""

    def diagonal(self) -> sp.Expr:
        """Their part of δ′ at x."""

    def trace(self) -> sp.Expr:
        """The mean over the batch of the sum of that."""

    def begin(self, base_adjoint: sp.Expr) -> None:
        """Begin the adjoints with ν at x."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The curved vertices that the recursion is exact for, those with rows, and the others, with what serves them."""

    recursion: tuple[str, ...]
    rows: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    colours: Colouring | None = None
    fields: Mapping[str, Fields] | None = None

    def words(self, network: Network) -> str:
        """The plan for people."""
        texts = [f"the recursion for {several(self.recursion)}"] if self.recursion else []
        if self.rows:
            each = {name: sum(network[p].units for p in read_by(network, network[name])) for name in self.rows}
            texts.append("rows from above for " + _listed(each, "row"))
        if self.fields is not None:
            sizes = {name: network.input.shape[0] * prod(a.kernel for a in self.fields[name]) for name in self.others}
            texts.append("patches for " + _listed(sizes, "input"))
        elif self.colours is not None:
            units = counted(network.input.units, "input")
            texts.append(f"{counted(self.colours.count, 'colour')} of the {units} for {several(self.others)}")
        return ", ".join(texts)

    def parts(self, lowering: Lowering) -> tuple[Part, ...]:
        """The terms of all but the recursion in a schedule."""
        rows = (Rows(lowering, self.rows),) if self.rows else ()
        if self.fields is not None:
            return (*rows, Patched(lowering, self.others, self.fields))
        return (*rows, Coloured(lowering, self.others, self.colours)) if self.colours is not None else rows


def _listed(counts: Mapping[str, int], word: str) -> str:
    return ", ".join(f"'{name}' ({counted(count, word)})" for name, count in counts.items())


@lru_cache(maxsize=256)
def plan(network: Network) -> Plan | None:
    """The ways of the curved vertices; None where all inputs are to have a tangent, or the graph is to be cut."""
    exact, others = split_by_recursion(network)
    if not others:
        return None
    recursion = tuple(v.name for v in exact)
    has_tensors = any(v.layout.places is not None for v in network.vertices)
    colours = colouring(network.input, others.values()) if has_tensors else None
    count = network.input.units if colours is None else colours.count
    fields = receptive_fields(network, [v.name for v in others]) if count < network.input.units else None
    rows = tuple(v.name for v in others if _has_few_rows(network, v, count, fields))
    left = {v: paths for v, paths in others.items() if v.name not in rows}
    if not left:
        return Plan(recursion=recursion, rows=rows)
    colours = colouring(network.input, left.values()) if has_tensors else None
    if colours is None or colours.count == network.input.units:
        return None
    names = tuple(v.name for v in left)
    return Plan(recursion=recursion, rows=rows, others=names, colours=colours, fields=receptive_fields(network, names))


def _has_few_rows(network: Network, k: Vertex, colours: int, fields: Mapping[str, Fields] | None) -> bool:
    """Whether a curved vertex reads fewer than half as many units as it would have tangents."""
    tangents = colours if fields is None else network.input.shape[0] * prod(a.kernel for a in fields[k.name])
    return not k.layer.multiplies and 2 * sum(network[p].units for p in read_by(network, k)) <= tangents


class Parts:
    """The recursion for some curved vertices, and rows or tangents of few inputs each for the others."""

    def __init__(self, lowering: Lowering, chosen: Plan) -> None:
        self.lowering = lowering
        self.recursion = Diagonal(lowering, frozenset(chosen.recursion))
        self.others = chosen.parts(lowering)
        self._diagonal: sp.Expr | None = None

    word = "tangents"

    @property
    def _all(self) -> tuple[TermAdjoints, ...]:
        return (self.recursion, *self.others)

    def backward(self) -> Values:
        delta = backward(self.lowering, self.recursion.backward_at)
        self.lowering.emitter.sweep("second derivatives, of each layer in its own way")
        for part in self.others:
            part.compute(delta)
        self.recursion.delta = delta
        return delta

    def diagonal(self) -> sp.Expr:
        if self._diagonal is None:
            value = sp.Add(self.recursion.diagonal(), *(part.diagonal() for part in self.others))
            self._diagonal = self.lowering.emitter.bind(WHOLE, value, "[+] 18")
        return self._diagonal

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """The same multiple of every δ′ is one of the trace, which costs less than the diagonal."""
        if second != 0 or not self.lowering.emitter.is_constant(first):
            return moments_of(self.lowering, self.diagonal(), first, second)
        units, name = self.lowering.network.input.units, Name("sum_delta_prime", role="sum_delta_prime")
        total = self.lowering.emitter.total(self.recursion.diagonal(), units, name)
        return first * sp.Add(total, *(part.trace() for part in self.others))

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂δ′_in (7)."""
        nu = first + 2 * second * self.diagonal() if second != 0 else first
        name = d_ddelta_prime(loss_term.letter).of(self.lowering.network.input.name)
        nu = self.lowering.emitter.bind(name, nu, loss_term.nu_start)
        self.recursion.begin(loss_term, nu)
        for part in self.others:
            part.begin(nu)

    def forward(self, v: Vertex) -> None:
        self.recursion.forward(v)
        for part in self.others:
            part.forward(v)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return sp.Add(*(part.nu(k, p, q) for part in self._all))

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return sp.Add(*(part.slope(p, k) for part in self._all))

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        for part in self.others:
            yield from part.product_nu(k, p, q)

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        for part in self._all:
            yield from part.product_slope(k, a, other)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        def squares(key: str) -> Name:
            return name(key).part("squares")

        gradients = [*(part.gradient(p, k, name) for part in self.others), self.recursion.gradient(p, k, squares)]
        keys = dict.fromkeys(key for gradient in gradients for key in gradient)
        return {key: sp.Add(*(gradient.get(key, ZERO) for gradient in gradients)) for key in keys}


def with_plan(network: Network, function: Function, chosen: Plan) -> Schedule:
    """The schedule of one function with these ways."""
    return schedule(network, function, lambda lowering, lam: Parts(lowering, chosen))
