"""Names of layers as they stand in those of buffers, so that no two buffers have one name."""

from __future__ import annotations

from smgen.errors import NetworkError
from smgen.layers.letters import label
from smgen.network import Network


def labelled(network: Network) -> Network:
    """The same network with labels for the names of its layers. Raises `NetworkError` if two become one."""
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
