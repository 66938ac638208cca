"""The catalogue of networks on arrays: modules in every mode, and every lowering of the modes with the true Hessian."""

from __future__ import annotations

import numpy as np
import pytest

from smgen.lower.arranged import arranged
from smgen.passes import run
from smgen.passes.prune import prune
from tests.every_mode import BACKENDS, compare, each_mode
from tests.hessians import against_given_probes
from tests.hessians.against_true_hessian import all_cuts, compare_schedules
from tests.hessians.lowerings import lower_exact, lower_probes
from tests.images import IMAGES
from tests.support import assert_close, module_of, random_case


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(IMAGES, often=("convolved_experts", "line"))
def test_modules(name: str, mode: str, backend: str) -> None:
    compare(IMAGES[name](), mode, backend)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_lowerings(name: str) -> None:
    network = IMAGES[name]()
    in_memory = arranged(network)  # its copies are layers too, of which the oracle knows nothing
    for cuts in all_cuts(in_memory):
        schedules = [s for s in lower_exact(in_memory, cuts) if s.name != "layer_means"]
        compare_schedules(network, tuple(run(s, (prune,)) for s in schedules))
    for probes in (1, 3):
        against_given_probes.compare(network, tuple(run(s, (prune,)) for s in lower_probes(in_memory, probes)), probes)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", IMAGES)
def test_images_come_as_arrays_or_as_rows(name: str, backend: str) -> None:
    network = IMAGES[name]()
    module = module_of(network, backend=backend)
    params, x = random_case(network, samples=3)
    image = x.reshape(-1, *network.input.shape)
    for lam in (0.0, 0.3):
        (J, dJ), (J_image, dJ_image) = (module.loss_and_grad(params, data, lam) for data in (x, image))
        assert J_image == J
        for key, value in dJ.items():
            np.testing.assert_array_equal(value, dJ_image[key])
    for function in (module.score, module.hessian_diagonal):
        assert function(params, image).shape == image.shape
        np.testing.assert_array_equal(function(params, image).reshape(x.shape), function(params, x))


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(IMAGES, often=("convolved_experts", "line"))
def test_selftest(name: str, mode: str, backend: str) -> None:
    assert module_of(IMAGES[name](), backend=backend, hessian=mode, probes=2 if mode == "hutchinson" else 1).selftest()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", IMAGES)
def test_float32_follows_float64(name: str, backend: str) -> None:
    network = IMAGES[name]()
    single, double = module_of(network, "float32", backend), module_of(network, backend=backend)
    params, x = random_case(network, 3, samples=16)
    low = {key: value.astype(np.float32) for key, value in params.items()}
    J, gradient = single.loss_and_grad(low, x.astype(np.float32), 0.3)
    exact, expected = double.loss_and_grad(params, x, 0.3)
    assert_close(J, exact, 1e-4, "J")
    for key, value in gradient.items():
        assert value.dtype == np.float32
        assert_close(value, expected[key], 1e-4, key)
