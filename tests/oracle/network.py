"""What a network is to the oracle: its description, the values of its scalar vertices, and the edges between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .arithmetic import Function, Number, taylor, total
from .several import Given, Greatest, Product, Row
from .sums import Params, Sum, Vertex  # inside, parameters are arrays of objects, each a float or a dual


@dataclass(frozen=True, slots=True)
class Input:
    """The data vector x; a network has one."""

    name: str
    units: int


@dataclass(frozen=True, slots=True)
class Linear:
    """g_k = Σ_j w_kj g_j + b_k; `weight` and `bias` are keys of the parameters, which layers may share."""

    name: str
    src: str
    units: int
    weight: str
    bias: str | None = None


@dataclass(frozen=True, slots=True)
class Pointwise:
    """g_k = f(g_k of src)."""

    name: str
    src: str
    function: Function


@dataclass(frozen=True, slots=True)
class Joint:
    """g_k = f(g_k of each of srcs, θ_k of each of keys); parameters are repeated to `shape` as NumPy does it."""

    name: str
    srcs: tuple[str, ...]
    keys: tuple[str, ...]
    function: Callable[..., Number]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Add:
    """g_k = Σ over the sources of their g_k; a source named twice is added twice."""

    name: str
    srcs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concat:
    """The sources' units, copied one after the other."""

    name: str
    srcs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """g_k = s_k · (g_k of src); `gain` is the key of s."""

    name: str
    src: str
    gain: str


Layer: TypeAlias = Input | Linear | Pointwise | Joint | Add | Concat | Scale | Sum | Given | Greatest | Product | Row


@dataclass(frozen=True, slots=True)
class Derived:
    """What is made of parameters, entry by entry, and used like one: f(θ, …), in this shape."""

    name: str
    keys: tuple[str, ...]
    function: Callable[..., Number]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """Layers, sources first, and the layers whose units sum to E; one named twice counts twice."""

    layers: tuple[Layer, ...]
    energies: tuple[str, ...]
    derived: tuple[Derived, ...] = ()


def completed(spec: Spec, params: Params) -> Params:
    """The parameters, and what is made of them."""
    found = dict(params)
    for derived in spec.derived:
        function = np.frompyfunc(derived.function, len(derived.keys), 1)
        entries: Any = function(*(found[key] for key in derived.keys))
        found[derived.name] = np.broadcast_to(entries, derived.shape)
    return found


@dataclass(frozen=True, slots=True)
class Edge:
    """j → k: g_k is computed from g_j; first = ∂g_k/∂g_j, second = ∂²g_k/∂g_j²."""

    j: Vertex
    k: Vertex
    first: Number
    second: Number


def forward(spec: Spec, params: Params, x: Sequence[Number]) -> dict[str, list[Number]]:
    """g of every layer's units for one sample."""
    params = completed(spec, params)
    g: dict[str, list[Number]] = {}
    for layer in spec.layers:
        match layer:
            case Input(units=units):
                assert len(x) == units
                values = list(x)
            case Linear(src=src):
                values = [total(w * f for w, f in zip(row, g[src], strict=True)) for row in params[layer.weight]]
                if layer.bias is not None:
                    values = [v + b for v, b in zip(values, params[layer.bias], strict=True)]
            case Pointwise(src=src, function=function):
                values = [function(f) for f in g[src]]
            case Joint():
                values = [layer.function(*arguments) for arguments in arguments_of(layer, params, g)]
            case Add(srcs=srcs):
                values = [total(unit) for unit in zip(*(g[src] for src in srcs), strict=True)]
            case Concat(srcs=srcs):
                values = [f for src in srcs for f in g[src]]
            case Scale(src=src, gain=gain):
                values = [s * f for s, f in zip(params[gain], g[src], strict=True)]
            case Sum() | Given() | Greatest() | Product() | Row():
                values = layer.values(params, g)
        g[layer.name] = values
    return g


def arguments_of(layer: Joint, params: Params, g: Mapping[str, Sequence[Number]]) -> list[tuple[Number, ...]]:
    """What f is called with, by unit."""
    rows = [list(g[src]) for src in layer.srcs]
    rows += [list(np.broadcast_to(params[key], layer.shape).flat) for key in layer.keys]
    return list(zip(*rows, strict=True))


def _moved(function: Callable[..., Number], arguments: Sequence[Number], n: int, value: Number) -> Number:
    return function(*arguments[:n], value, *arguments[n + 1 :])


def edges(layer: Layer, params: Params, g: Mapping[str, Sequence[Number]]) -> list[Edge]:
    """All edges into the units of one layer."""
    name, units = layer.name, range(len(g[layer.name]))
    match layer:
        case Input():
            return []
        case Linear(src=src, weight=weight):
            parents = range(len(g[src]))
            return [Edge((src, j), (name, k), params[weight][k, j], 0.0) for k in units for j in parents]
        case Pointwise(src=src, function=function):
            series = [taylor(function, f, order=2) for f in g[src]]
            return [Edge((src, k), (name, k), f_prime, f_second) for k, (_, f_prime, f_second) in enumerate(series)]
        case Joint(srcs=srcs):
            found = []
            for k, arguments in enumerate(arguments_of(layer, params, g)):
                for n, src in enumerate(srcs):
                    _, first, second = taylor(partial(_moved, layer.function, arguments, n), arguments[n], order=2)
                    found.append(Edge((src, k), (name, k), first, second))
            return found
        case Add(srcs=srcs):
            times = Counter(srcs)
            return [Edge((src, k), (name, k), float(times[src]), 0.0) for src in times for k in units]
        case Concat(srcs=srcs):
            sources = [(src, j) for src in srcs for j in range(len(g[src]))]
            return [Edge(source, (name, k), 1.0, 0.0) for k, source in enumerate(sources)]
        case Scale(src=src, gain=gain):
            return [Edge((src, k), (name, k), params[gain][k], 0.0) for k in units]
        case Given() | Greatest() | Product() | Row():
            return [Edge(j, (name, k), slope, 0.0) for j, k, slope in layer.slopes(g)]
        case Sum():
            slopes = enumerate(layer.slopes(params))
            return [Edge(j, (name, k), slope, 0.0) for k, row in slopes for j, slope in row.items()]


def count_units(layer: Layer, units: Mapping[str, int]) -> int:
    """How many units the layer has, given its sources'."""
    match layer:
        case Input(units=own) | Linear(units=own) | Given(units=own):
            return own
        case Pointwise(src=src) | Scale(src=src):
            return units[src]
        case Joint(srcs=srcs):
            return units[srcs[0]]
        case Add(srcs=srcs):
            (common,) = {units[src] for src in srcs}
            return common
        case Concat(srcs=srcs):
            return sum(units[src] for src in srcs)
        case Sum(shape=shape):
            return prod(shape)
        case Greatest() | Product() | Row():
            return layer.units


def own_shapes(layer: Layer, units: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Key → shape of the parameters one layer uses."""
    match layer:
        case Linear(weight=weight, bias=bias):
            shapes: dict[str, tuple[int, ...]] = {weight: (layer.units, units[layer.src])}
            return shapes if bias is None else shapes | {bias: (layer.units,)}
        case Scale(src=src, gain=gain):
            return {gain: (units[src],)}
        case _:
            return {}


def parameter_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Key → shape, in order of first use: weights (out, in), biases (out,), gains (units,)."""
    units: dict[str, int] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in spec.layers:
        units[layer.name] = count_units(layer, units)
        for key, shape in own_shapes(layer, units).items():
            if shapes.setdefault(key, shape) != shape:
                raise ValueError(f"{layer.name}: parameter {key!r} is {shapes[key]} elsewhere and {shape} here")
    return shapes


def random_params(spec: Spec, seed: int) -> dict[str, npt.NDArray[np.float64]]:
    """Moderate values: weights N(0, 1/in), biases N(0, 0.3²), gains uniform on [0.5, 1.5]."""
    rng = np.random.default_rng(seed)
    gains = {layer.gain for layer in spec.layers if isinstance(layer, Scale)}
    params: dict[str, npt.NDArray[np.float64]] = {}
    for key, shape in parameter_shapes(spec).items():
        if key in gains:
            params[key] = rng.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            params[key] = rng.normal(0.0, 0.3, shape)
        else:
            params[key] = rng.normal(0.0, shape[1] ** -0.5, shape)
    return params
