"""Brings the axes of every value into the order in which the layers that read it have them in memory."""

from __future__ import annotations

from dataclasses import replace

from smgen.layers.arrange import arranged_copy
from smgen.layers.orders import Order, channels_last, plain
from smgen.layers.protocol import Vertex
from smgen.network import Network


def arranged(network: Network) -> Network:
    """The network with the order of each vertex, and with a copy of each value that is read in another order."""
    if all(len(v.shape) == 1 for v in network.varying):
        return network
    orders: dict[str, Order] = {}
    copies: dict[tuple[str, Order], str] = {}
    vertices: list[Vertex] = []
    constants = list(network.constants)

    def read(p: str, order: Order) -> str:
        """The name of a vertex in this order."""
        if orders[p] == order:
            return p
        if (p, order) not in copies:
            source = next(v for v in vertices if v.name == p)
            copy = arranged_copy(source, order, f"{p}_{_suffix(source, order)}")
            vertices.append(copy)
            orders[copy.name] = order
            copies[p, order] = copy.name
        return copies[p, order]

    def formed(v: Vertex, p: str) -> str:
        """The name of a constant in the form in which a layer reads it."""
        constant = network[p]
        form = v.layer.form(v, constant)
        if form is None:
            return p
        layer, shape = form
        name = f"{p.replace('.', '_')}_{layer.kind}"
        copy = Vertex(name=name, layer=layer, operands=(p,), inputs=(), shape=shape, origin=v.origin, batched=False)
        if copy not in constants:
            constants.append(copy)
        return name

    for v in network.varying:
        read_by = [p for p in dict.fromkeys(v.operands) if p in orders]
        order, wanted = v.layer.orders(v, {p: orders[p] for p in read_by})
        if v.layer.is_data:
            order = _most_read(network, v)
        names = {p: read(p, wanted[p]) for p in read_by} | {p: formed(v, p) for p in v.constants}
        operands = tuple(names.get(p, p) for p in v.operands)
        reads = tuple(wanted.get(p, ()) for p in v.operands)
        inputs, conditions = (tuple(names[p] for p in group) for group in (v.inputs, v.conditions))
        vertices.append(replace(v, operands=operands, inputs=inputs, conditions=conditions, order=order, reads=reads))
        orders[v.name] = order
    return network.with_vertices(tuple(vertices), tuple(constants))


def _most_read(network: Network, x: Vertex) -> Order:
    """The order of x that most layers read as it is; of equals the order of its shape."""
    readers = network.children(x.name)

    def wanted(k: Vertex, order: Order) -> Order:
        operands = [p for p in k.operands if network[p].batched]
        return k.layer.orders(k, {p: order if p == x.name else plain(network[p].shape) for p in operands})[1][x.name]

    candidates = dict.fromkeys([plain(x.shape), *(wanted(k, plain(x.shape)) for k in readers)])
    return max(candidates, key=lambda order: sum(wanted(k, order) == order for k in readers))


def _suffix(v: Vertex, order: Order) -> str:
    if order == channels_last(v.shape):
        return "channels_last"
    return "as_written" if order == plain(v.shape) else "axes_" + "_".join(map(str, order))
