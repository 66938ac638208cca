"""The hessian modes: what each is, and the schedules it makes of a network.

The exact mode has many lowerings of the same numbers, one for each choice of the vertices where the graph is cut; the
cost model picks one for each of: the gradient at λ = 0, the gradient at λ > 0, and the diagonal itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Final

from smgen.analysis.flops import estimated_flops
from smgen.exactness import Verdict, verdict
from smgen.ir import FUNCTIONS, HESSIAN_DIAGONAL, STEPS, Function, Schedule
from smgen.lower import candidates, exact_schedule, lower_diagonal, lower_probes
from smgen.lower.labels import labelled
from smgen.network import Network
from smgen.passes.prune import prune

MODES: Final[Mapping[str, str]] = {
    "diagonal": "the recursion of Kingma and LeCun: cheapest; exact for one mixing layer, wrong for deep networks",
    "exact": "the full Hessian: exact for every network; its cost grows with the layers' widths",
    "hutchinson": "random probes: unbiased for every network at a cost that does not grow with D, with noise",
}
"""Each mode in a line."""

DISTRIBUTIONS: Final = ("rademacher", "gaussian")
"""Of the entries of probes: ±1, which has the smaller variance, or normal."""

MOST_SUBSETS: Final = 4
"""With more places to cut than this, only stretches of neighbouring ones are tried."""


@dataclass(frozen=True, slots=True)
class Method:
    """How the second derivatives are computed: a mode, and what it is told."""

    hessian: str = "diagonal"
    batch_size: int = 1024
    probes: int = 1
    distribution: str = "rademacher"


@lru_cache(maxsize=64)
def lower(network: Network, method: Method | None = None) -> tuple[Schedule, ...]:
    """The schedules of every function of the generated module in the order they have there, kept for the next call."""
    method, network = method or Method(), labelled(network)
    if method.hessian == "diagonal" or (method.hessian == "exact" and verdict(network).exact):
        return lower_diagonal(network)
    if method.hessian == "hutchinson":
        return lower_probes(network, method.probes)
    cuts = chosen_cuts(network, method.batch_size)
    return tuple(exact_schedule(network, function, cuts[deciding(function)]) for function in FUNCTIONS)


def quality(network: Network, method: Method) -> Verdict:
    """Whether the mode's δ′ is exact for the network, and why."""
    found = verdict(network)
    if found.flat:
        return replace(found, exact=not found.kinked)
    match method.hessian:
        case "exact" if not found.exact:
            return Verdict(True, f"the full Hessian, where the diagonal recursion would be inexact: {found.reason}")
        case "exact":
            return Verdict(True, f"the diagonal recursion, which is exact here: {found.reason}")
        case "hutchinson":
            return Verdict(False, f"an unbiased estimate from {method.probes} random probes a sample; K is exact")
        case _:
            return found


def question(found: Verdict) -> tuple[str, str]:
    """What stops a build without a mode, and a hint: a choice between the modes, or that none is of use."""
    if found.flat:
        hint = "give a layer a curved nonlinearity (sm.softplus, sm.logcosh, …); with --hessian it is built as it is"
        return f"{found.reason}.", hint
    modes = "".join(f"\n    --hessian {name:10}  {summary}" for name, summary in MODES.items())
    return f"the diagonal recursion is {found}. The mode is yours to choose:{modes}\n", "choose with --hessian"


def complaint(found: Verdict) -> str:
    """The warning of a build whose δ′ is wrong, or says nothing."""
    if found.flat:
        return f"no use in training: {found.reason}"
    return (
        f"the diagonal recursion is {found}. A deep network trained with it exploits the error: the loss it "
        "minimises is not the score-matching loss. --hessian exact is exact for this network, --hessian hutchinson "
        "unbiased"
    )


def deciding(function: Function) -> Function:
    """The function whose cost decides where a function's graph is cut."""
    if not function.is_loss:
        return HESSIAN_DIAGONAL
    return STEPS[function.lam] if function.gradients else function


def scheme(network: Network, method: Method, function: Function = STEPS["zero"]) -> str:
    """How a function finds the second derivatives, in words."""
    match method.hessian:
        case "hutchinson":
            return f"{method.probes} tangent{'s' * (method.probes > 1)} a sample, from the probes"
        case "exact" if not verdict(network).exact:
            cuts = chosen_cuts(network, method.batch_size)[deciding(function)]
            if not cuts:
                return f"forward: {network.input.units} tangents of the input through every layer"
            units = ", ".join(f"'{cut}' ({network[cut].units})" for cut in cuts)
            whole = "backward: " if cuts == candidates(network) else ""
            return f"{whole}the Hessian at {units}"
        case _:
            return "the diagonal recursion"


@lru_cache(maxsize=64)
def chosen_cuts(network: Network, batch_size: int) -> Mapping[Function, tuple[str, ...]]:
    """For each function that decides, the cuts that the cost model finds cheapest; of equals the fewest."""
    subsets = _subsets(candidates(network))
    return {
        function: min(
            subsets, key=lambda cuts: estimated_flops(prune(exact_schedule(network, function, cuts)), batch_size)
        )
        for function in dict.fromkeys(map(deciding, FUNCTIONS))
    }


def _subsets(places: tuple[str, ...]) -> list[tuple[str, ...]]:
    if len(places) <= MOST_SUBSETS:
        return [chosen for size in range(len(places) + 1) for chosen in combinations(places, size)]
    ranges = combinations(range(len(places) + 1), 2)
    return [(), *sorted((places[first:last] for first, last in ranges), key=len)]
