"""The exact mode: every number against the brute-force Hessian, in every lowering, on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

import smgen as sm
from smgen.hessians import Method, lower
from smgen.network import Network
from smgen.passes import run
from smgen.passes.prune import prune
from smgen.targets import TARGETS
from tests.dags import dags, moderate, relaxed
from tests.hessians import complex_step
from tests.hessians.against_true_hessian import TOLERANCE, all_cuts, compare_module, compare_schedules
from tests.hessians.lowerings import lower_exact
from tests.networks import CATALOGUE, EXACT, mlp
from tests.support import assert_close, module_of
from tests.targets.cuda.emitted import example

INEXACT = [name for name in CATALOGUE if name not in EXACT]


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
            slope = complex_step.derivative(network, params, x, lam, key, direction)
            assert_close(np.sum(value * direction), slope, TOLERANCE, f"dJ/d{key} at {lam}")
