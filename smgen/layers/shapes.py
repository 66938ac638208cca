"""Checks of shapes, axes and sizes that users give."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Final

from smgen.errors import NetworkError, shortened
from smgen.layers.nodes import MOST_NUMBERS, Node

MOST_PLACES: Final = 2**22
"""What is done along an axis is written down place by place."""


def whole_numbers(value: object) -> tuple[int, ...] | None:
    """A whole number, or several, as a tuple; None for anything else."""
    several = value if isinstance(value, tuple | list) else (value,)
    if any(isinstance(size, bool) for size in several):
        return None
    try:
        return tuple(map(operator.index, several))
    except Exception:
        return None


def shape_of(shape: object, origin: str, what: str, hint: str) -> tuple[int, ...]:
    """The shape, a whole number or several, each at least 1. Raises `NetworkError` for anything else."""
    sizes = whole_numbers(shape)
    if not sizes or min(sizes) < 1:
        raise NetworkError(origin=origin, what=f"{what} whole numbers of at least 1; got {shortened(shape)}", hint=hint)
    return sizes


def numbers_for(
    argument: str, value: object, count: int, origin: str, *, least: int, hint: str, function: str
) -> tuple[int, ...]:
    """A number for each of `count` axes; one number is that of all. Raises `NetworkError` for anything else."""
    numbers = whole_numbers(value)
    if numbers is not None and len(numbers) == 1:
        numbers *= count
    if numbers is not None and max(numbers, default=0) > MOST_NUMBERS:
        raise NetworkError(origin=origin, what=f"sm.{function}: {argument} is at most {MOST_NUMBERS:,}", hint=hint)
    if numbers is None or len(numbers) != count or min(numbers) < least:
        each = f"or one for each of {count} axes" if count > 1 else "for its one axis"
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes a whole number of at least {least} as {argument}, {each}; "
            f"got {argument}={shortened(value)}",
            hint=hint,
        )
    return numbers


def number_for(argument: str, value: object, origin: str, *, hint: str, function: str) -> int:
    """A whole number of at least 1. Raises `NetworkError` for anything else."""
    numbers = whole_numbers(value)
    if numbers is None or isinstance(value, tuple | list) or numbers[0] < 1:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes a whole number of at least 1 as {argument}; got {argument}={shortened(value)}",
            hint=hint,
        )
    return numbers[0]


def axes_of(value: object, node: Node, origin: str, function: str) -> tuple[int, ...]:
    """The axes of a node that a user means, each counted from 0; −1 is the last, None all of them.

    Raises `NetworkError` for axes that the node lacks, and for one that is named twice.
    """
    rank = len(node.shape)
    axes = tuple(range(rank)) if value is None else whole_numbers(value)
    if not axes or not all(-rank <= axis < rank for axis in axes):
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes axes from {-rank} to {rank - 1} for {node}; got {shortened(value)}",
            hint="axes are counted without the batch: (C, H, W) has the axes 0, 1 and 2, or −3, −2 and −1",
        )
    counted = tuple(axis % rank for axis in axes)
    if len(set(counted)) < len(counted):
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes each axis of {node} once; got {shortened(value)}",
            hint="leave one out",
        )
    return counted


def check_length(size: int, axis: int, node: Node, origin: str, function: str) -> None:
    """Raise `NetworkError` if a matrix along an axis would have more than `MOST_PLACES` rows or columns."""
    if size > MOST_PLACES:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function}: {size:,} places on axis {axis} of {node} are too many",
            hint=f"at most {MOST_PLACES:,}: what is done along an axis is written down place by place",
        )


def image_of(node: Node, axes: int, origin: str, function: str) -> tuple[int, ...]:
    """The axes after the channels. Raises `NetworkError` unless the node has channels and so many axes."""
    if len(node.shape) != axes + 1:
        letters = ("", "(C, L)", "(C, H, W)")[axes]
        raise NetworkError(
            origin=origin,
            what=f"sm.{function} takes a node of shape {letters}; got {node}",
            hint=f"sm.input({letters}) makes one, sm.reshape(h, {letters}) another",
        )
    return node.shape[1:]


def listed(sizes: Sequence[int]) -> str:
    """Sizes as people write them: 3 × 3."""
    return " × ".join(map(str, sizes))
