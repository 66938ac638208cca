"""Names of layers as they stand in those of buffers, so that no two buffers have one name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from smgen.errors import NetworkError
from smgen.network import Network
from smgen.nodes import Linear

WORDS: Final = frozenset({
    "above", "adjoint", "arg", "at", "bent", "by", "column", "copy", "curvature", "db", "ddelta", "delta",
    "dg", "diagonal", "dJ", "dK", "dL", "ds", "dW", "energy", "forms", "gram", "hessian", "identity",
    "inside", "lam", "mean", "minus", "of", "pairs", "part", "parts", "prime", "probed", "probes", "product",
    "quadratic", "row", "rows", "score", "second", "square", "squared", "squares", "sum", "tangent", "tangents", "term",
    "terms", "third", "total", "transposed", "unbiased", "weighted",
})  # fmt: skip
"""What buffers' names are put together from, beside the names of layers: `delta_prime_x`, `W_filters_squared_rows`."""


def label(name: str) -> str:
    """A layer's name as it stands in those of buffers: `prime_x` as `prime__x`, so that its δ is not the δ′ of x."""
    parts = re.split("(?<!_)_(?!_)", name)
    return "__".join(parts) if len(parts) > 1 and WORDS & set(parts) else name


def labelled(network: Network) -> Network:
    """The same network with labels for the names of its layers and weights. Raises `NetworkError` if two become one."""
    labels = {v.name: label(v.name) for v in network.vertices}
    if labels == {name: name for name in labels}:
        return network
    for v in network.vertices:
        other = next(w for w in network.vertices if labels[w.name] == labels[v.name])
        if other != v:
            raise NetworkError(
                origin=v.origin,
                what=f"the name '{v.name}' is too much like '{other.name}' ({other.origin}) for generated code",
                hint="choose another for one of them",
            )
    vertices = tuple(
        replace(
            v,
            name=labels[v.name],
            inputs=tuple(labels[i] for i in v.inputs),
            op=replace(v.op, weights=label(v.op.weights)) if isinstance(v.op, Linear) else v.op,
        )
        for v in network.vertices
    )
    renamed = object.__new__(Network)
    object.__setattr__(renamed, "vertices", vertices)
    object.__setattr__(renamed, "energies", tuple((labels[name], count) for name, count in network.energies))
    object.__setattr__(renamed, "nodes", network.nodes)
    return renamed
