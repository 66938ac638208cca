"""Brute-force oracle: energies, scores, Hessians, score-matching losses and their gradients, from the definitions.

Every unit of every layer is a scalar vertex. First and second derivatives of E by x are Taylor coefficients of
E(x + t v); δ and δ′ of the diagonal recursion are summed edge by edge; gradients by the parameters come from running
either on dual numbers. There is no adjoint anywhere, and nothing is imported from the compiler under test. Sizes: a few
units a layer, a hundred or so parameters. Every function takes a batch x of shape (N, D) and loops over its samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .arithmetic import Dual, Function, Jet, Number, coefficient, derivative_of, taylor, total, value_of
from .functions import MATH, NAMED
from .network import (
    Add,
    Concat,
    Derived,
    Input,
    Joint,
    Layer,
    Linear,
    Params,
    Pointwise,
    Scale,
    Spec,
    Vertex,
    completed,
    edges,
    forward,
    parameter_shapes,
    random_params,
)
from .remembered import remembered

__all__ = [
    "MATH",
    "NAMED",
    "Add",
    "Concat",
    "Derived",
    "Dual",
    "Function",
    "Input",
    "Jet",
    "Joint",
    "Layer",
    "Linear",
    "Number",
    "Pointwise",
    "Scale",
    "Spec",
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
Method: TypeAlias = Callable[[Spec, Params, Sequence[Number]], Derivatives]


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
            delta[j] += delta[k] * edge.first
            delta_prime[j] += delta[k] * edge.second + delta_prime[k] * (edge.first * edge.first)
    inputs = [(layer.name, j) for layer in spec.layers if isinstance(layer, Input) for j in range(layer.units)]
    return [delta[j] for j in inputs], [delta_prime[j] for j in inputs]


def unit_vectors(size: int) -> list[list[float]]:
    """e_1 … e_size."""
    axes: list[list[float]] = np.eye(size).tolist()
    return axes


def energy_number(spec: Spec, params: Params, x: Sequence[Number]) -> Number:
    """E(x) = Σ over the energies, Σ over their units, of one sample and in whatever numbers it comes."""
    g = forward(spec, params, x)
    return total(total(g[name]) for name in spec.energies)


def along(spec: Spec, params: Params, x: Sequence[Number], v: Sequence[float], order: int) -> tuple[Number, ...]:
    """dⁿ/dtⁿ E(x + t v) at t = 0 for n = 0..order (1 or 2): E, vᵀ∇E, vᵀHv."""
    line = [Jet((x_d, float(v_d), *[0.0] * (order - 1))) for x_d, v_d in zip(x, v, strict=True)]
    series = energy_number(spec, params, line)
    return tuple(coefficient(series, n) * (1.0, 1.0, 2.0)[n] for n in range(order + 1))


def exact_derivatives(spec: Spec, params: Params, x: Sequence[Number]) -> Derivatives:
    """δ_d = ∂E/∂x_d and the true ∂²E/∂x_d², from E(x + t e_d)."""
    lines = [along(spec, params, x, axis, order=2) for axis in unit_vectors(len(x))]
    return [line[1] for line in lines], [line[2] for line in lines]


def constants(params: Mapping[str, npt.NDArray[Any]]) -> Params:
    """The parameters as plain floats."""
    return {key: np.asarray(value, np.float64).astype(object) for key, value in params.items()}


def variables(params: Mapping[str, npt.NDArray[Any]]) -> Params:
    """The parameters as duals: entry p of the concatenation of all arrays has the derivative e_p."""
    values = [float(entry) for value in params.values() for entry in np.ravel(value)]
    one_hot = np.eye(len(values))
    return _split(np.array([Dual(value, one_hot[p]) for p, value in enumerate(values)], dtype=object), params)


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


def _samples(x: npt.ArrayLike) -> list[list[float]]:
    samples: list[list[float]] = np.asarray(x, np.float64).tolist()
    return samples


@remembered
def energy(spec: Spec, params: Params, x: npt.ArrayLike) -> Array:
    """E(x), (N,)."""
    return np.array([value_of(energy_number(spec, constants(params), sample)) for sample in _samples(x)])


@remembered
def score(spec: Spec, params: Params, x: npt.ArrayLike) -> Array:
    """−∂E/∂x_d = −d/dt E(x + t e_d), (N, D)."""
    return np.array([
        [-value_of(along(spec, constants(params), sample, axis, order=1)[1]) for axis in unit_vectors(len(sample))]
        for sample in _samples(x)
    ])  # fmt: skip


@remembered
def hessian(spec: Spec, params: Params, x: npt.ArrayLike) -> Array:
    """The true ∂²E/∂x_i∂x_j, (N, D, D): row i is d/dt E(x + t e_i) on x that are duals, so it knows all ∂/∂x_j."""
    rows = []
    for sample in _samples(x):
        axes = unit_vectors(len(sample))
        dual = [Dual(x_j, np.array(axis)) for x_j, axis in zip(sample, axes, strict=True)]
        slopes = [along(spec, constants(params), dual, axis, order=1)[1] for axis in axes]
        rows.append([derivative_of(slope, len(sample)) for slope in slopes])
    return np.array(rows)


@remembered
def hessian_diagonal(spec: Spec, params: Params, x: npt.ArrayLike) -> Array:
    """δ′ at the input by the diagonal recursion of §1.3, (N, D)."""
    recursion = [diagonal_recursion(spec, constants(params), sample) for sample in _samples(x)]
    return np.array([[value_of(number) for number in delta_prime] for _, delta_prime in recursion])


def _mean_terms(method: Method, spec: Spec, params: Params, x: npt.ArrayLike, lam: float) -> tuple[Number, Number]:
    """Batch means of K = ½ Σ_j δ_j² and L = Σ_j (−δ′_j + λ δ′_j²), j over the input vertices."""
    K, L = [], []
    for sample in _samples(x):
        delta, delta_prime = method(spec, params, sample)
        K.append(0.5 * total(d * d for d in delta))
        L.append(total(-d + lam * (d * d) for d in delta_prime))
    return total(K) * (1 / len(K)), total(L) * (1 / len(L))


@remembered
def loss_terms(spec: Spec, params: Params, x: npt.ArrayLike, lam: float) -> tuple[float, float]:
    """(K, L) of the diagonal recursion."""
    K, L = _mean_terms(diagonal_recursion, spec, constants(params), x, lam)
    return value_of(K), value_of(L)


@remembered
def loss_and_grad_terms(spec: Spec, params: Params, x: npt.ArrayLike, lam: float) -> Terms:
    """(K, L, dK, dL) of the diagonal recursion."""
    K, L = _mean_terms(diagonal_recursion, spec, variables(params), x, lam)
    return value_of(K), value_of(L), _gradient(K, params), _gradient(L, params)


@remembered
def exact_loss_terms(spec: Spec, params: Params, x: npt.ArrayLike, lam: float) -> tuple[float, float]:
    """(K, L) with the true ∂²E/∂x_d² for δ′_d."""
    K, L = _mean_terms(exact_derivatives, spec, constants(params), x, lam)
    return value_of(K), value_of(L)


@remembered
def exact_loss_and_grad_terms(spec: Spec, params: Params, x: npt.ArrayLike, lam: float) -> Terms:
    """(K, L, dK, dL) with the true ∂²E/∂x_d² for δ′_d."""
    K, L = _mean_terms(exact_derivatives, spec, variables(params), x, lam)
    return value_of(K), value_of(L), _gradient(K, params), _gradient(L, params)


@remembered
def quadratic_form(spec: Spec, params: Params, x: npt.ArrayLike, v: npt.ArrayLike) -> Array:
    """vᵀHv = d²/dt² E(x + t v) with the true Hessian, (N,); v is (N, D), a row per sample."""
    pairs = zip(_samples(x), _samples(v), strict=True)
    return np.array([value_of(along(spec, constants(params), x_n, v_n, order=2)[2]) for x_n, v_n in pairs])


@remembered
def quadratic_form_and_grad(spec: Spec, params: Params, x: npt.ArrayLike, v: npt.ArrayLike) -> tuple[float, Gradient]:
    """The batch mean of vᵀHv and its gradient."""
    duals = variables(params)
    forms = [along(spec, duals, x_n, v_n, order=2)[2] for x_n, v_n in zip(_samples(x), _samples(v), strict=True)]
    mean = total(forms) * (1 / len(forms))
    return value_of(mean), _gradient(mean, params)
