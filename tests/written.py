"""The functions of smgen that make layers on arrays. Here they remember their arguments, for the oracle.

A layer of the compiler has tables made from the options. The oracle is told the options as they were written: networks
of tests call `written.conv2d(…)` in place of `sm.conv2d(…)`, `written.part(h, np.s_[:, 1:])` in place of `h[:, 1:]`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

import smgen as sm
from smgen.layers.nodes import Node
from smgen.layers.protocol import Vertex
from smgen.network import Network
from smgen.network.names import named
from tests import oracle
from tests.oracle import Source, Sum, across, arrays, windows
from tests.oracle.several import Product, Row

P = ParamSpec("P")


@dataclass(frozen=True)
class Call:
    """What a layer was made with."""

    function: str
    options: Mapping[str, Any]
    sources: tuple[Node, ...]

    @property
    def is_composed(self) -> bool:
        """Whether the function makes several layers."""
        return self.function in COMPOSED


COMPOSED = ("logsumexp", "softmax", "norm", "l2_pool", "layer_norm", "group_norm", "matmul", "embedding")
_SOURCES = ("source", "node", "a", "b")
_CALLS: dict[Node, Call] = {}


def _remembered(function: Callable[P, Node]) -> Callable[P, Node]:
    """The function, which remembers the options of each node that it returns."""
    signature = inspect.signature(function)

    @wraps(function)
    def called(*args: P.args, **keywords: P.kwargs) -> Node:
        node = function(*args, **keywords)
        given = signature.bind(*args, **keywords).arguments
        no_options = {"sources", "name", "weights", "bias", *_SOURCES}
        options = {key: value for key, value in given.items() if key not in no_options}
        sources = tuple(given[key] for key in _SOURCES if key in given)
        _CALLS[node] = Call(function.__name__, options, sources)
        return node

    return called


@_remembered
def part(node: Node, index: Any) -> Node:
    """node[index]."""
    return node[index]


conv1d, conv2d = _remembered(sm.conv1d), _remembered(sm.conv2d)
conv_transpose1d, conv_transpose2d = _remembered(sm.conv_transpose1d), _remembered(sm.conv_transpose2d)
avg_pool1d, avg_pool2d, sum_pool = _remembered(sm.avg_pool1d), _remembered(sm.avg_pool2d), _remembered(sm.sum_pool)
upsample, pad = _remembered(sm.upsample), _remembered(sm.pad)
total, mean = _remembered(sm.sum), _remembered(sm.mean)
reshape, flatten, permute = _remembered(sm.reshape), _remembered(sm.flatten), _remembered(sm.permute)
concat = _remembered(sm.concat)
logsumexp, softmax, norm, l2_pool = (_remembered(f) for f in (sm.logsumexp, sm.softmax, sm.norm, sm.l2_pool))
layer_norm, group_norm = _remembered(sm.layer_norm), _remembered(sm.group_norm)
matmul, embedding = _remembered(sm.matmul), _remembered(sm.embedding)


def calls_of(network: Network) -> dict[str, Call]:
    """The calls that made vertices of a network, by the name of the vertex."""
    names = named(network.nodes)
    return {names[node]: _CALLS[node] for node in network.nodes if node in _CALLS}


def source(network: Network, name: str) -> Source:
    """A vertex as the oracle's layers read it."""
    return Source(name, network[name].shape)


def inside(network: Network) -> set[str]:
    """The vertices inside functions that make several layers: the oracle has its own in their place."""
    names = named(network.nodes)
    return {
        names[other]
        for node in network.nodes
        if node in _CALLS and _CALLS[node].is_composed
        for other in _parts(node)
        if other.batched and other is not node
    }


def _parts(node: Node) -> Iterator[Node]:
    """The nodes that the call made which returned this one, itself and parameters among them."""
    nodes = [node]
    while nodes:
        part_of_it = nodes.pop()
        yield part_of_it
        nodes += [operand for operand in part_of_it.operands if operand not in _CALLS[node].sources]


def layers(network: Network, v: Vertex, call: Call) -> tuple[oracle.Layer, ...]:
    """The layers in the oracle's terms. The shape, which the oracle finds out itself, is that of the vertex."""
    if call.is_composed:
        names = named(network.nodes)
        sources = [source(network, names[node]) for node in call.sources]
        (node,) = (node for node, name in names.items() if name == v.name)
        owned = {part_of_it.role: names[part_of_it] for part_of_it in _parts(node) if part_of_it.role}
        return _composed(v, call, sources, tuple(owned[role] for role in ("weight", "bias") if role in owned))
    first, *parameters = v.operands
    weight, bias = (*parameters, None, None)[:2]
    found = _layer(v, call, source(network, first), [source(network, name) for name in v.operands], weight, bias)
    assert found.shape == v.shape, f"{v.name} has shape {v.shape}; by definition it is {found.shape}"
    return (found,)


def _composed(v: Vertex, call: Call, sources: list[Source], keys: tuple[str, ...]) -> tuple[oracle.Layer, ...]:
    options, f = call.options, sources[0]
    match call.function:
        case "logsumexp":
            return across.logsumexp(v.name, f, **options)
        case "softmax":
            return across.softmax(v.name, f, **options)
        case "norm":
            return across.norm(v.name, f, **options)
        case "l2_pool":
            return across.l2_pool(v.name, f, **options)
        case "layer_norm":
            return across.layer_norm(v.name, f, keys, **options)
        case "group_norm":
            return across.group_norm(v.name, f, keys, **options)
        case "matmul":
            return (Product(v.name, f, sources[-1]),)
        case "embedding":
            return (Row(v.name, f.name, keys[0], options["width"]),)
    raise ValueError(call.function)


def _layer(v: Vertex, call: Call, f: Source, sources: list[Source], weight: str | None, bias: str | None) -> Sum:
    options = call.options
    match call.function:
        case "conv1d" | "conv2d":
            assert weight is not None
            return windows.convolution(v.name, f, weight, bias, **options)
        case "conv_transpose1d" | "conv_transpose2d":
            assert weight is not None
            return windows.transposed_convolution(v.name, f, weight, bias, **options)
        case "avg_pool1d" | "avg_pool2d" | "sum_pool":
            return arrays.pooled(v.name, f, **options, mean=call.function != "sum_pool")
        case "upsample":
            return arrays.upsampled(v.name, f, **options)
        case "pad":
            return arrays.padded(v.name, f, **options)
        case "sum" | "mean":
            return arrays.totals(v.name, f, **options, mean=call.function == "mean")
        case "concat":
            return arrays.arranged(v.name, np.concatenate([s.table for s in sources], **options))
        case "reshape":
            return arrays.arranged(v.name, f.table.reshape(options["shape"]))
        case "flatten":
            return arrays.arranged(v.name, f.table.ravel())
        case "permute":
            return arrays.arranged(v.name, f.table.transpose(options["axes"]))
        case "part":
            return arrays.arranged(v.name, np.atleast_1d(f.table[options["index"]]))
    raise ValueError(call.function)
