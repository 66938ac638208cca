"""Calls of a model's functions: in blocks, in its dtype, with results that are checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from smgen.density import Density
from smgen.errors import counted, shortened
from smgen.evaluation.arguments import Array
from smgen.evaluation.errors import EvaluationError

BLOCK: Final = 16_384
"""The most rows in a call."""


def checked(origin: str, density: object) -> Density:
    """The density, if it is one."""
    if not isinstance(density, Density):
        hint = "give a Density, of smgen.density, with energy and score on rows"
        raise EvaluationError(origin=origin, what=f"is {shortened(density)}", hint=hint)
    return density


def energies(density: Density, x: Array, origin: str) -> Array:
    """E of x (N, D) as float64, (N,). +∞ is a density of 0; NaN and −∞ are refused."""
    result = _in_blocks(density.energy, density, x, (len(x),), f"{origin}: energy")
    bad = np.isnan(result) | np.isneginf(result)
    if bad.any():
        row = int(bad.argmax())
        raise EvaluationError(
            origin=f"{origin}: energy",
            what=f"is {result[row]} for {counted(int(bad.sum()), 'point')}, first at x = {shortened(x[row].tolist())}",
            hint="exp(−E) is no density there: choose narrower bounds, or look for an overflow in the network",
        )
    return result


def scores(density: Density, x: Array, origin: str) -> Array:
    """−∂E/∂x at x (N, D) as float64, (N, D), finite."""
    result = _in_blocks(density.score, density, x, x.shape, f"{origin}: score")
    bad = ~np.isfinite(result).all(axis=1)
    if bad.any():
        raise EvaluationError(
            origin=f"{origin}: score",
            what=f"is not finite for {counted(int(bad.sum()), 'sample')}, first for row {int(bad.argmax())}",
            hint="look for an overflow in the network at these samples",
        )
    return result


def _in_blocks(
    function: Callable[[Any], Any], density: Density, x: Array, shape: tuple[int, ...], origin: str
) -> Array:
    result = np.empty(shape)
    for start in range(0, len(x), BLOCK):
        block = result[start : start + BLOCK]
        with np.errstate(over="ignore"):
            returned = np.asarray(function(x[start : start + BLOCK].astype(density.dtype)))
        if returned.shape != block.shape:
            hint = "on x (N, D), energy returns (N,) and score (N, D)"
            what = f"returned shape {returned.shape}, not {block.shape}"
            raise EvaluationError(origin=origin, what=what, hint=hint)
        block[...] = returned
    return result
