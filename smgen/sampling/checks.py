"""Checks of single arguments. Each returns the value in its own type, or raises `SamplingError`."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Final

from smgen.errors import did_you_mean, shortened
from smgen.sampling.errors import SamplingError

ORIGIN: Final = "sample"
MOST: Final = 10**9
"""The most of anything that is counted."""


def refused(name: str, value: object, wanted: str, hint: str = "") -> SamplingError:
    """The error of an argument that is not what is wanted."""
    return SamplingError(origin=ORIGIN, what=f"{name}={shortened(value)} is not {wanted}", hint=hint)


def whole(name: str, value: object, least: int, most: int | None = MOST) -> int:
    """A whole number from `least` to `most`."""
    wanted = f"a whole number of at least {least}" + ("" if most is None else f", and at most {most:,}")
    if isinstance(value, bool):
        raise refused(name, value, wanted)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise refused(name, value, wanted) from None
    if number < least or (most is not None and number > most):
        raise refused(name, value, wanted)
    return number


def real(name: str, value: object, wanted: str = "a finite number") -> float:
    """A finite number."""
    try:
        number = float("nan") if isinstance(value, bool | str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise refused(name, value, wanted) from None
    if not math.isfinite(number):
        raise refused(name, value, wanted)
    return number


def positive(name: str, value: object) -> float:
    """A finite number above 0."""
    wanted = "a finite number above 0"
    number = real(name, value, wanted)
    if number <= 0:
        raise refused(name, value, wanted)
    return number


def fraction(name: str, value: object) -> float:
    """A number above 0 and below 1."""
    wanted = "a number above 0 and below 1"
    number = real(name, value, wanted)
    if not 0 < number < 1:
        raise refused(name, value, wanted)
    return number


def one_of(name: str, value: object, known: Collection[str]) -> str:
    """One of the known words."""
    if not isinstance(value, str) or value not in known:
        near = did_you_mean(value, known) if isinstance(value, str) else ""
        raise refused(name, value, f"one of {', '.join(sorted(known))}{near}")
    return value


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise refused(name, value, "True or False")
    return value


def sequence(name: str, value: object, *, rising: bool) -> tuple[float, ...]:
    """Finite numbers above 0, each above the one before it (`rising`), or each below it."""
    order = "rising" if rising else "falling"
    wanted = f"a {order} sequence of finite numbers above 0"
    hint = f"smgen.sampling.geometric({'1, 64, 8' if rising else '1, 0.01, 10'})"
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise refused(name, value, wanted, hint)
    try:
        items = list(value)
    except TypeError:  # a NumPy scalar
        raise refused(name, value, wanted, hint) from None
    numbers = tuple(positive(f"{name}[{i}]", item) for i, item in enumerate(items))
    steps = [after - before for before, after in pairwise(numbers)]
    if not numbers or any((step <= 0) if rising else (step >= 0) for step in steps):
        raise refused(name, value, wanted, hint)
    return numbers


def settle(record: object, **values: object) -> None:
    """Write checked values into a frozen record; for its `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def geometric(first: float, last: float, count: int) -> tuple[float, ...]:
    """`count` numbers from `first` to `last`, each the same multiple of the one before it.

    For `temperatures`, rising from 1, and for `sigmas`, falling.
    """
    first, last, count = positive("first", first), positive("last", last), whole("count", count, 2)
    ratio = math.log(last / first) / (count - 1)
    return (first, *(first * math.exp(ratio * i) for i in range(1, count - 1)), last)
