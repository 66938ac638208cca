"""Sums of expressions of E, δ, δ′ and x, with a weight for each entry, and their derivatives by parameters and x."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import (
    Array,
    Batch,
    Given,
    Gradient,
    Spec,
    _derivatives,
    _gradient,
    along,
    constants,
    diagonal_recursion,
    energy_number,
    variables,
)
from .arithmetic import Dual, Number, sum_of_lanes, total, value_of
from .sums import Params

Formula: TypeAlias = Callable[..., Number]
"""ℓ of δ, δ′, x and arrays that come with the data, for one entry of x; lanes are samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A network at parameters and samples. `arrays` are (N, D), for the formula, by name."""

    spec: Spec
    params: Params
    x: Array
    given: Given
    exact: bool
    arrays: Mapping[str, Array]

    def of_samples(self, formula: Formula) -> Array:
        """Σ_d ℓ of each sample, (N,)."""
        delta, delta_prime = _derivatives(self.spec, self.params, self.x, self.given, self.exact, False)
        return np.asarray(np.sum(self._entries(formula, delta, delta_prime), axis=1))

    def _entries(self, formula: Formula, delta: list[Number], delta_prime: list[Number]) -> Array:
        N, D = self.x.shape
        values = self._numbers(formula, delta, delta_prime)
        if self.exact:
            return np.broadcast_to(value_of(values[0]), (N * D,)).reshape(N, D)
        return np.stack([np.broadcast_to(value_of(value), (N,)) for value in values], axis=1)

    def _numbers(self, formula: Formula, delta: list[Number], delta_prime: list[Number], x: Any = None) -> list[Number]:
        """ℓ, one number for all entries with lanes for these, or one for each d."""
        if self.exact:
            arrays = {name: np.ravel(array) for name, array in self.arrays.items()}
            own = np.ravel(self.x) if x is None else x
            return [formula(delta[0], delta_prime[0], own, **arrays)]
        found = []
        for d, (first, second) in enumerate(zip(delta, delta_prime, strict=True)):
            arrays = {name: array[:, d] for name, array in self.arrays.items()}
            found.append(formula(first, second, self.x[:, d] if x is None else x[d], **arrays))
        return found

    def total(self, formula: Formula) -> tuple[float, Gradient]:
        """Σ_n Σ_d ℓ and its gradient by the parameters."""
        values = self._numbers(formula, *_derivatives(self.spec, self.params, self.x, self.given, self.exact, True))
        N, D = self.x.shape
        summed = sum_of_lanes(total(values), N * D if self.exact else N)
        return value_of(summed), _gradient(summed, self.params)

    def by_x(self, formula: Formula) -> Array:
        """∂/∂x of Σ_n Σ_d ℓ, (N, D)."""
        N, D = self.x.shape
        batch = Batch.of(constants(self.params), self.x, self.given, each_axis=self.exact)
        dual = [Dual(x_j, axis[:, None]) for x_j, axis in zip(batch.x, np.eye(D), strict=True)]
        if not self.exact:
            values = self._numbers(formula, *diagonal_recursion(self.spec, batch.params, dual), dual)
            summed = total(values)
            slopes = summed.derivative if isinstance(summed, Dual) else np.zeros((D, N))
            return np.array(np.broadcast_to(slopes, (D, N)).T)
        _, delta, delta_prime = along(self.spec, batch.params, dual, batch.axes, order=2)
        lanes = np.arange(N * D) % D
        lane: Any = np.ravel(self.x)
        own = Dual(lane, (lanes == np.arange(D)[:, None]).astype(float))
        (value,) = self._numbers(formula, [delta], [delta_prime], own)
        slopes = value.derivative if isinstance(value, Dual) else np.zeros((D, N * D))
        return np.array(np.broadcast_to(slopes, (D, N * D)).reshape(D, N, D).sum(axis=2).T)

    def energy(self, weights: npt.ArrayLike) -> tuple[float, Gradient]:
        """Σ_n w_n E_n and its gradient."""
        batch = Batch.of(variables(self.params), self.x, self.given)
        factors: Any = np.asarray(weights)
        summed = sum_of_lanes(energy_number(self.spec, batch.params, batch.x) * factors, batch.lanes)
        return value_of(summed), _gradient(summed, self.params)
