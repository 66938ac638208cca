"""How axes are cut into pieces, when a reshape makes one axis of several or several of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from math import prod
from operator import mul
from typing import TypeAlias

Sizes: TypeAlias = tuple[int, ...]


def refined(a: Sizes, b: Sizes) -> Sizes | None:
    """The pieces of which both rows of pieces consist, (2, 6) and (4, 3) → (2, 2, 3); None where they do not fit."""
    ends = sorted({1, *_ends(a), *_ends(b)})
    if any(last % first for first, last in pairwise(ends)):
        return None
    return tuple(last // first for first, last in pairwise(ends))


def stretches(old: Sizes, new: Sizes) -> Iterator[tuple[Sizes, Sizes]]:
    """The shortest stretches of both rows that have equal numbers of places, in order. No length is one."""
    common = [0, *(end for end in _ends(old) if end in set(_ends(new)))]
    for first, last in pairwise(common):
        parts = (tuple(n for n, end in zip(row, _ends(row), strict=True) if first < end <= last) for row in (old, new))
        yield next(parts), next(parts)


def grouped(pieces: Sizes, shape: Sizes) -> tuple[Sizes, ...]:
    """The pieces of each axis of a shape."""
    groups, at = list[Sizes](), 0
    for size in shape:
        start = at
        while at < len(pieces) and prod(pieces[start:at]) < size:
            at += 1
        groups.append(pieces[start:at])
    return tuple(groups)


def _ends(row: Sizes) -> list[int]:
    """The number of places up to the end of each piece."""
    return list(accumulate(row, mul))
