"""Schedules and modules of the Hutchinson mode beside the true Hessian's quadratic forms, to 1e-12."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Final

import numpy as np

from smgen.ir import Schedule
from smgen.layers.letters import parameter_buffer
from smgen.network import Network
from tests import oracle
from tests.interpreter import interpret
from tests.support import (
    Array,
    Params,
    assert_close,
    data_buffers,
    given_buffers,
    module_of,
    random_case,
    random_conditions,
    spec_of,
)

TOLERANCE: Final = 1e-12


def brute_force(
    network: Network, params: Params, x: Array, v: Array, lam: float, given: oracle.Given = oracle.NOTHING
) -> float:
    """J for given probes, from the true Hessian."""
    spec = spec_of(network)
    H = oracle.hessian(spec, params, x, given)
    z = v * np.einsum("nde,npe->npd", H, v)
    P = v.shape[1]
    K = 0.5 * np.sum(oracle.score(spec, params, x, given) ** 2, axis=1)
    L = -z.sum(axis=(1, 2)) / P
    if lam:
        pairs = sum(z[:, p] * z[:, q] for p, q in permutations(range(P), 2))
        L = L + lam * pairs.sum(axis=1) / (P * (P - 1))
    return float(np.mean(K + L))


def brute_force_gradient(
    network: Network, params: Params, x: Array, v: Array, lam: float, given: oracle.Given = oracle.NOTHING
) -> Params:
    """The gradient of J, from that of quadratic forms: z_p = v_p ∘ H v_p is ¼ ((v_p + e)ᵀH(v_p + e) − …)."""
    spec = spec_of(network)
    _, _, dK, _ = oracle.loss_and_grad_terms(spec, params, x, 0.0, given)
    N, P, D = v.shape
    pulls = np.full((N, P, D), -1.0 / P)
    if lam:
        z = v * np.einsum("nde,npe->npd", oracle.hessian(spec, params, x, given), v)
        pulls += 2 * lam * (z.sum(axis=1, keepdims=True) - z) / (P * (P - 1))
    # ∂(uᵀHv) = ¼ ∂((u + v)ᵀH(u + v) − (u − v)ᵀH(u − v)), for all samples and probes at once
    u, rows = (pulls * v).reshape(N * P, D), v.reshape(N * P, D)
    weights = np.repeat([1 / (4 * N), -1 / (4 * N)], N * P)
    lines = np.concatenate([rows + u, rows - u])
    samples = np.tile(np.repeat(x, P, axis=0), (2, 1))
    beside = {name: np.concatenate(2 * [np.repeat(value, P, axis=0)]) for name, value in given.items()}
    _, forms = oracle.quadratic_form_and_grad(spec, params, samples, lines, beside, weights)
    return {key: dK[key] + forms[key] for key in dK}


def compare(network: Network, schedules: tuple[Schedule, ...], probes: int) -> None:
    params, x = random_case(network, 3, samples=2)
    v = np.random.default_rng(1).normal(size=(2, probes, network.input.units))
    inputs: dict[str, Any] = {parameter_buffer(key, ()).name: value for key, value in params.items()}
    inputs |= data_buffers(network, x) | {"N": np.float64(2), "probes": v if probes > 1 else v[:, 0]}
    for schedule in schedules:
        if not schedule.function.is_loss:
            continue
        lam = 0.0 if schedule.function.lam == "zero" else 0.3
        weights = given_buffers(schedule, len(x), ones=True)
        found = interpret(schedule, inputs | weights | {"lam": np.float64(lam)})
        J = found["J"] if "J" in found else found["K"] + found["L"]
        assert_close(J, brute_force(network, params, x, v, lam), TOLERANCE, f"{schedule.name}, J")
        if schedule.function.gradients:
            gradient = brute_force_gradient(network, params, x, v, lam)
            for key, value in gradient.items():
                name = parameter_buffer(key, ()).name
                ours = found.get(f"dJ_d{name}", None)
                ours = found[f"dK_d{name}"] + found[f"dL_d{name}"] if ours is None else ours
                assert_close(ours, value, TOLERANCE, f"{schedule.name}, {key}")


def compare_module(network: Network, backend: str, probes: int, samples: int = 2) -> None:
    params, x = random_case(network, 3, samples)
    given = random_conditions(network, 3, samples)
    module = module_of(network, backend=backend, hessian="hutchinson", probes=probes)
    v = np.random.default_rng(1).normal(size=(samples, probes, network.input.units))
    H = oracle.hessian(spec_of(network), params, x, given)
    diagonal = np.mean(v * np.einsum("nde,npe->npd", H, v), axis=1)
    assert_close(module.hessian_diagonal(params, x, probes=v, **given), diagonal, TOLERANCE, "diagonal")
    for lam in (0.0, 0.3) if probes > 1 else (0.0,):
        expected = brute_force(network, params, x, v, lam, given)
        assert_close(module.loss(params, x, lam, probes=v, **given), expected, TOLERANCE, f"J at {lam}")
        J, gradient = module.loss_and_grad(params, x, lam, probes=v, **given)
        assert_close(J, expected, TOLERANCE, f"J with gradient at {lam}")
        for key, value in brute_force_gradient(network, params, x, v, lam, given).items():
            assert_close(gradient[key], value, TOLERANCE, f"dJ/d{key} at {lam}")
        _, _, dK, dL = module.loss_and_grad_terms(params, x, lam, probes=v, **given)
        for key, value in gradient.items():
            assert_close(dK[key] + dL[key], value, TOLERANCE, f"dK + dL of {key} at {lam}")
