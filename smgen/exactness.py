"""Is the diagonal recursion the diagonal of the Hessian? Decided from the graph, for generic weights, and said in
words.

With R_jd = ∂g_j/∂x_d the exact diagonal is δ′_d = Σ over pointwise units j of δ_j f″_j (R_jd)², and R_jd is the sum
over all paths from x_d to j of the product of the slopes along the path. The recursion of §1.3 squares each path's
product instead: it drops the cross terms between two different paths. So it is exact for any weights if no unit with f″
≠ 0 is reached from one x_d along two paths, and inexact for almost all weights otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.derivatives import differentiate
from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale

Paths = npt.NDArray[np.int8]
"""(units, D): the number of paths from x_d to a unit, counted as 0, 1, or 2 for several."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the recursion is exact, and the reason in words."""

    exact: bool
    reason: str

    def __str__(self) -> str:
        return f"{'exact' if self.exact else 'inexact'}: {self.reason}"


def verdict(network: Network) -> Verdict:
    """Count paths from the inputs to every curved unit of `network`."""
    paths = _paths(network)
    curved = [
        v for v in network.vertices if isinstance(v.op, Pointwise) and differentiate(v.op.expr).derivatives[2] != 0
    ]
    crossed = [v for v in curved if (paths[v.inputs[0]] > 1).any()]
    if crossed:
        return Verdict(False, _why_inexact(network, paths, crossed[0]))
    return Verdict(True, _why_exact(network, curved))


def _paths(network: Network) -> dict[str, Paths]:
    dim = network.input.units
    paths: dict[str, Paths] = {}
    for v in network.vertices:
        sources = [paths[name] for name in v.inputs]
        count: npt.NDArray[Any]
        match v.op:
            case Input():
                count = np.eye(dim, dtype=np.int64)
            case Linear():
                count = np.broadcast_to(sources[0].sum(axis=0, dtype=np.int64), (v.units, dim))
            case Add():
                # An input that is added twice is one edge of slope 2, whose square the recursion has right.
                count = sum((paths[name].astype(np.int64) for name, _ in v.terms), np.zeros((v.units, dim), np.int64))
            case Concat():
                count = np.concatenate(sources)
            case Pointwise() | Scale():
                count = sources[0]
        paths[v.name] = np.minimum(count, 2).astype(np.int8)
    return paths


def _why_inexact(network: Network, paths: dict[str, Paths], unit: Vertex) -> str:
    """Name the curved layer and the layers where single paths meet on the way to it."""
    mixing = [
        v
        for v in _ancestors(network, unit)
        if (paths[v.name] > 1).any() and any((paths[s] == 1).any() for s in v.inputs) and isinstance(v.op, Linear | Add)
    ]
    named = " and ".join(f"{v.op.kind} '{v.name}'" for v in mixing)
    verb = "mixes" if len(mixing) == 1 else "mix"
    return (
        f"{named} {verb} units that already depend on the same inputs, below the nonlinearity '{unit.name}'; "
        "the Hessian there is not diagonal and the recursion drops its cross terms"
    )


def _ancestors(network: Network, vertex: Vertex) -> list[Vertex]:
    wanted = {vertex.name}
    for v in reversed(network.vertices):
        if v.name in wanted:
            wanted.update(v.inputs)
    return [v for v in network.vertices if v.name in wanted]


def _why_exact(network: Network, curved: list[Vertex]) -> str:
    kinks = sorted(v.name for v in network.vertices if isinstance(v.op, Pointwise) and differentiate(v.op.expr).kinks)
    if not curved:
        reason = "no layer has curvature, δ′ is 0"
    else:
        mixing = {v.name for unit in curved for v in _ancestors(network, unit) if isinstance(v.op, Linear)}
        if not mixing:
            reason = "no layer mixes the inputs"
        elif len(mixing) == 1:
            reason = f"one mixing layer ('{mixing.pop()}') below pointwise experts"
        else:
            names = ", ".join(f"'{v.name}'" for v in network.vertices if v.name in mixing)
            reason = f"no input reaches a nonlinear unit along two paths (layers {names})"
    if kinks:
        reason += f"; almost everywhere only: the kinks of {', '.join(repr(k) for k in kinks)} have no curvature in it"
    return reason
