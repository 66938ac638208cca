"""Decides from the graph whether the diagonal recursion is the diagonal of the Hessian, for generic weights, and why.

With R_jd = ∂g_j/∂x_d the exact diagonal is δ′_d = Σ over pointwise units j of δ_j f″_j (R_jd)², and R_jd is the sum
over all paths from x_d to j of the product of the slopes along the path. The recursion of §1.3 squares each path's
product instead. It drops the cross terms between two different paths, and the mixed derivatives of a unit with several
inputs. So it is exact for any weights if no unit with f_pp ≠ 0 is reached from one x_d along two paths through p, and
none with f_pq ≠ 0 through p and q; it is inexact for almost all weights otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final

from smgen.layers.patterns import Paths
from smgen.network import Network, Vertex

NAMED: Final = 3
"""The number of layers that a reason names one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the recursion is exact, and the reason in words.

    `flat` says that no layer has curvature: δ′ and L are 0 for all parameters, in every mode, and J is K alone.
    `kinked` says that this holds almost everywhere only. `patches` and `rows` say whether δ′ is had by these, for some
    layers.
    """

    exact: bool
    reason: str
    flat: bool = False
    kinked: bool = False
    _: KW_ONLY
    patches: bool = False
    rows: bool = False

    def __str__(self) -> str:
        quality = "exact" if self.exact else "inexact"
        return f"{'of no use' if self.flat else quality}: {self.reason}"


def verdict(network: Network) -> Verdict:
    """Count paths from the inputs up to each curved unit of `network`, until one is reached along two paths."""
    curved = curved_vertices(network)
    if not curved:
        return _flat(network)
    paths = _without_x(network)
    for v in ancestors(network, *curved):
        paths[v.name] = v.layer.paths(v, paths)
        for p, q in curved.get(v, ()):
            if reason := _why_not(network, paths, v, p, q):
                return Verdict(False, reason)
    return Verdict(True, _why_exact(network, list(curved)))


def curved_vertices(network: Network) -> dict[Vertex, tuple[tuple[str, str], ...]]:
    """The vertices with second derivatives, and the pairs of inputs by which they have them."""
    return {v: pairs for v in network.vertices if (pairs := tuple(v.layer.curved(v)))}


def split_by_recursion(network: Network) -> tuple[tuple[Vertex, ...], Mapping[Vertex, Paths]]:
    """The curved vertices for whose terms of δ′ the recursion is exact, and the others, with the tables of their paths.

    δ′ is a sum over the curved vertices, so that the term of each may be had in another way ([+] 18).
    """
    curved = curved_vertices(network)
    paths, exact, others = _without_x(network), list[Vertex](), dict[Vertex, Paths]()
    for v in ancestors(network, *curved):
        paths[v.name] = v.layer.paths(v, paths)
        if v not in curved:
            continue
        if any(_why_not(network, paths, v, p, q) for p, q in curved[v]):
            others[v] = paths[v.name]
        else:
            exact.append(v)
    return tuple(exact), others


def _why_not(network: Network, paths: dict[str, Paths], v: Vertex, p: str, q: str) -> str | None:
    """The reason why the recursion is inexact at a vertex with f_pq ≠ 0, if it is: paths meet at units that matter."""
    if p == q:
        wrong = paths[p].has_several() and paths[p].has_several(_live(network, v))
        return _why_inexact(network, paths, v) if wrong else None
    first, second = v.layer.together(v, p, q, paths)
    wrong = first.meets(second) and (v.layer.multiplies or first.meets(second, _live(network, v)))
    return _why_mixed(v, p, q) if wrong else None


def _without_x(network: Network) -> dict[str, Paths]:
    """The tables of what varies with conditions alone: no path leads there."""
    live = {v.name for v in network.vertices}
    return {v.name: Paths.nothing(v.shape) for v in network.varying if v.name not in live}


def _live(network: Network, unit: Vertex) -> list[Paths]:
    """The tables of the paths from the units of a vertex to each energy. A slice may have left units without any."""
    paths = {unit.name: Paths.identity(unit.shape)}
    for v in network.vertices:
        if v.name != unit.name and any(p in paths for p in v.inputs):
            read = [p for p in v.operands if network[p].batched]
            below = {p: paths[p] if p in paths else Paths.nothing(network[p].shape) for p in read}
            paths[v.name] = v.layer.paths(v, below)
    return [paths[name] for name, _ in network.energies if name in paths]


def _flat(network: Network) -> Verdict:
    """The verdict for a network without curvature."""
    kinks = _kinked(network)
    what = (
        f"f″ is 0 almost everywhere in every layer (kinks: {_listed(map(repr, kinks))})"
        if kinks
        else "no layer has curvature"
    )
    reason = (
        f"{what}, so that δ′ and L are 0 for all parameters: the minimum of Hyvärinen's loss is K = 0, a constant "
        "energy, whatever the data. No hessian mode helps"
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


def _why_inexact(network: Network, paths: dict[str, Paths], unit: Vertex) -> str:
    """The reason: the curved layer, and the layers below it where single paths meet."""
    mixing = [
        v
        for v in ancestors(network, unit)
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


def ancestors(network: Network, *vertices: Vertex) -> list[Vertex]:
    """The vertices on which some depend, and these themselves."""
    wanted = {v.name for v in vertices}
    for v in reversed(network.vertices):
        if v.name in wanted:
            wanted.update(v.inputs)
    return [v for v in network.vertices if v.name in wanted]


def _why_exact(network: Network, curved: list[Vertex]) -> str:
    mixing = [v.name for v in ancestors(network, *curved) if v.layer.mixes]
    if not mixing:
        reason = "no layer mixes the inputs"
    elif len(mixing) == 1:
        reason = f"one mixing layer ('{mixing[0]}') below pointwise experts"
    else:
        names = _listed(map(repr, mixing))
        reason = f"no input reaches a nonlinear unit along two paths (layers {names})"
    if kinks := _kinked(network):
        named = _listed(repr(name) for name in kinks)
        reason += f"; almost everywhere only: the kinks of {named} have no curvature in it"
    return reason
