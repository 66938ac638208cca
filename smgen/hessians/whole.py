"""The whole Hessian of the energy by x, equation (2), in every mode: by tangents of all inputs, or of cuts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import sympy as sp

from smgen.hessians.cuts import cheapest
from smgen.hessians.segments import segments
from smgen.ir import HESSIAN, ZERO, Layout, Name, Schedule
from smgen.layers.data import from_rows, to_rows
from smgen.lower.functions import finished
from smgen.lower.results import result
from smgen.lower.segment_tangents import SegmentTangents
from smgen.lower.sweeps import backward
from smgen.lower.tangents import Tangents
from smgen.lower.values import Lowering
from smgen.network import Network


def whole_hessian(network: Network, batch_size: int) -> Schedule:
    """The schedule of `hessian`, with the cuts that the cost model finds cheapest."""
    return _with_cuts(network, _chosen_cuts(network, batch_size))


@lru_cache(maxsize=256)
def _chosen_cuts(network: Network, batch_size: int) -> tuple[str, ...]:
    if network.input.layout.places is not None:
        return ()
    return cheapest(network, batch_size, lambda cuts: _with_cuts(network, cuts))


def _with_cuts(network: Network, cuts: Iterable[str]) -> Schedule:
    lowering = Lowering(network=network)
    lowering.forward()
    delta, tangents, x = backward(lowering), Tangents(lowering.emitter), network.input
    lowering.emitter.sweep("second derivatives, by tangents")
    first, *others = segments(network, tuple(cuts))
    # Along the units of x in the order of users, which memory need not have.
    flat = tangents.identity_of(x.units)
    along = None if x.layout.places is None else from_rows(tangents, flat, x, Name("tangents_at_x"))
    hessian: sp.Expr = ZERO
    for segment in reversed(others):
        hessian = SegmentTangents(lowering, tangents, segment).backward(delta, hessian)
    hessian = SegmentTangents(lowering, tangents, first, along).backward(delta, hessian)
    if x.layout.places is not None:
        hessian = to_rows(tangents, hessian, x, Name("hessian_rows"))
    layout = Layout(batch=True, tangents=x.units, units=(x.units,))
    return finished(lowering, HESSIAN, (lowering.emitter.result(result("hessian"), layout, hessian),))
