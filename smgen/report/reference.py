"""The reference of `smgen check`: the definitions, with mpmath's derivatives of the functions as the user wrote them.

It is slow, and meant for a few samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from types import MappingProxyType
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from smgen.calculus.primitives import references
from smgen.network import Network
from smgen.report.definitions import Array, Samples


@dataclass(frozen=True, slots=True)
class Reference:
    """Values of one sample: E, δ at the input, δ′ by the recursion, and the true Hessian, (D, D)."""

    energy: float
    delta: Array
    recursion: Array
    hessian: Array

    @property
    def diagonal(self) -> Array:
        """The true δ′."""
        return np.diagonal(self.hessian)


def evaluate(
    network: Network, params: Mapping[str, Any], x: Array, conditions: Mapping[str, Array] = MappingProxyType({})
) -> Reference:
    """Evaluate `network` at one sample x, (D,), with its conditions, in float64."""
    given = {name: np.reshape(value, (1, -1)) for name, value in conditions.items()}
    sample = Samples(network, params, x[np.newaxis], _differentiate, given)
    x_name = network.input.name
    return Reference(
        energy=float(sample.energy[0]),
        delta=sample.delta[x_name][0],
        recursion=sample.prime[x_name][0],
        hessian=sample.hessian(network.input)[0],
    )


def _differentiate(expr: sp.Expr, values: Mapping[sp.Symbol, Array], by: tuple[sp.Symbol, ...]) -> Array:
    """An expression as written, or its derivative, by mpmath's differentiation at 40 digits."""
    symbols = tuple(values)
    orders = tuple(by.count(symbol) for symbol in symbols)
    with mpmath.workdps(40):
        f = _function(expr, symbols)
        points = zip(*(array.ravel() for array in values.values()), strict=True)
        slopes = [_slope(f, tuple(map(float, point)), orders) for point in points]
    return np.array(slopes).reshape(next(iter(values.values())).shape)


@lru_cache(maxsize=64)
def _function(expr: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    function: Callable[..., Any] = sp.lambdify(symbols, expr, [references(), "mpmath"])
    return function


def _slope(f: Callable[..., Any], point: tuple[float, ...], orders: tuple[int, ...]) -> float:
    """The derivative at a point; NaN where its argument has overflowed, or the function has no derivative."""
    if not all(map(isfinite, point)):
        return nan
    place = tuple(map(mpmath.mpf, point))
    slope = mpmath.diff(f, place[0], orders[0]) if len(place) == 1 else mpmath.diff(f, place, orders)
    return nan if isinstance(slope, mpmath.mpc) else float(slope)
