"""The checks of functions of several operands: places without a value, kinks, and accuracy in the dtype."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import mpmath
import sympy as sp

from smgen.calculus.accuracy import Domain
from smgen.calculus.partials import Orders, Partials
from smgen.calculus.primitives import MARKS
from smgen.calculus.several import judge_several, needed, unreal
from smgen.calculus.surfaces import Singular, explain, singular_places
from smgen.calculus.symbolic import brief
from smgen.constants import OutOfRange
from smgen.errors import NumericsWarning, SmgenWarning
from smgen.network import Vertex
from smgen.numerics.refusals import KINK, SPELLING, check_constants, mend, refuse, refuse_constant

_SAY_SO: Final = "or say so: b = sm.pointwise(b, lambda b: b, domain=(0.1, None))"
MEND: Final = {
    "has a pole": f"put what is divided by away from 0, as sm.softplus(b) and 1 + b**2 are, {_SAY_SO}",
    "is infinite": "a function must have three finite derivatives: √(a² + b² + ε) is smooth, for example",
    "jumps": "a function must have continuous derivatives: √(a² + b² + ε) is smooth, for example",
    "0/0": "a formula without the quotient is needed: smgen does not take limits",
    "not real": "a function must be real and have three derivatives for all values of its operands: make them "
    f"positive, as sm.softplus(b) and sm.exp(b) are, {_SAY_SO}",
}
SHOWN: Final = 4
"""The most operands that a message names with their values."""


def of_several(
    vertex: Vertex, f: Partials, dtype: str, domains: tuple[Domain, ...]
) -> list[tuple[type[SmgenWarning], str]]:
    """The warnings for a function. Raises `UnsupportedNonlinearity` where it has no value or no derivative."""
    names = dict(zip(f.symbols, map(sp.Symbol, vertex.operands), strict=True))
    written = f.expr.xreplace(names)
    orders = needed(f, [operand in vertex.inputs for operand in vertex.operands])
    for o in ((), *f.orders()):
        check_constants(vertex, _mark(o), written, f.form(o), dtype)
    singular = list(singular_places(f.derivative(), f.symbols, domains))
    for place, region in unreal(f, domains):
        if region:
            refuse(vertex, f"f of {brief(written)} is not real at {_at(names, place)}", MEND["not real"])
        singular.append(Singular(place, f.symbols))
    derivatives = [(_mark(o), f.derivative(o)) for o in sorted({(), *orders}, key=len)]
    for there in singular:
        numbers = dict(zip(f.symbols, there.place, strict=True))
        own = [numbers[symbol] for symbol in there.symbols]
        text = explain(derivatives, numbers, _at({symbol: names[symbol] for symbol in there.symbols}, own))
        if text:
            between = " " if text.startswith("has") else ": "
            refuse(vertex, f"{brief(written)}{between}{text}", mend(text, MEND))
    warned: list[tuple[type[SmgenWarning], str]] = []
    warned += [(NumericsWarning, f"{vertex.origin}: '{vertex.name}' {text}") for text in _kinks(f, names, domains)]
    try:
        complaints = judge_several(f, orders, domains, dtype)
    except OutOfRange as error:
        refuse_constant(vertex, "f", written, error)
    for complaint in complaints:
        what = f"{_mark(complaint.orders)} {complaint.what} at {_at(names, complaint.place)} in {dtype}"
        warned.append((NumericsWarning, f"{vertex.origin}: '{vertex.name}': {what}"))
    return warned


def _kinks(f: Partials, names: Mapping[sp.Symbol, sp.Symbol], domains: tuple[Domain, ...]) -> Iterator[str]:
    """The warnings for jumps of f″ inside the domains, and for functions that make f′ jump."""
    domain = dict(zip(f.symbols, domains, strict=True))
    for symbol, part in f.kinked_parts:
        low, high = domain[symbol]
        inside = [b for b in part.borders or () if b.jumps == 2 and low < float(b.place) < high]
        places = ", ".join(f"{float(b.place):.6g}" for b in inside)
        if places:
            yield KINK.format(f"{names[symbol]} = {places}")
    if f.switches:
        straight = all(f.derivative(o) == 0 for o in f.orders() if len(o) == 2)
        holds = "f″ is 0 almost everywhere" if straight else "f″ holds almost everywhere only"
        switches = ", ".join(SPELLING.get(name, name) for name in f.switches)
        yield f"has kinks ({switches}): {holds}, δ′ does not see them"


def _mark(orders: Orders) -> str:
    return MARKS[len(orders)]


def _at(names: Mapping[sp.Symbol, sp.Symbol], place: Iterable[Any]) -> str:
    """`linear_1 = 0, linear_2 = 1.5`; of many operands the first."""
    values = [f"{name} = {_text(value)}" for name, value in zip(names.values(), place, strict=True)]
    rest = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(values[:SHOWN]) + rest


def _text(value: Any) -> str:
    return str(mpmath.nstr(mpmath.mpf(value), 6)).removesuffix(".0")
