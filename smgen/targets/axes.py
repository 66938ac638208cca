"""The axes of a permutation, as few as there can be."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod


def shortest(sizes: Sequence[int], order: Sequence[int]) -> tuple[list[int], list[int]]:
    """The axes of the result, and how far apart their places are in the source; axes that stay together are one."""
    lengths, steps = list[int](), list[int]()
    for axis in order:
        size, step = sizes[axis], prod(sizes[axis + 1 :])
        if size == 1:
            continue
        if lengths and steps[-1] == size * step:
            lengths[-1], steps[-1] = lengths[-1] * size, step
        else:
            lengths.append(size)
            steps.append(step)
    return lengths or [1], steps or [1]
