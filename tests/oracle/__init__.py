"""Brute-force oracle: energies, scores, Hessians, score-matching losses and their gradients, from the definitions.

Every unit of every layer is a scalar vertex. First and second derivatives of E by x are Taylor coefficients of
E(x + t v); δ and δ′ of the diagonal recursion are summed edge by edge; gradients by the parameters come from running
either on dual numbers. There is no adjoint anywhere, and nothing is imported from the compiler under test. Sizes: a few
units a layer, a hundred or so parameters. Every function takes a batch x of shape (N, D), and what is given beside x by
the names of conditions, (N, …). Samples, and the directions of derivatives, are lanes of one calculation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .arithmetic import Dual, Function, Jet, Number, coefficient, derivative_of, sum_of_lanes, taylor, total, value_of
from .functions import MATH, NAMED
from .network import (
    Add,
    Concat,
    Derived,
    Input,
    Joint,
    Layer,
    Linear,
    Pointwise,
    Scale,
    Spec,
    completed,
    edges,
    forward,
    parameter_shapes,
    random_params,
)
from .remembered import remembered
from .sums import Params, Source, Sum, Vertex

__all__ = [
    "MATH",
    "NAMED",
    "NOTHING",
    "Add",
    "Concat",
    "Derived",
    "Dual",
    "Function",
    "Given",
    "Input",
    "Jet",
    "Joint",
    "Layer",
    "Linear",
    "Number",
    "Pointwise",
    "Scale",
    "Source",
    "Spec",
    "Sum",
    "energy",
    "exact_loss_and_grad_terms",
    "exact_loss_terms",
    "hessian",
    "hessian_diagonal",
    "loss_and_grad_terms",
    "loss_terms",
    "parameter_shapes",
    "quadratic_form",
    "quadratic_form_and_grad",
    "random_params",
    "score",
    "taylor",
    "value_of",
]  # fmt: skip

Array: TypeAlias = npt.NDArray[np.float64]
Gradient: TypeAlias = dict[str, Array]
Terms: TypeAlias = tuple[float, float, Gradient, Gradient]  # K, L, dK, dL
Derivatives: TypeAlias = tuple[list[Number], list[Number]]  # δ and δ′ at the input
Given: TypeAlias = Mapping[str, npt.NDArray[Any]]
NOTHING: Final[Given] = MappingProxyType({})


def diagonal_recursion(spec: Spec, params: Params, x: Sequence[Number]) -> Derivatives:
    """δ and δ′ at the input by equation (1) and the recursion of §1.3.

    δ_j = [times j is an energy] + Σ_{k∈V_j} δ_k ∂g_k/∂g_j,  δ′_j = Σ_{k∈V_j} δ_k ∂²g_k/∂g_j² + δ′_k (∂g_k/∂g_j)².
    """
    params = completed(spec, params)
    g = forward(spec, params, x)
    delta: dict[Vertex, Number] = {
        (name, j): float(spec.energies.count(name)) for name in g for j in range(len(g[name]))
    }
    delta_prime: dict[Vertex, Number] = dict.fromkeys(delta, 0.0)
    for layer in reversed(spec.layers):  # all children of a layer's units come after it, so its δ, δ′ are complete
        for edge in edges(layer, params, g):
            j, k = edge.j, edge.k
            bend = delta[k] * edge.second + delta_prime[k] * (edge.first * edge.first)
            delta[j], delta_prime[j] = delta[j] + delta[k] * edge.first, delta_prime[j] + bend
    inputs = [(layer.name, j) for layer in spec.layers if isinstance(layer, Input) for j in range(layer.units)]
    return [delta[j] for j in inputs], [delta_prime[j] for j in inputs]


def energy_number(spec: Spec, params: Params, x: Sequence[Number]) -> Number:
    """E(x) = Σ over the energies, Σ over their units, in whatever numbers x comes."""
    g = forward(spec, params, x)
    return total(total(g[name]) for name in spec.energies)


def along(spec: Spec, params: Params, x: Sequence[Number], v: Array, order: int) -> tuple[Number, ...]:
    """dⁿ/dtⁿ E(x + t v) at t = 0 for n = 0..order (1 or 2): E, vᵀ∇E, vᵀHv. v has a row for each lane."""
    line = [Jet((x_d, v_d, *[0.0] * (order - 1))) for x_d, v_d in zip(x, v.T, strict=True)]
    series = energy_number(spec, params, line)
    return tuple(coefficient(series, n) * (1.0, 1.0, 2.0)[n] for n in range(order + 1))


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples as lanes: a number of x for each input, and the parameters with what is given beside x."""

    lanes: int
    x: list[Any]  # numbers that are lanes
    params: Params
    axes: Array

    @classmethod
    def of(cls, params: Params, x: npt.ArrayLike, given: Given, *, each_axis: bool = False) -> Batch:
        """With `each_axis`, a lane for each input of each sample; `axes` has the unit vector of every lane."""
        rows = np.asarray(x, np.float64)
        N, D = rows.shape
        times = D if each_axis else 1
        beside = {name: _units(np.repeat(value, times, axis=0)) for name, value in given.items()}
        lanes = np.repeat(rows, times, axis=0)
        return cls(len(lanes), list(lanes.T), {**params, **beside}, np.tile(np.eye(D), (N, 1)))


def _units(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What is given with every sample as an array of lanes, one for each of its numbers."""
    flat = np.asarray(value, np.float64).reshape(len(value), -1)
    units = np.empty(flat.shape[1], dtype=object)
    for k in range(len(units)):
        units[k] = flat[:, k]
    return units


def exact_derivatives(spec: Spec, params: Params, x: npt.ArrayLike, given: Given) -> Derivatives:
    """δ_d = ∂E/∂x_d and the true ∂²E/∂x_d², from E(x + t e_d): a lane for each d of each sample."""
    batch = Batch.of(params, x, given, each_axis=True)
    _, delta, delta_prime = along(spec, batch.params, batch.x, batch.axes, order=2)
    return [delta], [delta_prime]


def constants(params: Mapping[str, npt.NDArray[Any]]) -> Params:
    """The parameters as plain floats."""
    return {key: np.asarray(value, np.float64).astype(object) for key, value in params.items()}


def variables(params: Mapping[str, npt.NDArray[Any]]) -> Params:
    """The parameters as duals: entry p of the concatenation of all arrays has the derivative e_p, in all lanes."""
    values = [float(entry) for value in params.values() for entry in np.ravel(value)]
    one_hot = np.eye(len(values))
    return _split(np.array([Dual(value, one_hot[p][:, None]) for p, value in enumerate(values)], dtype=object), params)


def _split(flat: npt.NDArray[Any], params: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Undo the concatenation of all parameter arrays."""
    parts: dict[str, npt.NDArray[Any]] = {}
    start = 0
    for key, value in params.items():
        parts[key] = flat[start : start + np.size(value)].reshape(np.shape(value))
        start += np.size(value)
    return parts


def _gradient(a: Number, params: Mapping[str, npt.NDArray[Any]]) -> Gradient:
    return _split(derivative_of(a, sum(np.size(value) for value in params.values())), params)


def _of_lanes(a: Number, lanes: int) -> Array:
    """The values of all lanes."""
    return np.array(np.broadcast_to(value_of(a), lanes))


@remembered
def energy(spec: Spec, params: Params, x: npt.ArrayLike, given: Given = NOTHING) -> Array:
    """E(x), (N,)."""
    batch = Batch.of(constants(params), x, given)
    return _of_lanes(energy_number(spec, batch.params, batch.x), batch.lanes)


@remembered
def score(spec: Spec, params: Params, x: npt.ArrayLike, given: Given = NOTHING) -> Array:
    """−∂E/∂x_d = −d/dt E(x + t e_d), (N, D)."""
    batch = Batch.of(constants(params), x, given, each_axis=True)
    _, slope = along(spec, batch.params, batch.x, batch.axes, order=1)
    return -_of_lanes(slope, batch.lanes).reshape(np.shape(x))


@remembered
def hessian(spec: Spec, params: Params, x: npt.ArrayLike, given: Given = NOTHING) -> Array:
    """The true ∂²E/∂x_i∂x_j, (N, D, D): row i is d/dt E(x + t e_i) on x that are duals, so it knows all ∂/∂x_j."""
    batch = Batch.of(constants(params), x, given, each_axis=True)
    N, D = np.shape(x)
    dual = [Dual(x_j, axis[:, None]) for x_j, axis in zip(batch.x, np.eye(D), strict=True)]
    _, slope = along(spec, batch.params, dual, batch.axes, order=1)
    rows = np.broadcast_to(slope.derivative if isinstance(slope, Dual) else 0.0, (D, batch.lanes))
    return np.array(rows.T).reshape(N, D, D)


@remembered
def hessian_diagonal(spec: Spec, params: Params, x: npt.ArrayLike, given: Given = NOTHING) -> Array:
    """δ′ at the input by the diagonal recursion of §1.3, (N, D)."""
    batch = Batch.of(constants(params), x, given)
    _, delta_prime = diagonal_recursion(spec, batch.params, batch.x)
    return np.stack([_of_lanes(number, batch.lanes) for number in delta_prime], axis=1)


@remembered
def _derivatives(spec: Spec, params: Params, x: npt.ArrayLike, given: Given, exact: bool, dual: bool) -> Derivatives:
    """δ and δ′ of all lanes, with derivatives by the parameters where they are dual: the same for every λ."""
    numbers = variables(params) if dual else constants(params)
    if exact:
        return exact_derivatives(spec, numbers, x, given)
    batch = Batch.of(numbers, x, given)
    return diagonal_recursion(spec, batch.params, batch.x)


def _mean_terms(
    spec: Spec, params: Params, x: npt.ArrayLike, lam: float, given: Given, *, exact: bool, dual: bool
) -> tuple[Number, Number]:
    """Batch means of K = ½ Σ_j δ_j² and L = Σ_j (−δ′_j + λ δ′_j²), j over the input vertices."""
    delta, delta_prime = _derivatives(spec, params, x, given, exact, dual)
    N, D = np.shape(x)
    lanes = N * D if exact else N
    K = sum_of_lanes(0.5 * total(d * d for d in delta), lanes)
    L = sum_of_lanes(total(-d + lam * (d * d) for d in delta_prime), lanes)
    return K * (1 / N), L * (1 / N)


def loss_terms(spec: Spec, params: Params, x: npt.ArrayLike, lam: float, given: Given = NOTHING) -> tuple[float, float]:
    """(K, L) of the diagonal recursion."""
    K, L = _mean_terms(spec, params, x, lam, given, exact=False, dual=False)
    return value_of(K), value_of(L)


def loss_and_grad_terms(spec: Spec, params: Params, x: npt.ArrayLike, lam: float, given: Given = NOTHING) -> Terms:
    """(K, L, dK, dL) of the diagonal recursion."""
    K, L = _mean_terms(spec, params, x, lam, given, exact=False, dual=True)
    return value_of(K), value_of(L), _gradient(K, params), _gradient(L, params)


def exact_loss_terms(
    spec: Spec, params: Params, x: npt.ArrayLike, lam: float, given: Given = NOTHING
) -> tuple[float, float]:
    """(K, L) with the true ∂²E/∂x_d² for δ′_d."""
    K, L = _mean_terms(spec, params, x, lam, given, exact=True, dual=False)
    return value_of(K), value_of(L)


def exact_loss_and_grad_terms(
    spec: Spec, params: Params, x: npt.ArrayLike, lam: float, given: Given = NOTHING
) -> Terms:
    """(K, L, dK, dL) with the true ∂²E/∂x_d² for δ′_d."""
    K, L = _mean_terms(spec, params, x, lam, given, exact=True, dual=True)
    return value_of(K), value_of(L), _gradient(K, params), _gradient(L, params)


@remembered
def quadratic_form(spec: Spec, params: Params, x: npt.ArrayLike, v: npt.ArrayLike, given: Given = NOTHING) -> Array:
    """vᵀHv = d²/dt² E(x + t v) with the true Hessian, (N,); v is (N, D), a row per sample."""
    batch = Batch.of(constants(params), x, given)
    return _of_lanes(along(spec, batch.params, batch.x, np.asarray(v, np.float64), order=2)[2], batch.lanes)


@remembered
def quadratic_form_and_grad(
    spec: Spec,
    params: Params,
    x: npt.ArrayLike,
    v: npt.ArrayLike,
    given: Given = NOTHING,
    weights: npt.ArrayLike | None = None,
) -> tuple[float, Gradient]:
    """The batch mean of vᵀHv, or the sum with a weight for each sample, and its gradient."""
    batch = Batch.of(variables(params), x, given)
    form = along(spec, batch.params, batch.x, np.asarray(v, np.float64), order=2)[2]
    factors: Any = np.full(batch.lanes, 1 / batch.lanes) if weights is None else np.asarray(weights, np.float64)
    weighted = sum_of_lanes(form * factors, batch.lanes)
    return value_of(weighted), _gradient(weighted, params)
