"""What a method is handed, what it returns, and what every method states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from smgen.density import Array, Density
from smgen.errors import shortened
from smgen.sampling.box import Box, Floats
from smgen.sampling.checks import ORIGIN
from smgen.sampling.errors import SamplingError

Progress = Callable[[int, int], object]
"""Called as progress(done, total), in transitions of all chains."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Draw `draws` times from each chain. `densities` is one, or one for each noise level; `start` is (chains, D)."""

    densities: tuple[Density, ...]
    draws: int
    start: Floats
    box: Box
    rng: np.random.Generator
    progress: Progress | None = None

    def kept(self) -> Array:
        """An array (chains, draws, D) for the draws, in the density's dtype."""
        chains, dimension = self.start.shape
        try:
            return np.empty((chains, self.draws, dimension), self.densities[0].dtype)
        except (MemoryError, ValueError) as error:
            raise SamplingError(
                origin=ORIGIN,
                what=f"no memory for {chains:,} chains × {self.draws:,} draws × {dimension:,} coordinates",
                hint="draw fewer samples",
            ) from error


@dataclass(frozen=True, slots=True)
class Rung:
    """One temperature: how often proposals were accepted, the step, and how often swaps with the next one were."""

    temperature: float
    acceptance: float
    step_size: float
    swap_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What a method returns: the draws (chains, draws, D), and how they were obtained."""

    chains: Array
    acceptance: float | None
    step_size: float
    ladder: tuple[Rung, ...] = ()
    failures: int = 0
    proposals: int = 0


class Method(Protocol):
    """A frozen record of a method's settings, which checks them and runs the method."""

    NAME: ClassVar[str]
    ONE_DRAW: ClassVar[bool]
    """Whether every chain yields one sample."""

    @property
    def start_scale(self) -> float:
        """The standard deviation of noise to start from."""

    def densities(self, density: object) -> tuple[Density, ...]:
        """The densities to sample: `density` itself, or one for each noise level."""

    def run(self, problem: Problem) -> Run:
        """Sample."""


class Ticker:
    """Counts transitions and tells the user's callback."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def tick(self) -> None:
        """One transition of all chains is done."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def one_density(density: object) -> tuple[Density]:
    """The density, checked: a `Density` of at least one dimension, in float32 or float64."""
    if not isinstance(density, Density):
        hint = "method='annealed' takes a function of sigma" if callable(density) else "pass a smgen.density.Density"
        raise SamplingError(origin=ORIGIN, what=f"density={shortened(density)} is not a Density", hint=hint)
    try:
        dtype = np.dtype(density.dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise SamplingError(
            origin=ORIGIN,
            what=f"the density's dtype is {shortened(density.dtype)}",
            hint="Density(…, dtype=np.float32), or np.float64",
        )
    dimension: object = density.dimension
    if isinstance(dimension, bool) or not isinstance(dimension, int | np.integer) or dimension < 1:
        raise SamplingError(
            origin=ORIGIN,
            what=f"the density's dimension is {shortened(density.dimension)}",
            hint="Density(dimension=D, …) with a whole number D of at least 1",
        )
    return (density,)
