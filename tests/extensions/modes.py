"""A hessian mode that smgen does not have: the full Hessian from the tangents of every input, whatever it costs."""

from __future__ import annotations

from smgen.analysis.exactness import Verdict
from smgen.hessians import EXACT, Method, Mode
from smgen.hessians.segments import with_cuts
from smgen.ir import Function, Schedule
from smgen.network import Network


def _schedule(network: Network, method: Method, function: Function) -> Schedule:
    return with_cuts(network, function, ())


def _quality(network: Network, recursion: Verdict, method: Method) -> Verdict:
    return Verdict(True, "tangents of all inputs")


def _scheme(network: Network, method: Method, function: Function) -> str:
    return f"{network.input.units} tangents"


FORWARD = Mode(
    name="forward",
    summary="the full Hessian, never cut",
    hessian_phrase="by tangents of all inputs",
    verdict_sentence=EXACT.verdict_sentence,
    quality=_quality,
    schedule=_schedule,
    scheme=_scheme,
    truth=EXACT.truth,
)
