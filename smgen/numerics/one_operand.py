"""The checks of nonlinearities before a build: domains, kinks, poles, and accuracy in the dtype."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from math import inf
from typing import Any

import sympy as sp

from smgen.calculus.accuracy import Domain, judge
from smgen.calculus.derivatives import Nonlinearity
from smgen.calculus.intervals import REALS, Interval
from smgen.calculus.primitives import MARKS
from smgen.calculus.singular import explain, suspects
from smgen.calculus.symbolic import brief
from smgen.constants import OutOfRange, in_range
from smgen.errors import NetworkError, NumericsWarning, SmgenWarning
from smgen.network import Network, Vertex
from smgen.numerics.refusals import KINK, MEND, SPELLING, check_constants, mend, refuse, refuse_constant
from smgen.numerics.several_operands import of_several
from smgen.numerics.underflow import vanishing


def check_nonlinearities(network: Network, dtype: str, *, stacklevel: int = 1) -> None:
    """Warn of every formula that fails in the dtype. Raises `UnsupportedNonlinearity` for one that is not real.

    Raises `NetworkError` for a parameter whose initial value the dtype cannot hold.
    """
    domains = domains_of(network)
    for vertex in network.constants:
        try:
            in_range(vertex.layer.init or sp.S.Zero, dtype)
        except OutOfRange as error:
            hint = f"rescale the parameter{error.wider}"
            raise NetworkError(origin=vertex.origin, what=f"init= of '{vertex.name}' is {error}", hint=hint) from None
    for vertex in network.all_vertices:
        for kind, text in numerics(vertex, dtype, domains[vertex.name]):
            warnings.warn(text, kind, stacklevel=stacklevel + 1)


def domains_of(network: Network) -> dict[str, tuple[Domain, ...]]:
    """The domains of the operands of each vertex: intervals that follow from the graph, within those authors state.

    A sum of squares is not negative, and softplus is positive. A product with a learned weight or gain can be any
    number.
    """
    ranges: dict[str, Interval] = {}
    domains: dict[str, tuple[Domain, ...]] = {}
    for v in network.all_vertices:
        below = [ranges[name] for name in v.operands]
        domains[v.name] = (_within(below[0], v.layer.domain),) if v.layer.nonlinearity is not None else tuple(below)
        ranges[v.name] = v.layer.range(domains[v.name])
    return domains


def _within(shown: Interval, stated: tuple[sp.Expr | None, sp.Expr | None] | None) -> Domain:
    low, high = stated or (None, None)
    ends = -inf if low is None else float(low), inf if high is None else float(high)
    return max(shown[0], ends[0]), min(shown[1], ends[1])


def numerics(
    vertex: Vertex, dtype: str, domains: tuple[Domain, ...] | None = None
) -> list[tuple[type[SmgenWarning], str]]:
    """The warnings for a vertex's function. Raises `UnsupportedNonlinearity` where it is not real."""
    layer = vertex.layer
    if layer.function is None:
        return []
    domains = domains or (_within(REALS, layer.domain),) * len(vertex.operands)
    if layer.nonlinearity is not None:
        warned = _of_one(vertex, layer.nonlinearity, dtype, domains[0])
    else:
        warned = of_several(vertex, layer.function, dtype, domains)
    underflows = vanishing(vertex, layer.function, domains)
    return [*warned, *((NumericsWarning, f"{vertex.origin}: '{vertex.name}' {text}") for text in underflows)]


def _of_one(vertex: Vertex, f: Nonlinearity, dtype: str, domain: Domain) -> list[tuple[type[SmgenWarning], str]]:
    """The warnings for a function of one operand; of a parameter, modules compute f and f′ alone."""
    warned: list[tuple[type[SmgenWarning], str]] = []
    warned += [(NumericsWarning, f"{vertex.origin}: '{vertex.name}' {text}") for text in _kinks(f, domain)]
    for mark, form, exact in list(zip(MARKS, f.forms, f.derivatives, strict=True))[: 4 if vertex.inputs else 2]:
        check_constants(vertex, mark, f.written, form, dtype)
        try:
            outcome = judge(form, dtype, exact, domain)
        except OutOfRange as error:
            refuse_constant(vertex, mark, f.written, error)
        if outcome.undefined:
            if f.borders:
                _refuse_singular(vertex, f, suspects(f.derivatives[0]))
            _refuse_singular(vertex, f, outcome.undefined[:1] if len(outcome.undefined) == 1 else ())
            refuse(vertex, f"{mark} of {brief(f.written)} {outcome.complaint}", MEND["not real"])
        if outcome.complaint:
            warned.append((NumericsWarning, f"{vertex.origin}: '{vertex.name}': {mark} {outcome.complaint} in {dtype}"))
    _refuse_singular(vertex, f, [place for place in suspects(f.derivatives[0]) if domain[0] <= place <= domain[1]])
    return warned


def _kinks(f: Nonlinearity, domain: Domain) -> list[str]:
    """The warnings for jumps of f′ or f″ inside the domain."""
    inside = [b for b in f.borders or () if domain[0] < float(b.place) < domain[1]]
    places = ", ".join(f"{float(b.place):.6g}" for b in inside if b.jumps == 2)
    texts = [KINK.format(places)] if places else []
    if f.borders is None or any(b.jumps in (0, 1) for b in inside):
        holds = "f″ is 0 almost everywhere" if f.derivatives[2] == 0 else "f″ holds almost everywhere only"
        names = ", ".join(SPELLING.get(name, name) for name in f.switches)
        texts.append(f"has kinks ({names}): {holds}, δ′ does not see them")
    return texts


def _refuse_singular(vertex: Vertex, f: Nonlinearity, places: Iterable[Any]) -> None:
    """Raise `UnsupportedNonlinearity` for the first place without a value whose neighbours have one."""
    for place in places:
        text = explain(f.derivatives, place)
        if text:
            between = " " if text.startswith("has") else ": "
            refuse(vertex, f"{brief(f.written)}{between}{text}", mend(text, MEND))
