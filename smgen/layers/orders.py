"""Orders of axes: a value has its axes in memory as they are written, or as most layers that read it want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Order: TypeAlias = tuple[int, ...]
"""The axes of a shape in the order in which they lie in memory: (1, 2, 0) for an image whose channels come last."""


def plain(shape: Sequence[object]) -> Order:
    """The order in which axes lie in memory as they are written."""
    return tuple(range(len(shape)))


def channels_last(shape: Sequence[object]) -> Order:
    """The order of an image, (C, H, W) → (H, W, C)."""
    return (*range(1, len(shape)), 0)


def most_common(shape: Sequence[object], below: Mapping[str, Order]) -> Order:
    """The order that most inputs of a vertex of this shape have; of equals one that is not as written."""
    known, written = list(below.values()), plain(shape)
    return max(known, key=lambda order: (known.count(order), order != written), default=written)
