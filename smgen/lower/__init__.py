"""Network → one schedule for each function of the generated module. A hessian mode is a `Curvature`."""

from __future__ import annotations

from smgen.ir import FUNCTIONS, Function, Schedule
from smgen.lower.diagonal import Diagonal
from smgen.lower.exact import Exact, candidates
from smgen.lower.functions import schedule
from smgen.lower.probes import Probes, probes_buffer
from smgen.network import Network

__all__ = ["candidates", "exact_schedule", "lower_diagonal", "lower_exact", "lower_probes"]


def lower_diagonal(network: Network) -> tuple[Schedule, ...]:
    """Every function with the diagonal recursion."""
    return tuple(schedule(network, function, lambda low, _: Diagonal(low)) for function in FUNCTIONS)


def exact_schedule(network: Network, function: Function, cuts: tuple[str, ...]) -> Schedule:
    """One function with the full Hessian, the graph cut at these vertices."""
    return schedule(network, function, lambda low, lam: Exact(low, cuts, trace=lam == 0))


def lower_exact(network: Network, cuts: tuple[str, ...] = ()) -> tuple[Schedule, ...]:
    """Every function with the full Hessian, cut in the same places."""
    return tuple(exact_schedule(network, function, cuts) for function in FUNCTIONS)


def lower_probes(network: Network, probes: int) -> tuple[Schedule, ...]:
    """Every function with random probes; a single one says nothing of squares, so that there is no λ > 0."""
    argument = probes_buffer(network, probes)
    functions = [function for function in FUNCTIONS if probes > 1 or function.lam != "any"]
    return tuple(schedule(network, function, lambda low, _: Probes(low, probes), (argument,)) for function in functions)
