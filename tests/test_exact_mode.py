"""The exact mode: every number against the brute-force Hessian, in every lowering, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

import smgen as sm
from smgen.hessians import Method, lower
from smgen.hessians.cuts import candidates
from smgen.ir import Schedule
from smgen.layers.letters import G, parameter_buffer
from smgen.network import Network
from smgen.passes import run
from smgen.passes.prune import prune
from smgen.targets import TARGETS
from tests import complex_step, oracle
from tests.cuda.emitted import example
from tests.dags import dags
from tests.interpreter import interpret
from tests.lowerings import lower_exact
from tests.networks import CATALOGUE, EXACT, mlp
from tests.support import Array, Params, assert_close, layer_means, module_of, random_case, spec_of
from tests.test_random_dags import moderate, relaxed

TOLERANCE = 1e-12
INEXACT = [name for name in CATALOGUE if name not in EXACT]


def expected(network: Network, params: Params, x: Array, lam: float) -> dict[str, Any]:
    """What every schedule's outputs should be, by buffer name."""
    spec = spec_of(network)
    K, L, dK, dL = oracle.exact_loss_and_grad_terms(spec, params, x, lam)
    found: dict[str, Any] = {"K": K, "L": L, "J": K + L}
    for key in params:
        name = parameter_buffer(key, ()).name
        found |= {f"dK_d{name}": dK[key], f"dL_d{name}": dL[key], f"dJ_d{name}": dK[key] + dL[key]}
    diagonal = np.diagonal(oracle.hessian(spec, params, x), axis1=1, axis2=2)
    return (
        found
        | {"hessian_diagonal": diagonal, "energy": oracle.energy(spec, params, x)}
        | {"score": oracle.score(spec, params, x)}
        | layer_means(network, params, x)
    )


def compare_schedules(network: Network, schedules: tuple[Schedule, ...], seed: int = 3) -> None:
    params, x = random_case(network, seed, samples=3)
    inputs: dict[str, Any] = {parameter_buffer(key, ()).name: value for key, value in params.items()}
    inputs |= {G.of(network.input.name).code: x, "N": np.float64(len(x))}
    wanted = {lam: expected(network, params, x, lam) for lam in (0.0, 0.3)}
    for schedule in schedules:
        for lam in (0.0,) if schedule.function.lam == "zero" else (0.3,):
            for name, value in interpret(schedule, inputs | {"lam": np.float64(lam)}).items():
                assert_close(value, wanted[lam][name], TOLERANCE, f"{schedule.name}, {name}")


def all_cuts(network: Network) -> list[tuple[str, ...]]:
    """No cut, every cut, and each alone: the forward lowering, the backward one, and mixed ones."""
    places = candidates(network)
    return list(dict.fromkeys([(), places, *((place,) for place in places)]))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_lowering_of_the_catalogue(name: str) -> None:
    network = CATALOGUE[name]()
    for cuts in all_cuts(network):
        compare_schedules(network, tuple(run(s, (prune,)) for s in lower_exact(network, cuts)))


@pytest.mark.parametrize("name", INEXACT)
@pytest.mark.parametrize("backend", ["numpy", "c", "cuda"])
def test_passes_leave_the_meaning_alone(name: str, backend: str) -> None:
    network = CATALOGUE[name]()
    for cuts in all_cuts(network):
        compare_schedules(
            network, tuple(run(s, TARGETS[backend].pipeline.passes(1024)) for s in lower_exact(network, cuts))
        )


def compare_module(network: Network, backend: str, samples: int = 3, seed: int = 3) -> None:
    module = module_of(network, backend=backend, hessian="exact")
    params, x = random_case(network, seed, samples)
    spec = spec_of(network)
    diagonal = np.diagonal(oracle.hessian(spec, params, x), axis1=1, axis2=2)
    assert_close(module.hessian_diagonal(params, x), diagonal, TOLERANCE, "hessian")
    assert_close(module.score(params, x), oracle.score(spec, params, x), TOLERANCE, "score")
    for lam in (0.0, 0.3):
        K, L, dK, dL = oracle.exact_loss_and_grad_terms(spec, params, x, lam)
        assert_close(module.loss_terms(params, x, lam), (K, L), TOLERANCE, f"K and L at {lam}")
        J, dJ = module.loss_and_grad(params, x, lam)
        assert_close(J, K + L, TOLERANCE, f"J at {lam}")
        ours = module.loss_and_grad_terms(params, x, lam)
        for key in module.PARAMS:
            assert_close(ours[2][key], dK[key], TOLERANCE, f"dK/d{key} at {lam}")
            assert_close(ours[3][key], dL[key], TOLERANCE, f"dL/d{key} at {lam}")
            assert_close(dJ[key], dK[key] + dL[key], TOLERANCE, f"dJ/d{key} at {lam}")


@pytest.mark.parametrize("name", INEXACT)
def test_modules_of_the_catalogue(name: str) -> None:
    compare_module(CATALOGUE[name](), "numpy")
    compare_module(CATALOGUE[name](), "numpy", samples=1)


@pytest.mark.parametrize("name", ["deep", "shared_weights", "scale_between", "skip_and_branch"])
def test_c_modules_of_the_catalogue(name: str) -> None:
    compare_module(CATALOGUE[name](), "c")
    compare_module(CATALOGUE[name](), "c", samples=1)


@pytest.mark.slow
@settings(relaxed, max_examples=50)
@given(dags())
def test_random_dags(network: Network) -> None:
    assume(moderate(network))
    for cuts in all_cuts(network)[:2]:
        compare_schedules(network, tuple(run(s, (prune,)) for s in lower_exact(network, cuts)))
    compare_module(network, "numpy")


@pytest.mark.parametrize("name", sorted(EXACT))
def test_the_diagonal_code_where_it_is_exact(name: str) -> None:
    network = CATALOGUE[name]()
    assert lower(network, Method("exact")) == lower(network, Method("diagonal"))
    module = module_of(network, hessian="exact")
    assert module.METADATA["exact"] == (name != "relu_net")  # its curvature is all in the kinks
    assert module.METADATA["hessian"] == "exact"


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("name", ["mlp", "skip", "wide"])
def test_networks_of_real_size(name: str, backend: str) -> None:
    """Loss and gradient to 1e-12 of complex steps through the true Hessian, in the lowering the cost model takes."""
    network = mlp(40, (24, 16, 8), sm.softplus, linear_top=True) if name == "wide" else example(name)
    module = module_of(network, backend=backend, hessian="exact")
    params = {key: value.astype(np.float64) for key, value in module.init_params(1).items()}
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, network.input.units))
    for lam in (0.0, 0.3):
        J, gradient = module.loss_and_grad(params, x, lam)
        assert_close(J, complex_step.loss(network, params, x, lam).real, TOLERANCE, "J")
        for key, value in gradient.items():
            direction = rng.standard_normal(value.shape)
            found = complex_step.derivative(network, params, x, lam, key, direction)
            assert_close(np.sum(value * direction), found, TOLERANCE, f"dJ/d{key} at {lam}")
