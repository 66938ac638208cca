"""The full Hessian, equation (2): its diagonal, and the loss's exact gradient ([+] 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from smgen.hessians.gram import Gram, is_collapsible
from smgen.ir import ZERO, Contribution, Function, Schedule
from smgen.layers.protocol import Naming
from smgen.lower.functions import schedule
from smgen.lower.hessian_state import Values, moments_of
from smgen.lower.names import DELTA_PRIME, L, LossTerm, d_ddelta_prime
from smgen.lower.segment_adjoints import SegmentAdjoints
from smgen.lower.segment_tangents import Segment
from smgen.lower.sweeps import backward
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


class Exact:
    """The segments of the graph in order, from x to the energy, divided at the cuts."""

    word = "tangents"

    def __init__(self, lowering: Lowering, cuts: tuple[str, ...] = (), *, trace: bool = False) -> None:
        """`trace` says that only the sum of the diagonal is needed."""
        self.lowering = lowering
        tangents = Tangents(lowering.emitter)
        first, *others = segments(lowering.network, cuts)
        kind = Gram if trace and is_collapsible(first) else SegmentAdjoints
        self.segments: list[SegmentAdjoints | Gram] = [kind(lowering, tangents, first)]
        self.segments += [SegmentAdjoints(lowering, tangents, segment) for segment in others]
        self.loss_term: LossTerm = L
        self._diagonal: sp.Expr | None = None

    def backward(self) -> Values:
        delta = backward(self.lowering)
        self.lowering.emitter.sweep("second derivatives, by tangents")
        hessian: sp.Expr = ZERO
        for segment in reversed(self.segments):
            hessian = segment.backward(delta, hessian)
        return delta

    def diagonal(self) -> sp.Expr:
        if self._diagonal is None:
            name = DELTA_PRIME.of(self.lowering.network.input.name)
            self._diagonal = self.lowering.emitter.bind(name, self.segments[0].diagonal(), "[+] 8")
        return self._diagonal

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """The same multiple of every δ′ is one of the trace, which costs less than the diagonal."""
        if second == 0 and self.lowering.emitter.is_constant(first):
            return first * self.segments[0].trace()
        return moments_of(self.lowering, self.diagonal(), first, second)

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂δ′_in (7)."""
        self.loss_term = loss_term
        self._nu: sp.Expr = first
        if second != 0:
            self._nu = 2 * second * self.diagonal() + first

    def forward(self, v: Vertex) -> None:
        """Compute ĝ of v. At the top of a segment, begin the next one with N."""
        first = self.segments[0]
        if v.name == first.base:
            first.begin(self.lowering.emitter.bind(d_ddelta_prime(self.loss_term.letter).of(v.name), self._nu, "(7)"))
            return
        for segment, following in zip(self.segments, [*self.segments[1:], None], strict=True):
            if v.name in segment.names:
                segment.forward(v)
                if following is not None and v.name == following.base:
                    following.begin(segment.above())

    def _segment(self, name: str) -> SegmentAdjoints | Gram:
        """The segment that the vertex belongs to; a cut vertex belongs to the upper one."""
        return next(s for s in reversed(self.segments) if name == s.base or name in s.names)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return self._segment(p).nu(k, p, q)

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return self._segment(p).slope(p, k)

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        return self._segment(k.name).product_nu(k, p, q)

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        return self._segment(k.name).product_slope(k, a, other)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        return self._segment(p).gradient(p, k, name)


def segments(network: Network, cuts: tuple[str, ...]) -> list[Segment]:
    """The segments of a graph that is cut at these vertices, each above the one before it."""
    bases = [network.input.name, *cuts]
    above = {name: descendants(network, name) for name in bases}
    parts = []
    for base, top in zip(bases, [*cuts, None], strict=True):
        beyond = above[top] if top is not None else set()
        members = tuple(v for v in network.vertices if v.name in above[base] and v.name not in beyond)
        parts.append(Segment(network[base], members, network[top] if top is not None else None))
    return parts


def with_cuts(network: Network, function: Function, cuts: tuple[str, ...]) -> Schedule:
    """The schedule of one function with the full Hessian and these cuts."""
    return schedule(network, function, lambda lowering, lam: Exact(lowering, cuts, trace=_is_trace(function, lam)))


def _is_trace(function: Function, lam: sp.Expr | None) -> bool:
    """Whether a function reads the sum of δ′ alone."""
    objective = function.objective
    if objective is None or lam is None:
        return function.has_laplacian
    parts = [objective.parts(letter, lam) for letter in objective.letters]
    return function.weighing != "entries" and all(p.second == 0 and p.first.is_number for p in parts)


def descendants(network: Network, name: str) -> set[str]:
    """The names of the vertices that depend on this one."""
    names: set[str] = set()
    for v in network.vertices:
        if names & set(v.inputs) or name in v.inputs:
            names.add(v.name)
    return names
