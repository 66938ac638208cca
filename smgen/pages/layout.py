"""Where the nodes of a graph stand: in layers from top to bottom, branches side by side, few crossings.

The steps are those of Sugiyama, Tagawa and Toda (1981): layers by the longest path, a waypoint in each layer that an
edge passes, orders by barycentres, and places of least squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

Point: TypeAlias = tuple[int, float]
"""A layer, and the place in it."""

_SWEEPS: Final = 12


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from a node to one that reads it, with a waypoint in each layer between theirs."""

    source: str
    target: str
    waypoints: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The point of each node's centre, and the edges. Places are from 0 to `width`."""

    nodes: Mapping[str, Point]
    edges: tuple[Edge, ...]
    width: float

    @property
    def layers(self) -> int:
        """The number of layers."""
        return 1 + max(layer for layer, _ in self.nodes.values())


def laid_out(reads: Mapping[str, Sequence[str]], *, wide: float, narrow: float) -> Layout:
    """The layout of nodes, given in topological order with those that each reads.

    A node is `wide`, a waypoint `narrow`, gaps included.
    """
    layer_of = _layers(reads)
    below: dict[str, list[str]] = {}  # from each node and waypoint to those in the next layer
    chains: dict[tuple[str, str], list[str]] = {}
    rows: list[list[str]] = [[] for _ in range(1 + max(layer_of.values()))]
    for name in reads:
        rows[layer_of[name]].append(name)
    for target, sources in reads.items():
        for source in dict.fromkeys(sources):
            passed = range(layer_of[source] + 1, layer_of[target])
            chain = [f"{source}\n{target}\n{layer}" for layer in passed]  # no name has a line end in it
            for layer, waypoint in zip(passed, chain, strict=True):
                rows[layer].append(waypoint)
            chains[source, target] = chain
            for upper, lower in pairwise([source, *chain, target]):
                below.setdefault(upper, []).append(lower)
    above: dict[str, list[str]] = {}
    for upper, lowers in below.items():
        for lower in lowers:
            above.setdefault(lower, []).append(upper)
    rows = _ordered(rows, above, below)
    place = _placed(rows, above, below, {name: wide if name in reads else narrow for row in rows for name in row})
    left = min(place[name] for name in reads) - wide / 2
    left = min(left, min(place.values()) - narrow / 2)
    right = max(max(place[name] for name in reads) + wide / 2, max(place.values()) + narrow / 2)
    edges = tuple(
        Edge(source, target, tuple((layer_of[source] + 1 + n, place[w] - left) for n, w in enumerate(chain)))
        for (source, target), chain in chains.items()
    )
    return Layout({name: (layer_of[name], place[name] - left) for name in reads}, edges, right - left)


def _layers(reads: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest path to each node; what reads nothing stands just above its first reader."""
    layer: dict[str, int] = {}
    for name, sources in reads.items():
        layer[name] = 1 + max((layer[source] for source in sources), default=-1)
    first = next(iter(reads))
    for name in reads:
        readers = [layer[reader] for reader, sources in reads.items() if name in sources]
        if not reads[name] and name != first and readers:
            layer[name] = max(0, min(readers) - 1)
    return layer


def _ordered(rows: list[list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> list[list[str]]:
    """The rows in orders with fewer crossings: each by the mean place of its neighbours, down and up in turn."""
    best, least = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            index = {name: n for other in rows for n, name in enumerate(other)}
            centre = {name: _mean([index[n] for n in neighbours.get(name, ())], index[name]) for name in row}
            row.sort(key=centre.__getitem__)
        crossings = _crossings(rows, below)
        if crossings < least:
            best, least = [list(row) for row in rows], crossings
    return best


def _crossings(rows: Sequence[Sequence[str]], below: Mapping[str, list[str]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        index = {name: n for n, name in enumerate(lower)}
        ends = [index[target] for name in upper for target in sorted(below.get(name, ()), key=index.__getitem__)]
        total += sum(a > b for n, a in enumerate(ends) for b in ends[n + 1 :])
    return total


def _placed(
    rows: Sequence[Sequence[str]],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
    size: Mapping[str, float],
) -> dict[str, float]:
    """Places near those of the neighbours, in the order of each row and without overlap."""
    place: dict[str, float] = {}
    for row in rows:
        at = -sum(size[name] for name in row) / 2
        for name in row:
            place[name] = at + size[name] / 2
            at += size[name]
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_mean([place[n] for n in neighbours.get(name, ())], place[name]) for name in row]
            place |= dict(zip(row, spread(wanted, [size[name] for name in row]), strict=True))
    return place


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """The places p of least Σ (p − wanted)² with neighbours at least half of both sizes apart.

    Less the room that is needed on its left, each place must not be below the one before: isotonic regression, by
    pooling adjacent violators.
    """
    room = [0.0]
    for one, other in pairwise(sizes):
        room.append(room[-1] + (one + other) / 2)
    pools: list[tuple[float, int]] = []  # the mean of each pool, and how many are in it
    for value, offset in zip(wanted, room, strict=False):
        mean, number = value - offset, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, number = (mean * number + other * others) / (number + others), number + others
        pools.append((mean, number))
    means = [mean for mean, number in pools for _ in range(number)]
    return [mean + offset for mean, offset in zip(means, room, strict=False)]
