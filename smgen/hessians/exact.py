"""The mode `exact`: the full Hessian with the cheapest cuts, or the recursion for networks where that is exact."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from smgen.analysis.exactness import Verdict, verdict
from smgen.analysis.flops import estimated_flops
from smgen.hessians.cuts import candidates, chosen_cuts
from smgen.hessians.diagonal import DIAGONAL
from smgen.hessians.parts import Plan, plan, with_plan
from smgen.hessians.protocol import Array, Method, Mode, Truth
from smgen.hessians.segments import with_cuts
from smgen.ir import STEPS, Function, Schedule
from smgen.network import Network
from smgen.passes.prune import prune


def _schedule(network: Network, method: Method, function: Function) -> Schedule:
    if verdict(network).exact:
        return DIAGONAL.schedule(network, method, function)
    if (chosen := _plan(network, method.batch_size)) is not None:
        return with_plan(network, function, chosen)
    return with_cuts(network, function, chosen_cuts(network, method.batch_size, function))


@lru_cache(maxsize=256)
def _plan(network: Network, batch_size: int) -> Plan | None:
    """The ways of the curved vertices; None where the graph is cut, which costs less where layers are dense."""
    chosen = plan(network)
    if chosen is None or not chosen.rows:
        return chosen
    for step in STEPS.values():
        cut = with_cuts(network, step, chosen_cuts(network, batch_size, step))
        ways = with_plan(network, step, chosen)
        costs = [estimated_flops(prune(schedule), batch_size) for schedule in (ways, cut)]
        if costs[0] >= costs[1]:
            return None
    return chosen


def _quality(network: Network, recursion: Verdict, method: Method) -> Verdict:
    if recursion.exact:
        return Verdict(True, f"the diagonal recursion, which is exact here: {recursion.reason}")
    chosen = _plan(network, method.batch_size)
    ways = f" by {chosen.words(network)}" if chosen is not None else ""
    return Verdict(
        True,
        f"the full Hessian{ways}, where the diagonal recursion would be inexact: {recursion.reason}",
        patches=chosen is not None and chosen.fields is not None,
        rows=chosen is not None and bool(chosen.rows),
    )


def _verdict_sentence(quality: Verdict) -> str:
    return f"δ′ is exact: {quality.reason}".rstrip(".") + "."


def _scheme(network: Network, method: Method, function: Function) -> str:
    if verdict(network).exact:
        return DIAGONAL.scheme(network, method, function)
    if (chosen := _plan(network, method.batch_size)) is not None:
        return chosen.words(network)
    cuts = chosen_cuts(network, method.batch_size, function)
    if not cuts:
        return f"forward: {network.input.units} tangents of the input through every layer"
    units = ", ".join(f"'{cut}' ({network[cut].units})" for cut in cuts)
    whole = "backward: " if cuts == candidates(network) else ""
    return f"{whole}the Hessian at {units}"


def _truth(recursion: Array, hessians: Array, probes: Array | None, squares: bool) -> Truth:
    diagonal = np.einsum("ndd->nd", hessians)
    return Truth("δ′, Hessian's diagonal ([+] 8)", diagonal, diagonal**2)


EXACT: Final = Mode(
    name="exact",
    summary="the full Hessian: exact for every network; its cost grows with the layers' widths",
    hessian_phrase="exactly",
    verdict_sentence=_verdict_sentence,
    quality=_quality,
    schedule=_schedule,
    scheme=_scheme,
    truth=_truth,
)
