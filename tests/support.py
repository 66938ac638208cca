"""What the suites share: networks as modules without files, and the bridge to the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.build import Options, build_info, source
from smgen.ir import Schedule
from smgen.layers.along_axes import AlongAxes
from smgen.layers.arrange import Reshape
from smgen.layers.concat import Concat
from smgen.layers.condition import Condition
from smgen.layers.data import Data
from smgen.layers.dense import Dense
from smgen.layers.letters import G as G_BUFFER
from smgen.layers.pointwise import Pointwise
from smgen.loader import load_source
from smgen.network import Network, Vertex
from tests import oracle, written
from tests.oracle import arrays
from tests.oracle.network import forward
from tests.oracle.several import Given

Array = npt.NDArray[Any]
Params = dict[str, Array]


@lru_cache(maxsize=512)
def module_of(
    network: Network,
    dtype: str = "float64",
    backend: str = "numpy",
    hessian: str = "diagonal",
    probes: int = 1,
    distribution: str = "rademacher",
    memory: int | None = None,
    objective: str | None = None,
    functions: str | None = None,
) -> ModuleType:
    """The generated module of a network, compiled in memory."""
    options = Options(
        backend=backend,
        dtype=dtype,
        hessian=hessian,
        batch_size=1024,
        probes=probes,
        distribution=distribution,
        memory=memory,
        objective=objective,
        functions=functions,
    )
    info = build_info(network, Path("net.py"), options)
    return load_source(source(network, info), network.fingerprint[:8])


_ORACLE_FUNCTIONS = {
    **oracle.MATH,
    **oracle.NAMED,
    "ndtr": lambda u: 0.5 * (1 + oracle.MATH["erf"](u / np.sqrt(2.0))),
    "absolute": oracle.MATH["Abs"],
    "gaussian": lambda u, c: oracle.MATH["exp"](-float(c) * u * u),
}


def spec_of(network: Network) -> oracle.Spec:
    """The network in the oracle's own terms; nonlinearities, and options of `tests.written`, as the user wrote them."""
    calls = written.calls_of(network)
    # equal networks can be written in several ways, and each is asked about
    return _spec(network, calls) if calls else _remembered_spec(network)


@lru_cache(maxsize=512)
def _remembered_spec(network: Network) -> oracle.Spec:
    return _spec(network, {})


def _spec(network: Network, calls: Mapping[str, written.Call]) -> oracle.Spec:
    inside = written.inside(network) if calls else set[str]()
    layers = [
        layer
        for v in network.varying
        if v.name not in inside
        for layer in (written.layers(network, v, calls[v.name]) if v.name in calls else (_layer(network, v),))
    ]
    energies = tuple(name for name, count in network.energies for _ in range(count))
    return oracle.Spec(tuple(layers), energies, tuple(_derived(v) for v in network.constants if v.operands))


def _derived(v: Vertex) -> oracle.Derived:
    function = _function(v, v.operands) if isinstance(v.layer, Pointwise) else _same
    return oracle.Derived(v.name, v.operands, function, v.shape)


def _same(value: oracle.Number) -> oracle.Number:
    return value


def _function(v: Vertex, operands: tuple[str, ...]) -> Callable[..., oracle.Number]:
    """f with its arguments in this order."""
    assert isinstance(v.layer, Pointwise)
    symbol = dict(zip(v.operands, v.layer.symbols, strict=True))
    function: Callable[..., oracle.Number] = sp.lambdify(
        [symbol[p] for p in operands], v.layer.expr, modules=[_ORACLE_FUNCTIONS]
    )
    return function


def _layer(network: Network, v: Vertex) -> oracle.Layer:
    match v.layer:
        case Data():
            return oracle.Input(v.name, v.units)
        case Condition():
            return Given(v.name, v.units)
        case Dense():
            source, weight, *bias = v.operands
            if len(v.shape) > 1:
                return arrays.linear(v.name, written.source(network, source), v.shape[-1], weight, *bias or (None,))
            return oracle.Linear(v.name, source, v.units, weight, *bias)
        case Pointwise(arity=1):
            return oracle.Pointwise(v.name, (*v.inputs, *v.conditions)[0], _function(v, v.operands))
        case Pointwise(expr=expr, symbols=symbols) if expr == sp.Add(*symbols) and not v.constants:
            return oracle.Add(v.name, v.operands)
        case Concat(axis=0) | Reshape():
            return oracle.Concat(v.name, v.operands)
        case AlongAxes(word="broadcast"):
            (operand,) = v.operands
            return arrays.arranged(v.name, np.broadcast_to(written.source(network, operand).table, v.shape))
        case Pointwise():
            varying = (*v.inputs, *v.conditions)
            return oracle.Joint(v.name, varying, v.constants, _function(v, (*varying, *v.constants)), v.shape)
    raise TypeError(f"{v.layer}: write it with tests.written, which remembers its options")


def layer_means(network: Network, params: Params, x: Array) -> dict[str, Array]:
    """The mean over the units of every layer, by the buffers that the function `layer_means` returns."""
    spec = spec_of(network)
    constants = oracle.constants(params)
    rows: list[dict[str, Any]] = [dict(forward(spec, constants, [float(value) for value in sample])) for sample in x]
    sizes = {v.name: v.units for v in network.vertices if v.name in rows[0]}
    return {
        f"mean_{G_BUFFER.of(name).code}": np.array([float(sum(row[name])) / units for row in rows])
        for name, units in sizes.items()
    }


def random_case(network: Network, seed: int = 0, samples: int = 4) -> tuple[Params, Array]:
    """Parameters and data of moderate size in float64."""
    rng = np.random.default_rng(seed)
    params = {
        key: rng.normal(
            0.5 if key.endswith("gain") else 0.0, 1.0 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.5, shape
        )
        for key, shape in network.parameters.items()
    }
    return params, rng.normal(size=(samples, network.input.units))


def random_conditions(network: Network, seed: int = 0, samples: int = 4) -> dict[str, Array]:
    """What is given beside x in float64, by name: labels where labels are read, else numbers greater than 0."""
    rng = np.random.default_rng([seed, 1])
    given = dict[str, Array]()
    for v in network.given[1:]:
        counts = [reader.layer.labels for reader in network.varying if v.name in reader.operands]
        labels = next((count for count in counts if count is not None), None)
        shape = (samples, *v.shape)
        values = rng.uniform(0.3, 1.5, shape) if labels is None else rng.integers(0, labels, shape).astype(float)
        given[v.name] = values[:, 0] if v.shape == (1,) else values
    return given


def data_buffers(network: Network, x: Array) -> dict[str, Array]:
    """x under the names that a schedule has for its argument: an image comes as a row and is copied into its places."""
    name = G_BUFFER.of(network.input.name).code
    return {name: x, f"{name}_rows": x}


def given_buffers(schedule: Schedule, samples: int, *, ones: bool = False) -> dict[str, Array]:
    """What comes with the data of a schedule, at random and above 0, or ones."""
    rng, found = np.random.default_rng(7), {}
    for given in schedule.function.given:
        buffer = next(b for b in schedule.inputs if b.name == given.name)
        shape = (samples, *buffer.layout.units)
        found[given.name] = np.ones(shape) if ones else rng.uniform(0.3, 1.5, shape)
    return found


def assert_close(actual: Any, expected: Any, relative: float, what: str = "") -> None:
    """Equal to `relative` of the largest entry of `expected`, or of 1 if that is larger."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    scale = max(float(np.max(np.abs(expected), initial=0.0)), 1.0)
    error = float(np.max(np.abs(actual - expected), initial=0.0)) / scale
    assert error <= relative, f"{what}: relative error {error:.2e}"
