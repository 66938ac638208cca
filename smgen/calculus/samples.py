"""Sample points of functions of several operands: sizes and signs in all mixtures, and operands near each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from smgen.calculus.intervals import LEAST, Interval

Array: TypeAlias = npt.NDArray[Any]

SIZES: Final = (1e-6, 1e-2, 0.4, 1.3, 3.7, 17.0, 120.0, 1e4)
ALIKE: Final = (0.4, 3.7, 120.0)
"""Sizes at which operands are equal or opposite, exactly or almost."""
GENERIC: Final = (0.7310585, 1.2247449, 0.5671433, 1.6180340, 0.9159656)
"""Numbers without relations, in which nothing cancels by chance."""


@lru_cache(maxsize=256)
def design(domains: tuple[Interval, ...], count: int) -> Array:
    """About `count` points within the domains, one a row. The choice is deterministic."""
    choices = [_levels(domain) for domain in domains]
    rng = np.random.default_rng(0)
    if len(domains) <= 2:
        mixed = np.array(list(product(*choices)))
        mixed = mixed[rng.permutation(len(mixed))[:count]]
    else:
        mixed = np.stack([rng.choice(levels, count) for levels in choices], axis=1)
    return np.unique(within(np.concatenate([mixed, _special(len(domains))]), domains), axis=0)


def within(places: Array, domains: Sequence[Interval]) -> Array:
    """The points, with each number clipped to its domain."""
    low = [max(SIZES[0], d[0]) if d[0] == LEAST else d[0] for d in domains]
    high = [min(-SIZES[0], d[1]) if d[1] == -LEAST else d[1] for d in domains]
    return np.clip(places, low, high)


def inside(domain: Interval, n: int = 0) -> float:
    """The n-th of several generic numbers in the domain."""
    low, high = domain
    number = GENERIC[n % len(GENERIC)]
    if low <= number <= high:
        return number
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) * (number / 2)
    return low + number if np.isfinite(low) else high - number


def _levels(domain: Interval) -> list[float]:
    """The ends of the domain, and the sizes of both signs, from 0 and from the ends, that lie in it."""
    low, high = domain
    numbers = {0.0, *SIZES, *(-size for size in SIZES)}
    numbers |= {low, *(low + size for size in SIZES)} if np.isfinite(low) and abs(low) != LEAST else set()
    numbers |= {high, *(high - size for size in SIZES)} if np.isfinite(high) and abs(high) != LEAST else set()
    return sorted(number for number in numbers if low <= number <= high)


def _special(operands: int) -> Array:
    """0, points with one operand that is not 0, and points with equal or opposite operands, exactly or almost."""
    rows = [np.zeros(operands), *np.eye(operands)[:8], *-np.eye(operands)[:8]]
    apart, signs = 1 + 1e-3 * np.arange(operands), (-1.0) ** np.arange(operands)
    for size in ALIKE:
        rows += [
            size * pattern for pattern in (np.ones(operands), -np.ones(operands), signs, -signs, apart, signs * apart)
        ]
    return np.stack(rows)
