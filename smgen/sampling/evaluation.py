"""A density's functions on float64 positions: what is handed to the density, and what comes back."""

from __future__ import annotations

import numpy as np

from smgen.density import Array, Density
from smgen.errors import shortened
from smgen.sampling.box import Floats
from smgen.sampling.checks import ORIGIN
from smgen.sampling.errors import SamplingError


class Evaluator:
    """E(x) and −∂E/∂x of positions (…, D), handed over C-contiguous in the density's dtype.

    The density sees one array (N, D) in all calls. Its results are copied, so it may return the same arrays each time.
    Overflow and invalid operations within the density raise no NumPy warnings: the samplers look at the results.
    """

    def __init__(self, density: Density) -> None:
        self.density = density
        self._rows: Array = np.empty((0, density.dimension), density.dtype)

    def energy_and_score(self, x: Floats, energy: Floats, score: Floats) -> None:
        """Write E(x) to `energy` (…) and −∂E/∂x to `score` (…, D), both float64."""
        with np.errstate(all="ignore"):
            rows = self._handed(x)
            energies, scores = self.density.energy_and_score(rows)
            np.copyto(energy.reshape(-1), _checked("energy", energies, (len(rows),)))
            np.copyto(score.reshape(rows.shape), _checked("score", scores, rows.shape))

    def score(self, x: Floats, score: Floats) -> None:
        """Write −∂E/∂x to `score` (…, D), float64."""
        with np.errstate(all="ignore"):
            rows = self._handed(x)
            np.copyto(score.reshape(rows.shape), _checked("score", self.density.score(rows), rows.shape))

    def _handed(self, x: Floats) -> Array:
        """The positions as an array (N, D) of the density's dtype."""
        shape = (x.size // self.density.dimension, self.density.dimension)
        if self._rows.shape != shape:
            self._rows = np.empty(shape, self.density.dtype)
        np.copyto(self._rows, x.reshape(shape), casting="same_kind")
        return self._rows


def _checked(name: str, result: object, shape: tuple[int, ...]) -> Array:
    """What the density returned, if it is an array of real numbers with the right shape."""
    if isinstance(result, np.ndarray) and result.shape == shape and result.dtype.kind == "f":
        return result
    returned = (
        f"an array {result.shape} of {result.dtype}" if isinstance(result, np.ndarray) else f"{shortened(result)}"
    )
    raise SamplingError(
        origin=ORIGIN,
        what=f"the density's {name} returned {returned} for {shape[0]} positions",
        hint=f"return an array {shape} of floating-point numbers: E is (N,), its score (N, D)",
    )
