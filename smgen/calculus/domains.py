"""The domain that an author states for a nonlinearity's argument: `domain=(0, None)` for one that is never negative."""

from __future__ import annotations

from typing import TypeAlias

import sympy as sp

from smgen.constants import real_number
from smgen.errors import NetworkError, shortened

Ends: TypeAlias = tuple[sp.Expr | None, sp.Expr | None]


def interval(domain: object, origin: str) -> Ends | None:
    """The ends of a domain as exact numbers. Raises `NetworkError` for anything but two ends in order."""
    if domain is None:
        return None
    ends = tuple(domain) if isinstance(domain, tuple | list) else ()
    numbers: list[sp.Expr] = [real_number(end) for end in ends if end is not None]
    refused = len(ends) != 2 or any(number is None for number in numbers)
    if refused or (len(numbers) == 2 and not numbers[0] < numbers[1]):
        raise NetworkError(
            origin=origin,
            what="domain must be a pair of finite numbers, the lower first, or None for no bound; "
            f"got {shortened(domain)}",
            hint="domain=(0, None) for an argument that is never negative",
        )
    low, high = (None if end is None else real_number(end) for end in ends)
    return (low, high) if numbers else None


def interval_text(before: str, ends: Ends | None) -> str:
    """`, domain [0, oo]`, with the words `before`; empty without a domain."""
    if ends is None:
        return ""
    low, high = ends
    return f"{before}[{'-oo' if low is None else low}, {'oo' if high is None else high}]"
