"""Schedules and modules of the exact mode beside the brute-force Hessian, to 1e-12."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from smgen.hessians.cuts import candidates
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
    layer_means,
    module_of,
    random_case,
    random_conditions,
    spec_of,
)

TOLERANCE: Final = 1e-12


def expected(network: Network, params: Params, x: Array, lam: float) -> dict[str, Any]:
    """What every schedule's outputs should be, by buffer name."""
    spec = spec_of(network)
    K, L, dK, dL = oracle.exact_loss_and_grad_terms(spec, params, x, lam)
    values: dict[str, Any] = {"K": K, "L": L, "J": K + L}
    for key in params:
        name = parameter_buffer(key, ()).name
        values |= {f"dK_d{name}": dK[key], f"dL_d{name}": dL[key], f"dJ_d{name}": dK[key] + dL[key]}
    diagonal = np.diagonal(oracle.hessian(spec, params, x), axis1=1, axis2=2)
    return (
        values
        | {"hessian_diagonal": diagonal, "energy": oracle.energy(spec, params, x)}
        | {"score": oracle.score(spec, params, x)}
        | layer_means(network, params, x)
    )


def compare_schedules(network: Network, schedules: tuple[Schedule, ...], seed: int = 3) -> None:
    params, x = random_case(network, seed, samples=3)
    inputs: dict[str, Any] = {parameter_buffer(key, ()).name: value for key, value in params.items()}
    inputs |= data_buffers(network, x) | {"N": np.float64(len(x))}
    wanted = {lam: expected(network, params, x, lam) for lam in (0.0, 0.3)}
    for schedule in schedules:
        if schedule.function.each or schedule.function.is_general:
            continue  # tests/objectives compares them as modules
        for lam in (0.0,) if schedule.function.lam == "zero" else (0.3,):
            for name, value in interpret(schedule, inputs | {"lam": np.float64(lam)}).items():
                assert_close(value, wanted[lam][name], TOLERANCE, f"{schedule.name}, {name}")


def all_cuts(network: Network) -> list[tuple[str, ...]]:
    """No cut, every cut, and each alone: the forward lowering, the backward one, and mixed ones."""
    places = candidates(network)
    return list(dict.fromkeys([(), places, *((place,) for place in places)]))


def compare_module(network: Network, backend: str, samples: int = 3, seed: int = 3) -> None:
    module = module_of(network, backend=backend, hessian="exact")
    params, x = random_case(network, seed, samples)
    given = random_conditions(network, seed, samples)
    spec = spec_of(network)
    diagonal = np.diagonal(oracle.hessian(spec, params, x, given), axis1=1, axis2=2)
    assert_close(module.hessian_diagonal(params, x, **given), diagonal, TOLERANCE, "hessian")
    assert_close(module.score(params, x, **given), oracle.score(spec, params, x, given), TOLERANCE, "score")
    for lam in (0.0, 0.3):
        K, L, dK, dL = oracle.exact_loss_and_grad_terms(spec, params, x, lam, given)
        assert_close(module.loss_terms(params, x, lam, **given), (K, L), TOLERANCE, f"K and L at {lam}")
        J, dJ = module.loss_and_grad(params, x, lam, **given)
        assert_close(J, K + L, TOLERANCE, f"J at {lam}")
        ours = module.loss_and_grad_terms(params, x, lam, **given)
        for key in module.PARAMS:
            assert_close(ours[2][key], dK[key], TOLERANCE, f"dK/d{key} at {lam}")
            assert_close(ours[3][key], dL[key], TOLERANCE, f"dL/d{key} at {lam}")
            assert_close(dJ[key], dK[key] + dL[key], TOLERANCE, f"dJ/d{key} at {lam}")
