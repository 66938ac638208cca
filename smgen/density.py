"""What samplers and evaluation need of a model: its energy and its score on rows of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """The density exp(−E(x)) / Z on R^D, Z unknown, given by functions of arrays x (N, D) of `dtype`.

    `energy` returns E(x), (N,), `score` −∂E/∂x, (N, D). `fused` returns both, where that costs less than the two.
    """

    dimension: int
    energy: Callable[[Array], Array]
    score: Callable[[Array], Array]
    fused: Callable[[Array], tuple[Array, Array]] | None = None
    dtype: Any = np.float64

    def energy_and_score(self, x: Array) -> tuple[Array, Array]:
        """E(x), (N,), and −∂E/∂x, (N, D)."""
        return (self.energy(x), self.score(x)) if self.fused is None else self.fused(x)
