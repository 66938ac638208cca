"""Every function of a network in a mode, with what the mode would choose itself given from outside."""

from __future__ import annotations

from smgen.hessians import HUTCHINSON, Method
from smgen.hessians.segments import with_cuts
from smgen.ir import Schedule, functions_for, usual_functions
from smgen.network import Network


def lower_exact(network: Network, cuts: tuple[str, ...] = ()) -> tuple[Schedule, ...]:
    """The full Hessian, cut in the same places in all functions."""
    return tuple(with_cuts(network, function, cuts) for function in functions_for(usual_functions()))


def lower_probes(network: Network, probes: int) -> tuple[Schedule, ...]:
    """So many probes a sample."""
    method = Method("hutchinson", probes=probes)
    return tuple(
        HUTCHINSON.schedule(network, method, f)
        for f in functions_for(usual_functions())
        if HUTCHINSON.possible(method, f)
    )
