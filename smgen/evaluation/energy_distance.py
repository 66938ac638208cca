"""Whether two sets of samples have one distribution: the energy distance, with a permutation test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from smgen.errors import counted
from smgen.evaluation.arguments import Array, generator, rows, whole
from smgen.evaluation.errors import EvaluationError

MOST: Final = 2_000
"""The most samples of each set that are compared; of more, a random choice."""

BLOCK: Final = 512
"""The rows of the distance matrix that are held at a time."""

TIES: Final = 1e-12
"""Statistics that differ by less than this part of the mean distance are equal: sums are rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyDistance:
    """The energy distance of two sets of samples, and how likely one as large is if they have one distribution."""

    distance: float  # 2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖, at least 0, over all pairs (a V-statistic)
    coefficient: float  # that over 2 E‖X − Y‖: from 0, the same samples, to 1
    p_value: float  # the share of permutations with a distance as large, the samples' own order among them
    permutations: int
    samples: tuple[int, int]  # how many of x and of y were compared


def energy_distance_test(
    x: object, y: object, permutations: int = 999, seed: Any = 0, *, most: int = MOST
) -> EnergyDistance:
    """The two-sample test of Székely and Rizzo (2004, 2013) on x (N, D) and y (M, D), by permutation.

    The distance is 0 if and only if the distributions are equal, and its p-value is uniform then, whatever the
    distribution, if samples are independent. Coordinates count by their size: scale them first. Of more than `most`
    rows of a set, so many are chosen at random. `seed` is a number or a Generator.

    With D the distances of all n = N + M rows, and a the 0/1 vector of the rows that a permutation calls x, all sums
    follow from aᵀDa and aᵀD1: each block of rows of D is computed once, and multiplied with all a at a time. That
    takes O(n² (dimension + permutations)) operations, and memory for n × permutations numbers.
    """
    first = rows("energy_distance_test(x)", x, least=2)
    second = rows("energy_distance_test(y)", y, columns=first.shape[1], least=2)
    count = whole("energy_distance_test(permutations)", permutations, least=1)
    limit = whole("energy_distance_test(most)", most, least=2)
    random = generator("energy_distance_test(seed)", seed)
    first, second = (s if len(s) <= limit else s[random.choice(len(s), limit, replace=False)] for s in (first, second))
    both = np.concatenate([first, second])
    both -= both.mean(axis=0)
    spread = float(np.abs(both).max())
    if spread == 0:
        what = f"all {counted(len(both), 'sample')} are equal"
        raise EvaluationError(origin="energy_distance_test", what=what, hint="there is nothing to compare")
    labels = np.zeros((len(both), count + 1))
    labels[: len(first), 0] = 1.0
    for k in range(1, count + 1):
        labels[random.permutation(len(both))[: len(first)], k] = 1.0
    distance, between = _statistics(both / spread, labels)
    as_large = distance[1:] >= distance[0] - TIES * between
    return EnergyDistance(
        distance=float(max(distance[0], 0.0)) * spread,
        coefficient=float(max(distance[0], 0.0) / (2 * between)),
        p_value=(1 + int(as_large.sum())) / (count + 1),
        permutations=count,
        samples=(len(first), len(second)),
    )


def _statistics(points: Array, labels: Array) -> tuple[Array, float]:
    """The energy distance for each column of labels (n, P), (P,), and E‖X − Y‖ for the first."""
    within, across = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])  # aᵀDa, aᵀD1
    total, squares = 0.0, (points**2).sum(axis=1)
    for start in range(0, len(points), BLOCK):
        block = slice(start, start + BLOCK)
        distances = squares[block, None] + squares - 2 * points[block] @ points.T
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        own = np.arange(len(distances))
        distances[own, start + own] = 0.0
        sums = distances.sum(axis=1)
        total += float(sums.sum())
        across += sums @ labels[block]
        within += ((distances @ labels) * labels[block]).sum(axis=0)
    n = float(labels[:, 0].sum())
    m = len(points) - n
    between = (across - within) / (n * m)
    return 2 * between - within / n**2 - (total - 2 * across + within) / m**2, float(between[0])
