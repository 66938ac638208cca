"""A random case of `smgen check`: what a module is given, and the definitions at its first samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Final

import numpy as np

from smgen.errors import BuildError
from smgen.hessians import MODES, Mode, Truth
from smgen.network import Network
from smgen.objectives import Objective, chosen_objectives
from smgen.report.definitions import Array
from smgen.report.reference import Reference, evaluate

SAMPLES: Final = 3
"""The samples whose values are compared with the definitions."""
MEMORY: Final = 1 << 31
"""The most bytes that the matrices of the definitions may take."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Parameters, samples and what is given with them, as the module has them."""

    network: Network
    module: ModuleType
    params: dict[str, Any]
    x: Any
    given: Mapping[str, Any]

    @property
    def mode(self) -> Mode:
        """The hessian mode."""
        return MODES[self.module.METADATA["hessian"]]

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives of the module's losses."""
        return chosen_objectives(self.module.METADATA.get("objective", "hyvarinen"))

    @property
    def lam(self) -> float:
        """A weight of the regulariser that the module takes: with a single probe, 0 alone."""
        return 0.0 if self.module.METADATA.get("probes") == 1 else 0.1

    def first(self, name: str) -> Any:
        """What is given of this name, for the samples that are compared."""
        found = self.given[name]
        return {key: value[:SAMPLES] for key, value in found.items()} if isinstance(found, dict) else found[:SAMPLES]

    def host(self, name: str) -> Array:
        """The same as float64 numbers."""
        return np.asarray(self.module._asnumpy(self.first(name)), np.float64)

    @cached_property
    def samples(self) -> Array:
        """x in float64."""
        return np.asarray(self.module._asnumpy(self.x)[:SAMPLES], np.float64)

    def references(self, at: Array, conditions: Mapping[str, Any] | None = None) -> list[Reference]:
        """The definitions at samples, with their conditions."""
        own = self.first("own") if conditions is None else conditions
        host = {key: self.module._asnumpy(value) for key, value in self.params.items()}
        given = {name: np.asarray(self.module._asnumpy(value), np.float64) for name, value in own.items()}
        with np.errstate(all="ignore"):
            return [
                evaluate(self.network, host, row, {name: value[n] for name, value in given.items()})
                for n, row in enumerate(at)
            ]

    @cached_property
    def definitions(self) -> list[Reference]:
        """The definitions at x."""
        return self.references(self.samples)

    def truth(self, *, squares: bool) -> Truth:
        """δ′ and its squares as the mode has them."""
        probes = self.host_probes() if self.mode.takes_probes else None
        recursion, hessians = (
            np.array([getattr(r, name) for r in self.definitions]) for name in ("recursion", "hessian")
        )
        return self.mode.truth(recursion, hessians, probes, squares)

    def host_probes(self) -> Array:
        """The probes of the samples that are compared."""
        return np.asarray(self.module._asnumpy(self.given["given"]["probes"][:SAMPLES]), np.float64)


def affordable(network: Network) -> None:
    """Raise `BuildError` if the matrices of the definitions are too large: slopes, and the Hessian of every sample."""
    units = network.input.units
    numbers = sum(v.units * units for v in network.vertices) + 3 * units**2
    numbers += sum(v.units * network[source].units for v in network.vertices for source in v.inputs)
    if 8 * numbers > MEMORY:
        raise BuildError(
            what=f"the definitions that `check` compares with take {8 * numbers / 1e9:.3g} GB for {units:,} inputs",
            hint="check the same layers with fewer units; the module's own selftest() takes any network",
        )
