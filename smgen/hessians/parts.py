"""δ′ as a sum over the curved vertices, each of whose terms is had its own way ([+] 18).

H = Σ_k R_kᵀ D_k R_k over the curved vertices k, with R_k the slopes of what k reads by x and D_k = δ_k f_pq.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import sympy as sp

from smgen.analysis.exactness import split_by_recursion
from smgen.errors import counted, several
from smgen.hessians.colours import Coloured, Colouring, colouring
from smgen.hessians.diagonal import Diagonal
from smgen.hessians.fields import Fields, receptive_fields
from smgen.hessians.local import Local
from smgen.hessians.patches import Patched
from smgen.ir import ZERO, Contribution, Function, Name, Schedule
from smgen.layers.protocol import Naming
from smgen.lower.functions import schedule
from smgen.lower.hessian_state import Values, moments_of
from smgen.lower.names import DELTA_PRIME, LossTerm, d_ddelta_prime
from smgen.lower.sweeps import backward
from smgen.lower.values import Lowering
from smgen.network import Network, Vertex


@dataclass(frozen=True, slots=True)
class Plan:
    """The curved vertices that the recursion is exact for, and the others, with what serves them."""

    recursion: tuple[str, ...]
    others: tuple[str, ...]
    colours: Colouring
    fields: Mapping[str, Fields] | None

    def words(self, network: Network) -> str:
        """The plan for people."""
        if self.fields is not None:
            sizes = {name: network.input.shape[0] * prod(a.kernel for a in self.fields[name]) for name in self.others}
            text = "patches for " + ", ".join(f"'{name}' ({counted(size, 'input')})" for name, size in sizes.items())
        else:
            units = counted(network.input.units, "input")
            text = f"{counted(self.colours.count, 'colour')} of the {units} for {several(self.others)}"
        return f"the recursion for {several(self.recursion)}, {text}" if self.recursion else text

    def local(self, lowering: Lowering) -> Local:
        """The terms of the others in a schedule."""
        if self.fields is not None:
            return Patched(lowering, self.others, self.fields)
        return Coloured(lowering, self.others, self.colours)


@lru_cache(maxsize=256)
def plan(network: Network) -> Plan | None:
    """The ways of the curved vertices of a network of tensors; None where there are as many colours as inputs."""
    if all(v.layout.places is None for v in network.vertices):
        return None
    exact, others = split_by_recursion(network)
    if not others:
        return None
    colours = colouring(network.input, others.values())
    if colours.count == network.input.units:
        return None
    names = tuple(v.name for v in others)
    return Plan(tuple(v.name for v in exact), names, colours, receptive_fields(network, names))


class Parts:
    """The recursion for some curved vertices, and tangents of few inputs each for the others."""

    def __init__(self, lowering: Lowering, chosen: Plan) -> None:
        self.lowering = lowering
        self.recursion = Diagonal(lowering, frozenset(chosen.recursion))
        self.local = chosen.local(lowering)
        self._diagonal: sp.Expr | None = None

    word = "tangents"

    def backward(self) -> Values:
        delta = backward(self.lowering, self.recursion.backward_at)
        self.lowering.emitter.sweep("second derivatives, by tangents of few inputs each")
        self.local.compute(delta)
        self.recursion.delta = delta
        return delta

    def diagonal(self) -> sp.Expr:
        if self._diagonal is None:
            value = self.recursion.diagonal() + self.local.diagonal()
            name = DELTA_PRIME.of(self.lowering.network.input.name)
            self._diagonal = self.lowering.emitter.bind(name.part("whole"), value, "[+] 18")
        return self._diagonal

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """Without squares this is a multiple of the trace, which costs less than the diagonal."""
        if second != 0:
            return moments_of(self.lowering, self.diagonal(), first, second)
        units, name = self.lowering.network.input.units, Name("sum_delta_prime", role="sum_delta_prime")
        return first * (self.lowering.emitter.mean_sum(self.recursion.diagonal(), units, name) + self.local.trace())

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        """∂L/∂δ′_in (7)."""
        nu = first
        if second != 0:
            name = d_ddelta_prime(loss_term.letter).of(self.lowering.network.input.name)
            nu = self.lowering.emitter.bind(name, 2 * second * self.diagonal() + first, loss_term.nu_start)
        self.recursion.begin(loss_term, nu)
        self.local.begin(nu)

    def forward(self, v: Vertex) -> None:
        self.recursion.forward(v)
        self.local.forward(v)

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return self.recursion.nu(k, p, q) + self.local.nu(k, p, q)

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return self.recursion.slope(p, k) + self.local.slope(p, k)

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        yield from self.local.product_nu(k, p, q)

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        yield from self.recursion.product_slope(k, a, other)
        yield from self.local.product_slope(k, a, other)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        def squares(key: str) -> Name:
            return name(key).part("squares")

        first, second = self.local.gradient(p, k, name), self.recursion.gradient(p, k, squares)
        return {key: first.get(key, ZERO) + second.get(key, ZERO) for key in {**first, **second}}


def with_plan(network: Network, function: Function, chosen: Plan) -> Schedule:
    """The schedule of one function with these ways."""
    return schedule(network, function, lambda lowering, lam: Parts(lowering, chosen))
