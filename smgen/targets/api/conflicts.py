"""Conditions that cannot be arguments of a loss as they are."""

from __future__ import annotations

from collections.abc import Iterable

from smgen.errors import BuildError
from smgen.network import Network
from smgen.objectives import SIGMA, Objective


def check_conditions(network: Network, objectives: Iterable[Objective]) -> None:
    """Raise `BuildError` for a condition called sigma that is no level of noise, beside a loss that has one."""
    for v in network.given[1:]:
        if v.name == SIGMA.name and v.units > 1 and any(SIGMA in objective.given for objective in objectives):
            raise BuildError(
                origin=v.origin,
                what=f"the condition '{v.name}' has the shape {v.shape}, and the denoising loss gives it the level of "
                "noise, one number a sample",
                hint="call it something else, or give it one number",
            )
