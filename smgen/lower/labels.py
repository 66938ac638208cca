"""The names of layers as parts of buffer names, changed where two buffers would get the same name."""

from __future__ import annotations

from smgen.errors import NetworkError
from smgen.layers.letters import label
from smgen.network import Network


def labelled(network: Network) -> Network:
    """The same network with labels in place of the names. Raises `NetworkError` if two names have the same label."""
    named = [v for v in network.all_vertices if v.operands or v.layer.is_data]
    labels = {v.name: label(v.name) for v in named}
    if all(name == short for name, short in labels.items()):
        return network
    for v in named:
        other = next(w for w in named if labels[w.name] == labels[v.name])
        if other != v:
            raise NetworkError(
                origin=v.origin,
                what=f"the name '{v.name}' is too much like '{other.name}' ({other.origin}) for generated code",
                hint="choose another for one of them",
            )
    return network.renamed(labels)
