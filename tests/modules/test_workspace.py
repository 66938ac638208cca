"""Memory: allocated once, reused, never handed out."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tests.networks import CATALOGUE
from tests.support import module_of, random_case

SAMPLES = 5000


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("lam", [0.0, 0.1])
def test_a_second_call_allocates_nothing_of_the_batch_size(name: str, lam: float) -> None:
    network = CATALOGUE[name]()
    for dtype in ("float32", "float64"):
        module = module_of(network, dtype)
        params, x = random_case(network, samples=SAMPLES)
        params = {key: value.astype(dtype) for key, value in params.items()}
        x = x.astype(dtype)
        workspace = module.Workspace()
        with np.errstate(all="ignore"):
            first, _ = module.loss_and_grad(params, x, lam, workspace=workspace)
            tracemalloc.start()
            second, _ = module.loss_and_grad(params, x, lam, workspace=workspace)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        # One float a sample would already be more; numpy's own buffers for casting sums take 8192 values.
        assert peak < SAMPLES * x.itemsize + 8192 * 8 * 2, f"{peak} bytes in {dtype}"
        assert first == second or np.isnan(first)


def test_results_are_not_views_of_the_workspace() -> None:
    network = CATALOGUE["skip_and_branch"]()
    module = module_of(network)
    params, x = random_case(network, samples=6)
    for function in ("energy", "score", "hessian_diagonal"):
        kept = getattr(module, function)(params, x)
        copy = kept.copy()
        module.loss_and_grad(params, 2 * x)
        getattr(module, function)(params, 3 * x)
        np.testing.assert_array_equal(kept, copy)
    workspace = module.Workspace()
    _, gradient = module.loss_and_grad(params, x, 0.1, workspace=workspace)
    copies = {key: value.copy() for key, value in gradient.items()}
    module.loss_and_grad(params, 2 * x, 0.1, workspace=workspace)
    for key, value in gradient.items():
        np.testing.assert_array_equal(value, copies[key])


@pytest.mark.parametrize("name", CATALOGUE)
def test_inputs_are_left_alone(name: str) -> None:
    network = CATALOGUE[name]()
    module = module_of(network)
    params, x = random_case(network, samples=5)
    before, x_before = {key: value.copy() for key, value in params.items()}, x.copy()
    for function in ("energy", "score", "hessian_diagonal", "loss_terms", "loss_and_grad", "loss_and_grad_terms"):
        result: Any = getattr(module, function)(params, x)
        if isinstance(result, np.ndarray):
            result[...] = np.nan
    np.testing.assert_array_equal(x, x_before)
    for key, value in params.items():
        np.testing.assert_array_equal(value, before[key])


def test_one_workspace_serves_any_number_of_samples() -> None:
    network = CATALOGUE["skip_and_branch"]()
    module = module_of(network)
    params, x = random_case(network, samples=40)
    workspace = module.Workspace()
    for count in (7, 40, 1, 40, 13):
        J, gradient = module.loss_and_grad(params, x[:count], 0.1, workspace=workspace)
        fresh, fresh_gradient = module.loss_and_grad(params, x[:count], 0.1, workspace=module.Workspace())
        assert fresh == J
        for key, value in gradient.items():
            np.testing.assert_array_equal(value, fresh_gradient[key])


def test_threads_do_not_share() -> None:
    network = CATALOGUE["deep"]()
    module = module_of(network)
    params, x = random_case(network, samples=200)
    expected = [module.loss(params, x * k, 0.1) for k in range(1, 5)]
    losses: dict[int, set[float]] = {k: set() for k in range(1, 5)}

    def work(k: int) -> None:
        for _ in range(20):
            losses[k].add(module.loss_and_grad(params, x * k, 0.1)[0])

    threads = [threading.Thread(target=work, args=(k,)) for k in losses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [list(losses[k]) for k in losses] == [[value] for value in expected]
