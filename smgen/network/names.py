"""Names of vertices, the user's or `linear_1`, `softplus_2`, …, and the check of layers that share parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from smgen.errors import NetworkError, shortened
from smgen.layers.nodes import Node, is_name


def named(order: Sequence[Node]) -> dict[Node, str]:
    """The name of every node. The name of a parameter that a layer owns begins with the layer's, `filters.weight`.

    Raises `NetworkError` for a name that cannot be used, or is used twice.
    """
    names = {node: name for name, node in _chosen(order).items()}
    taken = set(names.values())
    counts: Counter[str] = Counter()
    for node in order:
        if node in names or node.role:
            continue
        if node.layer.is_data and "x" not in taken:
            name = "x"
        else:
            while True:
                counts[node.layer.kind] += 1
                name = f"{node.layer.kind}_{counts[node.layer.kind]}"
                if name not in taken:
                    break
        names[node] = name
        taken.add(name)
    for reader in order:
        for operand in reader.operands:
            if operand.role and operand not in names:
                names[operand] = f"{operand.group or names[reader]}.{operand.role}"
    return names


def _chosen(order: Sequence[Node]) -> dict[str, Node]:
    """The names that the user chose."""
    taken: dict[str, Node] = {}
    for node in order:
        if node.name is None:
            continue
        if not is_name(node.name):
            raise NetworkError(
                origin=node.origin,
                what=f"name must be an ASCII Python identifier and no keyword; got {shortened(node.name)}",
                hint="it becomes part of the generated code: choose a name such as 'layer_1'",
            )
        if node.name in taken:
            raise NetworkError(
                origin=node.origin,
                what=f"the name '{node.name}' is taken by the node of {taken[node.name].origin}",
                hint="choose another name; to share weights write sm.linear(…, weights='filters')",
            )
        taken[node.name] = node
    return taken


def check_shared(order: Sequence[Node], names: Mapping[Node, str]) -> None:
    """Raise `NetworkError` unless layers that share parameters have the same ones, and own what they share."""
    by_name = {name: node for node, name in names.items()}
    first: dict[str, Node] = {}
    for node in order:
        group = _group(node, names)
        if group is None:
            continue
        owner = by_name.get(group, node)
        if _group(owner, names) != group:
            other = _group(owner, names)
            own = f"shares '{other}'" if other not in (None, names[owner]) else "has none to share"
            raise NetworkError(
                origin=node.origin,
                what=f"'{names[node]}' shares the weights of '{group}' ({owner.origin}), which {own}",
                hint="weights= takes the name of a linear layer with weights of its own, or a name that no layer has",
            )
        before = first.setdefault(group, node)
        mine, expected = _owned(node), _owned(before)
        if mine != expected:
            raise NetworkError(
                origin=node.origin,
                what=f"'{names[node]}' has {_listed(mine)}, but shares '{group}' with '{names[before]}' "
                f"({before.origin}), which has {_listed(expected)}",
                hint="layers that share weights have equal (out, in) shapes and both a bias or neither",
            )


def _group(node: Node, names: Mapping[Node, str]) -> str | None:
    """The first part of the names of a layer's own parameters; None if it has none."""
    return next((names[p].partition(".")[0] for p in node.operands if p.role), None)


def _owned(node: Node) -> dict[str, tuple[int, ...]]:
    return {operand.role: operand.shape for operand in node.operands if operand.role}


def _listed(owned: Mapping[str, tuple[int, ...]]) -> str:
    return " and ".join(f"{role} {shape}" for role, shape in owned.items())
