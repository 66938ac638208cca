"""The nodes of a network, found from its energy and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from smgen.errors import NetworkError, several, shortened
from smgen.layers.nodes import Node
from smgen.origins import here


def energy_nodes(energy: Node | Sequence[Node]) -> list[Node]:
    """The nodes whose units the energy sums up. Raises `NetworkError` for anything else."""
    roots = [energy] if isinstance(energy, Node) else list(energy) if isinstance(energy, list | tuple) else []
    if not roots or not all(isinstance(root, Node) for root in roots):
        raise NetworkError(
            origin=here(),
            what=f"sm.Network(energy=…) takes a node or a list of nodes; got {shortened(energy)}",
            hint="pass what sm.linear, sm.pointwise, sm.add … returned",
        )
    return roots


_ONE_INPUT: Final = (
    "make one sm.input of all the units. The derivatives by all of them then enter the loss, those by the second "
    "input's too: what only comes with a sample (a label, a condition) does not belong there"
)


def in_order(roots: list[Node]) -> list[Node]:
    """Depth-first order, every node after its operands.

    Raises `NetworkError` on a cycle, on several inputs, and for an energy that does not depend on x.
    """
    order: list[Node] = []
    open_nodes: set[Node] = set()
    stack = [(root, False) for root in reversed(roots)]
    done: set[Node] = set()
    while stack:
        node, operands_done = stack.pop()
        if operands_done:
            open_nodes.discard(node)
            done.add(node)
            order.append(node)
        elif node in open_nodes:
            raise NetworkError(
                origin=node.origin, what=f"{node} depends on itself", hint="a network is a graph without cycles"
            )
        elif node not in done:
            open_nodes.add(node)
            stack.append((node, True))
            stack.extend((i, False) for i in reversed(node.operands) if i not in done)
    inputs = [node for node in order if node.layer.is_data]
    if len(inputs) != 1:
        raise NetworkError(
            origin=inputs[-1].origin if inputs else order[0].origin,
            what=f"the energy must depend on exactly one input; got {several(inputs) or 'none'}",
            hint=_ONE_INPUT
            if inputs
            else "begin with x = sm.input(units): E is a function of x, not of parameters alone",
        )
    for root in roots:
        if not root.depends_on_x:
            what = f"{root} does not depend on x: as an energy it changes no density"
            raise NetworkError(origin=root.origin, what=what, hint="leave it out of energy=")
    return order
