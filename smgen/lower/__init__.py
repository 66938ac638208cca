"""Network → one schedule for each function of the generated module.

A hessian mode is a `Curvature`, one row of `HESSIANS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from smgen.ir import Schedule
from smgen.lower.diagonal import Diagonal
from smgen.lower.functions import FUNCTIONS, function
from smgen.network import Network


@dataclass(frozen=True, slots=True)
class Hessian:
    """A way to the diagonal of the Hessian: how it lowers, and a line that says what it is."""

    lower: Callable[[Network], tuple[Schedule, ...]]
    summary: str


def lower_diagonal(network: Network) -> tuple[Schedule, ...]:
    """Every function with the diagonal recursion."""
    return tuple(function(network, name, Diagonal) for name in FUNCTIONS)


HESSIANS: Final[Mapping[str, Hessian]] = {
    "diagonal": Hessian(lower_diagonal, "the diagonal recursion of Kingma and LeCun, §1.3; exact for one mixing layer"),
}


def lower(network: Network, hessian: str = "diagonal") -> tuple[Schedule, ...]:
    """The schedules of every function of the generated module, in the order they appear in it."""
    return HESSIANS[hessian].lower(network)
