"""Boxes with a Gauss–Legendre rule on each: integrals of exp(−E) in logarithms, and how boxes are halved."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.density import Density
from smgen.evaluation import calls
from smgen.evaluation.arguments import Array

ORDER: Final = {1: 8, 2: 8, 3: 5}
"""The nodes of the rule along each axis, by dimension: degree 2 · nodes − 1 is exact."""

FIRST: Final = {1: 16, 2: 8, 3: 6}
"""The cells along each axis to start from, by dimension."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A tensor rule on [0, 1]^D: ∫ f ≈ Σ_q w_q f(u_q)."""

    nodes: Array  # u, (Q, D)
    log_weights: Array  # log w, (Q,)

    @classmethod
    def gauss_legendre(cls, dimension: int) -> Rule:
        """The product of Gauss–Legendre rules with `ORDER` nodes."""
        nodes, weights = np.polynomial.legendre.leggauss(ORDER[dimension])
        points = np.array(list(product((nodes + 1) / 2, repeat=dimension)))
        logs = np.array(list(product(np.log(weights / 2), repeat=dimension)))
        return cls(points, logs.sum(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """M boxes."""

    low: Array  # the corners, (M, D)
    width: Array  # (M, D)
    log_mass: Array  # log ∫ exp(−E) over each, (M,), −∞ where E = ∞
    log_peak: Array  # the largest −E at a node, (M,)

    @property
    def centre(self) -> Array:
        """The middles, (M, D)."""
        return np.asarray(self.low + self.width / 2)

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> Cells:
        return Cells(
            low=self.low[chosen],
            width=self.width[chosen],
            log_mass=self.log_mass[chosen],
            log_peak=self.log_peak[chosen],
        )

    def __add__(self, other: Cells) -> Cells:
        return Cells(
            low=np.concatenate([self.low, other.low]),
            width=np.concatenate([self.width, other.width]),
            log_mass=np.concatenate([self.log_mass, other.log_mass]),
            log_peak=np.concatenate([self.log_peak, other.log_peak]),
        )


def measured(density: Density, rule: Rule, low: Array, width: Array, origin: str) -> Cells:
    """The cells with these corners and widths, (M, D)."""
    log_mass, log_peak = np.empty(len(low)), np.empty(len(low))
    log_volume = np.log(width).sum(axis=1)
    at_a_time = max(1, calls.BLOCK // len(rule.nodes))
    for start in range(0, len(low), at_a_time):
        block = slice(start, start + at_a_time)
        points = low[block, None] + width[block, None] * rule.nodes
        heights = -calls.energies(density, points.reshape(-1, low.shape[1]), origin).reshape(points.shape[:2])
        log_peak[block] = heights.max(axis=1)
        log_mass[block] = log_sum(heights + rule.log_weights) + log_volume[block]
    return Cells(low=low, width=width, log_mass=log_mass, log_peak=log_peak)


def grid(density: Density, rule: Rule, low: Array, high: Array, origin: str) -> Cells:
    """The box from low to high, (D,), cut into `FIRST` cells along each axis."""
    dimension = len(low)
    width = (high - low) / FIRST[dimension]
    places = np.array(list(product(range(FIRST[dimension]), repeat=dimension)))
    return measured(density, rule, low + places * width, np.broadcast_to(width, places.shape), origin)


def halved(density: Density, rule: Rule, parents: Cells, origin: str) -> tuple[Cells, Array]:
    """The 2^D children of each parent, one parent after the other, and the logarithm of each child's error.

    The error of a parent is |∫ − Σ ∫ over children|; each child is charged with an equal part of it. Where E is smooth
    the children's own errors are far smaller.
    """
    dimension = parents.low.shape[1]
    corners = np.array(list(product((0.0, 0.5), repeat=dimension)))
    low = (parents.low[:, None] + parents.width[:, None] * corners).reshape(-1, dimension)
    width = np.repeat(parents.width / 2, len(corners), axis=0)
    children = measured(density, rule, low, width, origin)
    log_sums = log_sum(children.log_mass.reshape(-1, len(corners)))
    larger = np.maximum(parents.log_mass, log_sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = larger + np.log(-np.expm1(-np.abs(parents.log_mass - log_sums)))
    difference = np.where(np.isneginf(larger), -np.inf, difference)
    return children, np.repeat(difference - np.log(len(corners)), len(corners))


def log_sum(terms: Array) -> Array:
    """log Σ exp over the last axis; −∞ for terms of −∞."""
    largest = terms.max(axis=-1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(terms - shift).sum(axis=-1)) + shift[..., 0])
