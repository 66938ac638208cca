"""The hessian modes, one file each, and the functions that look up the mode of a method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from smgen.analysis.exactness import Verdict, verdict
from smgen.hessians.diagonal import DIAGONAL
from smgen.hessians.exact import EXACT
from smgen.hessians.hutchinson import HUTCHINSON
from smgen.hessians.protocol import DISTRIBUTIONS, Method, Mode, Truth
from smgen.hessians.whole import whole_hessian
from smgen.ir import HESSIAN, STEPS, USUAL, Function, Schedule, functions_for, usual_functions
from smgen.lower.arranged import arranged
from smgen.lower.functions import without_delta_prime
from smgen.lower.labels import labelled
from smgen.network import Network
from smgen.objectives import Objective

__all__ = [
    "DIAGONAL", "DISTRIBUTIONS", "EXACT", "HUTCHINSON", "MODES", "Method", "Mode", "Truth", "complaint", "lower",
    "quality", "question", "recursion_for", "scheme",
]  # fmt: skip

MODES: Final[dict[str, Mode]] = {mode.name: mode for mode in (DIAGONAL, EXACT, HUTCHINSON)}
"""Every mode, by name."""


def lower(
    network: Network, method: Method | None = None, wanted: tuple[Function, ...] | None = None
) -> tuple[Schedule, ...]:
    """The schedules of the wanted functions, or of all that a module can have, in their order there.

    Each is kept for the next call, also one that wants other functions.
    """
    method = method or Method()
    possible = MODES[method.hessian].possible
    known = functions_for(usual_functions()) if wanted is None else wanted
    own = [function for function in known if possible(method, function)]
    # With a weight for each entry nothing is saved at λ = 0: that variant is for modes without another.
    spared = {replace(f, lam="zero") for f in own if f.is_general and f.lam == "any"}
    return tuple(_lower(network, method, function) for function in own if function not in spared)


@lru_cache(maxsize=1024)
def _lower(network: Network, method: Method, function: Function) -> Schedule:
    drawn = arranged(labelled(network))
    if function == HESSIAN:
        return whole_hessian(drawn, method.batch_size)
    if not function.curved:
        return without_delta_prime(drawn, function)
    return MODES[method.hessian].schedule(drawn, method, function)


def recursion_for(network: Network, objectives: Iterable[Objective]) -> Verdict:
    """The verdict on the recursion. A network without curvature is of use if an objective finds more in it than δ′."""
    recursion = verdict(network)
    if recursion.flat and not recursion.kinked and not any(o.rests_on_curvature for o in objectives):
        return Verdict(True, "no layer has curvature, so that δ′ is 0")
    return recursion


def quality(network: Network, method: Method, objectives: Iterable[Objective] = USUAL) -> Verdict:
    """Whether the mode's δ′ is exact for the network, and why."""
    recursion = recursion_for(network, objectives)
    if recursion.flat:
        return replace(recursion, exact=not recursion.kinked)
    return MODES[method.hessian].quality(arranged(network), recursion, method)


def question(recursion: Verdict) -> tuple[str, str]:
    """The error and the hint of a build without a mode: the user must choose one, or no mode is of use."""
    if recursion.flat:
        hint = "give a layer a curved nonlinearity (sm.softplus, sm.logcosh, …); with --hessian it is built as it is"
        return f"{recursion.reason}.", hint
    modes = "".join(f"\n    --hessian {name:10}  {mode.summary}" for name, mode in MODES.items())
    return f"the diagonal recursion is {recursion}. The mode is yours to choose:{modes}\n", "choose with --hessian"


def complaint(recursion: Verdict) -> str:
    """The warning of a build whose δ′ is wrong, or 0 for all parameters."""
    if recursion.flat:
        return f"no use in training: {recursion.reason}"
    return (
        f"the diagonal recursion is {recursion}. A deep network trained with it exploits the error: the loss it "
        "minimises is not the score-matching loss. --hessian exact is exact for this network, --hessian hutchinson "
        "unbiased"
    )


def scheme(network: Network, method: Method, function: Function = STEPS["zero"]) -> str:
    """How a function computes the second derivatives, in words."""
    return MODES[method.hessian].scheme(arranged(network), method, function)
