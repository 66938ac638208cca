"""Random networks of up to thirty nodes, from a seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

import smgen as sm
from smgen.network import Network
from tests import dags
from tests.dags import T

FUNCTIONS = (
    sm.tanh, sm.softplus, sm.sigmoid, sm.logcosh, sm.silu, sm.sin, sm.cos, sm.atan, sm.student_t, sm.pseudo_huber,
    sm.erf, sm.gelu,
    lambda h: sm.pointwise(h, lambda g: sympy.log(1 + sympy.exp(g / 2))),
    lambda h: sm.pointwise(h, lambda g: g / (1 + g**2)),
    lambda h: sm.pointwise(h, lambda g: sympy.exp(-(g**2) / 2)),
    lambda h: sm.pointwise(h, lambda g: sympy.Rational(1, 3) * g + 1),
)  # fmt: skip
"""Bounded or growing slowly: thirty of them on each other stay in range."""


@dataclass(frozen=True)
class Seeded:
    """A generator decides."""

    rng: np.random.Generator

    def one_of(self, things: Sequence[T]) -> T:
        return things[self.whole(0, len(things) - 1)]

    def whole(self, least: int, most: int) -> int:
        return int(self.rng.integers(least, most + 1))

    def yes(self) -> bool:
        return bool(self.rng.integers(2))

    def one_or_two_of(self, things: Sequence[T]) -> list[T]:
        return [self.one_of(things) for _ in range(self.whole(1, 2))]


def random_network(rng: np.random.Generator, most: int = 30) -> Network:
    """Every kind of node, in any order."""
    return dags.random_network(Seeded(rng), most, FUNCTIONS)
