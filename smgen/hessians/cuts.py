"""Where the exact mode cuts the graph. All cuts give the same numbers; the cost model chooses the cheapest ones.

The choice is made separately for the gradient at λ = 0, the gradient at λ > 0, and the diagonal itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from typing import Final

from smgen.analysis.flops import estimated_flops
from smgen.hessians.segments import descendants, with_cuts
from smgen.ir import HESSIAN_DIAGONAL, LAPLACIAN, Function, Schedule, steps_of
from smgen.network import Network
from smgen.passes.prune import prune

MOST_SUBSETS: Final = 4
"""With more candidates than this, only runs of neighbouring ones are tried."""


def candidates(network: Network) -> tuple[str, ...]:
    """Vertices where the graph can be cut: everything above depends on x through them, and their readers are linear.

    They are in order: each vertex is above the ones before it.
    """
    names: list[str] = []
    for v in network.vertices:
        children = network.children(v.name)
        if v.name == network.input.name or v.layout.places is not None:
            continue
        if not children or not all(k.layer.mixes for k in children):
            continue
        above = descendants(network, v.name)
        closed = all(s in above or s == v.name for name in above for s in network[name].inputs)
        if closed and (not names or v.name in descendants(network, names[-1])):
            names.append(v.name)
    return tuple(names)


def _deciding(function: Function) -> Function:
    """The function whose cost decides where the graph of this function is cut."""
    objective = function.objective
    if objective is None:
        return LAPLACIAN if function.has_laplacian else HESSIAN_DIAGONAL
    if objective.total == "sum":
        return function
    kind = "step" if function.gradients else "each" if function.is_general else "terms"
    steps = steps_of(objective)[kind]
    return (steps.general if function.is_general else steps.by_lam)[function.lam]


def chosen_cuts(network: Network, batch_size: int, function: Function) -> tuple[str, ...]:
    """The cuts that the cost model finds cheapest for the function that decides; of equals the fewest."""
    return _cheapest(network, batch_size, _deciding(function))


@lru_cache(maxsize=256)
def _cheapest(network: Network, batch_size: int, function: Function) -> tuple[str, ...]:
    return cheapest(network, batch_size, lambda cuts: with_cuts(network, function, cuts))


def cheapest(network: Network, batch_size: int, lowered: Callable[[tuple[str, ...]], Schedule]) -> tuple[str, ...]:
    """The cuts whose schedule takes the fewest FLOPs; of equals the fewest."""
    possible = _subsets(candidates(network))
    return min(possible, key=lambda cuts: estimated_flops(prune(lowered(cuts)), batch_size))


def _subsets(places: tuple[str, ...]) -> list[tuple[str, ...]]:
    if len(places) <= MOST_SUBSETS:
        return [chosen for size in range(len(places) + 1) for chosen in combinations(places, size)]
    ranges = combinations(range(len(places) + 1), 2)
    return [(), *sorted((places[first:last] for first, last in ranges), key=len)]
