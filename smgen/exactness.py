"""Is the diagonal recursion the diagonal of the Hessian? Decided from the graph, for generic weights, and said in
words.

With R_jd = ∂g_j/∂x_d the exact diagonal is δ′_d = Σ over pointwise units j of δ_j f″_j (R_jd)², and R_jd is the sum
over all paths from x_d to j of the product of the slopes along the path. The recursion of §1.3 squares each path's
product instead: it drops the cross terms between two different paths. So it is exact for any weights if no unit with f″
≠ 0 is reached from one x_d along two paths, and inexact for almost all weights otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smgen.derivatives import differentiate
from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale

Paths = npt.NDArray[np.int8]
"""(units, D): the paths from x_d to a unit, counted as 0, 1, or 2 for several; (1, D) where units do not differ."""


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
    dim, top = network.input.units, np.int8(2)
    paths: dict[str, Paths] = {}
    for v in network.vertices:
        match v.op:
            case Input():
                # An input that only linear layers read needs no table of its own: each sees every x_d once.
                mixed = all(isinstance(k.op, Linear) for k in network.children(v.name)) and v.name not in dict(
                    network.energies
                )
                paths[v.name] = np.ones((1, dim), np.int8) if mixed else np.eye(dim, dtype=np.int8)
            case Linear():
                source = network[v.inputs[0]]
                rows = paths[source.name]
                copies = source.units if len(rows) == 1 and not isinstance(source.op, Input) else 1
                total = np.minimum(rows, top).sum(axis=0, keepdims=True, dtype=np.int64) * copies
                paths[v.name] = np.minimum(total, 2).astype(np.int8)
            case Add():
                # An input that is added twice is one edge of slope 2, whose square the recursion has right.
                first, *others = (paths[name] for name, _ in v.terms)
                for other in others:
                    first = np.minimum(first + other, top)
                paths[v.name] = first
            case Concat():
                wide = [np.broadcast_to(paths[name], (network[name].units, dim)) for name in v.inputs]
                paths[v.name] = np.concatenate(wide)
            case Pointwise() | Scale():
                paths[v.name] = paths[v.inputs[0]]
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
