"""Decides from the graph whether the diagonal recursion is the diagonal of the Hessian, for generic weights, and why.

With R_jd = ∂g_j/∂x_d the exact diagonal is δ′_d = Σ over pointwise units j of δ_j f″_j (R_jd)², and R_jd is the sum
over all paths from x_d to j of the product of the slopes along the path. The recursion of §1.3 squares each path's
product instead. It drops the cross terms between two different paths, and the mixed derivatives of a unit with several
inputs. So it is exact for any weights if no unit with f_pp ≠ 0 is reached from one x_d along two paths through p, and
none with f_pq ≠ 0 through p and q; it is inexact for almost all weights otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from smgen.layers.patterns import Paths
from smgen.network import Network, Vertex

NAMED: Final = 3
"""The number of layers that a reason names one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the recursion is exact, and the reason in words.

    `flat` says that no layer has curvature: δ′ and L are 0 for all parameters, in every mode, and J is K alone.
    `kinked` says that this holds almost everywhere only.
    """

    exact: bool
    reason: str
    flat: bool = False
    kinked: bool = False

    def __str__(self) -> str:
        quality = "exact" if self.exact else "inexact"
        return f"{'of no use' if self.flat else quality}: {self.reason}"


def verdict(network: Network) -> Verdict:
    """Count paths from the inputs to every curved unit of `network`."""
    curved = {v: tuple(v.layer.curved(v)) for v in network.vertices}
    if not any(curved.values()):
        return _flat(network)
    paths = _paths(network)
    for v, pairs in curved.items():
        for p, q in pairs:
            if p == q and paths[p].has_several():
                return Verdict(False, _why_inexact(network, paths, v))
            if p != q and Paths.sum([paths[p].seen(), paths[q].seen()]).has_several():
                return Verdict(False, _why_mixed(v, p, q))
    return Verdict(True, _why_exact(network, [v for v, pairs in curved.items() if pairs]))


def _flat(network: Network) -> Verdict:
    """The verdict for a network without curvature."""
    kinks = _kinked(network)
    what = (
        f"f″ is 0 almost everywhere in every layer (kinks: {_listed(map(repr, kinks))})"
        if kinks
        else "no layer has curvature"
    )
    reason = (
        f"{what}, so that δ′ and L are 0 for all parameters: the minimum of the loss is K = 0, a constant energy, "
        "whatever the data. No hessian mode helps"
    )
    return Verdict(True, reason, flat=True, kinked=bool(kinks))


def _kinked(network: Network) -> list[str]:
    return sorted(v.name for v in network.vertices if v.layer.kinks)


def _listed(names: Iterable[str], joint: str = ", ") -> str:
    """The first three names, and how many more there are."""
    every = list(names)
    shown = every[:NAMED]
    if len(every) > NAMED:
        return ", ".join(shown) + f" and {len(every) - NAMED} more"
    return joint.join(shown)


def _paths(network: Network) -> dict[str, Paths]:
    paths: dict[str, Paths] = {}
    for v in network.vertices:
        paths[v.name] = v.layer.paths(v, paths)
    return paths


def _why_inexact(network: Network, paths: dict[str, Paths], unit: Vertex) -> str:
    """The reason: the curved layer, and the layers below it where single paths meet."""
    mixing = [
        v
        for v in _ancestors(network, unit)
        if _adds(network, v) and paths[v.name].has_several() and any(paths[source].has_single() for source in v.inputs)
    ]
    named = _listed((f"{v.layer.kind} '{v.name}'" for v in mixing), " and ")
    verb = "mixes" if len(mixing) == 1 else "mix"
    return (
        f"{named} {verb} units that already depend on the same inputs, below the nonlinearity '{unit.name}'; "
        "the Hessian there is not diagonal and the recursion drops its cross terms"
    )


def _adds(network: Network, v: Vertex) -> bool:
    """Whether a unit depends on several units below it: in a linear layer, or one that reads several vertices."""
    return v.layer.mixes or (len(v.inputs) > 1 and v.units == network[v.inputs[0]].units)


def _why_mixed(v: Vertex, p: str, q: str) -> str:
    return (
        f"{v.layer.kind} '{v.name}' has a mixed derivative by '{p}' and '{q}', whose units depend on the same inputs, "
        "and the recursion has no such terms"
    )


def _ancestors(network: Network, vertex: Vertex) -> list[Vertex]:
    wanted = {vertex.name}
    for v in reversed(network.vertices):
        if v.name in wanted:
            wanted.update(v.inputs)
    return [v for v in network.vertices if v.name in wanted]


def _why_exact(network: Network, curved: list[Vertex]) -> str:
    mixing = {v.name for unit in curved for v in _ancestors(network, unit) if v.layer.mixes}
    if not mixing:
        reason = "no layer mixes the inputs"
    elif len(mixing) == 1:
        reason = f"one mixing layer ('{mixing.pop()}') below pointwise experts"
    else:
        names = _listed(f"'{v.name}'" for v in network.vertices if v.name in mixing)
        reason = f"no input reaches a nonlinear unit along two paths (layers {names})"
    if kinks := _kinked(network):
        named = _listed(repr(name) for name in kinks)
        reason += f"; almost everywhere only: the kinks of {named} have no curvature in it"
    return reason
