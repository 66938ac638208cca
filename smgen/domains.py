"""What the author of a network says of a nonlinearity's argument: `domain=(0, None)` for one that is never negative."""

from __future__ import annotations

from numbers import Real
from typing import TypeAlias

import sympy as sp

from smgen.constants import exact
from smgen.errors import NetworkError

Ends: TypeAlias = tuple[sp.Expr | None, sp.Expr | None]


def interval(domain: object, origin: str) -> Ends | None:
    """The ends of a domain as exact numbers. Raises `NetworkError` for anything else than two ends in order."""
    if domain is None or domain == (None, None):
        return None
    ends = domain if isinstance(domain, tuple | list) and len(domain) == 2 else ("", "")
    low, high = (None if end is None else _end(end) for end in ends)
    usable = sp.nan not in (low, high) and (low is None or high is None or bool(low < high))
    if not usable:
        raise NetworkError(
            origin=origin,
            what=f"domain must be a pair of finite numbers, the lower first, or None for no bound; got {domain!r}",
            hint="domain=(0, None) for an argument that is never negative",
        )
    return low, high


def _end(end: object) -> sp.Expr:
    number = sp.sympify(end) if isinstance(end, Real | sp.Expr) and not isinstance(end, bool) else sp.nan
    return exact(number) if number.is_number and number.is_real and number.is_finite else sp.nan


def interval_text(before: str, ends: Ends | None) -> str:
    """`, domain [0, oo]` after the words for it; nothing without one."""
    if ends is None:
        return ""
    low, high = ends
    return f"{before}[{'-oo' if low is None else low}, {'oo' if high is None else high}]"
