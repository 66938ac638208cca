"""Network → one schedule for each function of the generated module. A hessian mode is a `Curvature`."""

from __future__ import annotations

from smgen.ir import Schedule
from smgen.lower.diagonal import Diagonal
from smgen.lower.exact import Exact, candidates
from smgen.lower.functions import FUNCTIONS, function
from smgen.network import Network

__all__ = ["FUNCTIONS", "candidates", "exact_function", "lower_diagonal", "lower_exact"]


def lower_diagonal(network: Network) -> tuple[Schedule, ...]:
    """Every function with the diagonal recursion."""
    return tuple(function(network, name, lambda low, _: Diagonal(low)) for name in FUNCTIONS)


def exact_function(network: Network, name: str, cuts: tuple[str, ...]) -> Schedule:
    """One function with the full Hessian, the graph cut at these vertices."""
    return function(network, name, lambda low, lam: Exact(low, cuts, trace=lam == 0))


def lower_exact(network: Network, cuts: tuple[str, ...] = ()) -> tuple[Schedule, ...]:
    """Every function with the full Hessian, cut in the same places."""
    return tuple(exact_function(network, name, cuts) for name in FUNCTIONS)
