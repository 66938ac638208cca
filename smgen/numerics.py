"""What is to be said of nonlinearities before they are built: domains, kinks, poles, accuracy in the dtype."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from math import inf
from typing import Any, Final

import sympy as sp

from smgen.accuracy import Domain, judge
from smgen.calculus import brief
from smgen.constants import OutOfRange, in_range
from smgen.derivatives import Nonlinearity
from smgen.errors import NumericsWarning, SmgenWarning, UnsupportedNonlinearity
from smgen.intervals import REALS, Interval
from smgen.network import Network, Vertex
from smgen.primitives import MARKS
from smgen.singular import explain, suspects

_SPELLING: Final = {"choose": "Piecewise", "maximum": "max"}
"""What people call functions of smgen's own."""

_MEND: Final = {
    "has a pole": "a nonlinearity must be finite everywhere: put what is divided by away from 0, or give its domain=",
    "is infinite": "a nonlinearity must have three finite derivatives: √(g² + ε) is a smooth |g|, for example",
    "jumps": "a nonlinearity must be continuous",
    "0/0": "a formula without the quotient is needed: smgen does not take limits",
    "not real": "a nonlinearity must be real and have three derivatives everywhere; domain=(0, None) says that its "
    "argument is never negative",
}


def check_nonlinearities(network: Network, dtype: str, *, stacklevel: int = 1) -> None:
    """Warn of every formula that fails in the dtype. Raises `UnsupportedNonlinearity` for one that is not real."""
    domains = domains_of(network)
    for vertex in network.all_vertices:
        for kind, text in numerics(vertex, dtype, domains.get(vertex.name)):
            warnings.warn(text, kind, stacklevel=stacklevel + 1)


def domains_of(network: Network) -> dict[str, Domain]:
    """The arguments each nonlinearity can have: what the graph shows, within what its author says.

    Sums of squares are not negative, softplus is positive; what a learned weight or gain multiplies can be anything.
    """
    ranges: dict[str, Interval] = {}
    domains: dict[str, Domain] = {}
    for v in network.all_vertices:
        below = [ranges[name] for name in v.operands]
        if v.layer.nonlinearity is not None:
            below = [domains.setdefault(v.name, _within(below[0], v.layer.domain))]
        ranges[v.name] = v.layer.range(below)
    return domains


def _within(shown: Interval, stated: tuple[sp.Expr | None, sp.Expr | None] | None) -> Domain:
    low, high = stated or (None, None)
    ends = -inf if low is None else float(low), inf if high is None else float(high)
    return max(shown[0], ends[0]), min(shown[1], ends[1])


def numerics(vertex: Vertex, dtype: str, domain: Domain | None = None) -> list[tuple[type[SmgenWarning], str]]:
    """What is to be said of a function of one unit. Raises `UnsupportedNonlinearity` where it is not real."""
    f = vertex.layer.nonlinearity
    if f is None:
        return []
    domain = domain or _within(REALS, vertex.layer.domain)
    found: list[tuple[type[SmgenWarning], str]] = []
    found += [(NumericsWarning, f"{vertex.origin}: '{vertex.name}' {text}") for text in _kinks(f, domain)]
    for mark, form, exact in zip(MARKS, f.forms, f.derivatives, strict=True):
        try:
            for constant in sorted(_constants(form), key=sp.default_sort_key):
                in_range(constant, dtype)
            outcome = judge(form, dtype, exact, domain)
        except OutOfRange as error:
            raise UnsupportedNonlinearity(
                origin=vertex.origin,
                what=f"'{vertex.name}': {mark} of {brief(f.written)} has {error}",
                hint="rescale the function, or build with --dtype float64",
            ) from None
        if outcome.undefined:
            if f.borders:
                _refuse_singular(vertex, f, suspects(f.derivatives[0]))
            _refuse_singular(vertex, f, outcome.undefined[:1] if len(outcome.undefined) == 1 else ())
            _refuse(vertex, f"{mark} of {brief(f.written)} {outcome.complaint}", _MEND["not real"])
        if outcome.complaint:
            found.append((NumericsWarning, f"{vertex.origin}: '{vertex.name}': {mark} {outcome.complaint} in {dtype}"))
    _refuse_singular(vertex, f, [place for place in suspects(f.derivatives[0]) if domain[0] <= place <= domain[1]])
    return found


def _constants(form: sp.Expr) -> set[sp.Expr]:
    """The numbers a formula is computed with: coefficients, terms and arguments, but no exponents."""
    found: set[sp.Expr] = set()
    waiting, seen = [form], {form}
    while waiting:
        e = waiting.pop()
        if e.is_number:
            found.add(e)
            continue
        numbers = sp.Mul(*(arg for arg in e.args if arg.is_number)) if e.is_Mul else sp.S.One
        args = e.args[:1] if e.is_Pow and e.exp.is_number else e.args
        inner = {numbers, *(arg for arg in args if not (e.is_Mul and arg.is_number))}
        waiting += inner - seen
        seen |= inner
    return found


def _kinks(f: Nonlinearity, domain: Domain) -> list[str]:
    """Where f′ or f″ jumps inside the domain."""
    inside = [b for b in f.borders or () if domain[0] < float(b.at) < domain[1]]
    places = ", ".join(f"{float(b.at):.6g}" for b in inside if b.jumps == 2)
    bent = f"has no f″ at {places}, where it jumps: the loss is right, its gradient does not see the jump"
    found = [bent] if places else []
    if f.borders is None or any(b.jumps in (0, 1) for b in inside):
        holds = "f″ is 0 almost everywhere" if f.derivatives[2] == 0 else "f″ holds almost everywhere only"
        names = ", ".join(_SPELLING.get(name, name) for name in f.switches)
        found.append(f"has kinks ({names}): {holds}, δ′ does not see them")
    return found


def _refuse_singular(vertex: Vertex, f: Nonlinearity, places: Iterable[Any]) -> None:
    """Raise `UnsupportedNonlinearity` for the first place without a value whose neighbours have one."""
    for place in places:
        text = explain(f.derivatives, place)
        if text:
            mend = next(hint for key, hint in _MEND.items() if key in text)
            between = " " if text.startswith("has") else ": "
            _refuse(vertex, f"{brief(f.written)}{between}{text}", mend)


def _refuse(vertex: Vertex, what: str, hint: str) -> None:
    raise UnsupportedNonlinearity(origin=vertex.origin, what=f"'{vertex.name}': {what}", hint=hint)
