"""Level 4: the emitted Python runs whole against the stand-in for CuPy, within its budgets."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from smgen.errors import BuildError
from smgen.loader import load_source
from smgen.network import Network
from tests.networks import CATALOGUE
from tests.support import random_case, random_conditions
from tests.targets.cuda.emitted import DTYPES, EXAMPLES, cast, example, module_text, running
from tests.targets.cuda.fake_cupy import stand_in

LAMBDAS = (0.0, 0.1)


def counted_step(network: Network, dtype: str, lam: float, samples: int = 40) -> stand_in.Counters:
    """What the second call of loss_and_grad does."""
    params, x = cast(*random_case(network, samples=samples), dtype)
    with running(network, dtype) as (cuda, cupy):
        there, data = {key: cupy.asarray(value) for key, value in params.items()}, cupy.asarray(x)
        conditions = random_conditions(network, samples=samples).items()
        given = {key: cupy.asarray(value.astype(dtype)) for key, value in conditions}
        workspace = cuda.Workspace()
        cuda.loss_and_grad(there, data, lam, workspace=workspace, **given)
        with stand_in.counting() as counters:
            cuda.loss_and_grad(there, data, lam, workspace=workspace, **given)
        return counters


@pytest.mark.parametrize("lam", LAMBDAS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_second_step_neither_waits_nor_allocates(name: str, lam: float) -> None:
    """Conditions are put beside x first, in an array of their own."""
    network, samples = example(name), 40
    counters = counted_step(network, "float32", lam, samples)
    row = sum(v.units for v in network.given)
    assert counters.allocations == ([f"empty of shape {(samples, row)}"] if len(network.given) > 1 else [])
    assert not counters.synchronisations


@pytest.mark.parametrize("lam", LAMBDAS)
def test_launches_of_the_ica_example(lam: float) -> None:
    counters = counted_step(example("ica"), "float32", lam)
    assert len(counters.launches) <= 6
    assert len(counters.products) <= 8


@pytest.mark.parametrize("lam", LAMBDAS)
def test_launches_of_the_three_layer_network(lam: float) -> None:
    """At most two a nonlinearity and sweep, and the reductions: W∘W and the gradients of each layer, and the loss."""
    counters = counted_step(example("mlp"), "float32", lam)
    names = Counter(launch.name.removeprefix("vec4_") for launch in counters.launches)
    reductions = (
        names["column_sum"]
        + names["row_sum"]
        + sum(n for name, n in names.items() if name.startswith(("dJ_dW", "dJ_db", "W_")))
    )
    nonlinearities, sweeps, loss = 3, 4, 2
    assert len(counters.launches) - reductions <= 2 * nonlinearities * sweeps + loss
    assert len(counters.launches) <= 40


def test_every_example_launches_vector_kernels_where_it_can() -> None:
    for launch in counted_step(example("ica"), "float32", 0.1).launches:
        assert launch.name.startswith("vec4_") or launch.name in {"J", "column_sum", "row_sum"}, launch.name


@pytest.mark.parametrize("dtype", DTYPES)
def test_unaligned_data_takes_the_scalar_kernels(dtype: str) -> None:
    network = example("ica")
    params, x = cast(*random_case(network, samples=9), dtype)
    with running(network, dtype) as (cuda, cupy):
        there = {key: cupy.asarray(value) for key, value in params.items()}
        expected, gradient = cuda.loss_and_grad(there, cupy.asarray(x), 0.1)
        expected, gradient = cupy.asnumpy(expected), {key: cupy.asnumpy(value) for key, value in gradient.items()}
        shifted = cupy.asarray(np.concatenate([x.ravel()[:1], x.ravel()]))[1:].reshape(x.shape)
        assert shifted.data.ptr % 16
        with stand_in.counting() as counters:
            J, again = cuda.loss_and_grad(there, shifted, 0.1)
        assert not [launch for launch in counters.launches if launch.name.startswith("vec")]
        np.testing.assert_allclose(cupy.asnumpy(J), expected, rtol=1e-6)
        for key, value in gradient.items():
            np.testing.assert_allclose(cupy.asnumpy(again[key]), value, rtol=1e-3, atol=1e-5)


def test_other_batch_sizes_reuse_the_workspace() -> None:
    network = CATALOGUE["skip_and_branch"]()
    params, x = cast(*random_case(network, samples=40), "float64")
    with running(network, "float64") as (cuda, cupy):
        there = {key: cupy.asarray(value) for key, value in params.items()}
        workspace = cuda.Workspace()
        cuda.loss_and_grad(there, cupy.asarray(x), 0.1, workspace=workspace)
        small = cupy.asarray(x[:7])
        with stand_in.counting() as counters:
            J, _ = cuda.loss_and_grad(there, small, 0.1, workspace=workspace)
        assert not counters.allocations
        fresh, _ = cuda.loss_and_grad(there, small, 0.1, workspace=cuda.Workspace())
        assert cupy.asnumpy(J) == cupy.asnumpy(fresh)


def test_results_of_the_samplers_functions_are_new_arrays() -> None:
    network = example("ica")
    params, x = cast(*random_case(network, samples=9), "float32")
    with running(network, "float32") as (cuda, cupy):
        there, data = {key: cupy.asarray(value) for key, value in params.items()}, cupy.asarray(x)
        for function in ("energy", "score", "hessian_diagonal"):
            kept = getattr(cuda, function)(there, data)
            copy = cupy.asnumpy(kept)
            getattr(cuda, function)(there, cupy.asarray(2 * x))
            np.testing.assert_array_equal(cupy.asnumpy(kept), copy)


def test_selftest_flatten_and_init_params() -> None:
    network = CATALOGUE["ica"]()
    with running(network, "float64") as (cuda, cupy), stand_in.allow_sync():
        assert cuda.selftest()
        params = cuda.init_params(3)
        again = cuda.unflatten(cuda.flatten(params))
        for key, value in params.items():
            np.testing.assert_array_equal(cupy.asnumpy(again[key]), cupy.asnumpy(value))


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("host", "expected a cupy array"),
        ("dtype", "expected dtype float32"),
        ("strided", "C-contiguous"),
        ("width", "shape"),
    ],
)
def test_bad_data_is_refused_before_anything_is_launched(argument: str, complaint: str) -> None:
    network = example("ica")
    params, x = cast(*random_case(network, samples=8), "float32")
    with running(network, "float32") as (cuda, cupy):
        there = {key: cupy.asarray(value) for key, value in params.items()}
        data = {
            "host": x,
            "dtype": cupy.asarray(x.astype(np.float64)),
            "strided": cupy.asarray(np.concatenate([x, x], axis=1))[:, :144],
            "width": cupy.asarray(x[:, :143].copy()),
        }[argument]
        with stand_in.counting() as counters, pytest.raises(ValueError, match=complaint):
            cuda.loss_and_grad(there, data)
        assert not counters.launches


def test_without_cupy_the_module_says_what_to_install() -> None:
    with stand_in.absent(), pytest.raises((ImportError, BuildError), match=r"pip install.*--backend numpy"):
        load_source(module_text(example("ica"), "float32"), "cuda")


def test_without_a_device_the_module_says_so() -> None:
    with (
        stand_in.install(lambda source: None, devices=0),  # type: ignore[arg-type, return-value]
        pytest.raises((ImportError, BuildError), match=r"no CUDA device.*--backend numpy"),
    ):
        load_source(module_text(example("ica"), "float32"), "cuda")


def test_the_source_is_compiled_at_the_first_call_and_looked_up_once() -> None:
    network = example("ica")
    params, x = cast(*random_case(network, samples=8), "float32")
    with running(network, "float32") as (cuda, cupy):
        assert not cuda._kernels
        there = {key: cupy.asarray(value) for key, value in params.items()}
        cuda.loss_and_grad(there, cupy.asarray(x))
        handles = dict(cuda._kernels)
        cuda.loss_and_grad(there, cupy.asarray(x))
        assert handles == cuda._kernels
