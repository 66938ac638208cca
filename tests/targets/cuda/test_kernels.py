"""Level 3: the same CUDA C on the CPU. Ragged sizes, three orders of blocks and threads, sanitizers; against NumPy."""

from __future__ import annotations

from functools import partial

import pytest

import smgen as sm
from smgen.network import Network
from tests.networks import CATALOGUE
from tests.support import assert_close, module_of, random_case
from tests.targets.cuda.emitted import DTYPES, EXAMPLES, assert_agrees, cast, example, running
from tests.targets.cuda.emulator.emulator import ORDERS, Emulator, Order

SHAPES = ((1, 2), (2, 1), (3, 5), (5, 3), (127, 128), (128, 127), (128, 4))
SAMPLES = (1, 31, 33, 1000)


def ragged(dim: int, units: int) -> Network:
    """A little of everything, at awkward widths."""
    x = sm.input(dim)
    h = sm.softplus(sm.linear(x, units, name="W"))
    joined = sm.concat(h, sm.scale(x, name="gain"))
    return Network(energy=[sm.tanh(sm.linear(joined, 3, name="V")), sm.square(sm.add(h, h))])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_ragged_sizes(shape: tuple[int, int], dtype: str) -> None:
    network = ragged(*shape)
    for samples in SAMPLES:
        params, x = random_case(network, seed=samples, samples=samples)
        assert_agrees(network, dtype, params, x)


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_any_order_of_threads(name: str, dtype: str, order: Order) -> None:
    network = example(name)
    params, x = random_case(network, seed=5, samples=37)
    assert_agrees(network, dtype, params, x, partial(Emulator, order=order, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ica", "skip"])
def test_examples_under_address_and_undefined_behaviour_sanitizers(name: str) -> None:
    network = example(name)
    params, x = random_case(network, seed=5, samples=5)
    assert_agrees(network, "float32", params, x, partial(Emulator, sanitize="address,undefined"))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_ragged_under_the_sanitizers(dtype: str) -> None:
    network = ragged(3, 5)
    params, x = random_case(network, seed=5, samples=33)
    assert_agrees(network, dtype, params, x, partial(Emulator, sanitize="address,undefined"))


@pytest.mark.slow
def test_one_thread_a_cuda_thread_under_the_thread_sanitizer() -> None:
    """One step with a bias: every kind of kernel there is, each in a program of its own, so on a small network."""
    network = CATALOGUE["raw_log1p"]()
    params, x = cast(*random_case(network, seed=5, samples=3), "float32")
    expected, _ = module_of(network, "float32").loss_and_grad(params, x, 0.3)
    with running(network, "float32", partial(Emulator, sanitize="thread")) as (cuda, cupy):
        there = {key: cupy.asarray(value) for key, value in params.items()}
        J, _ = cuda.loss_and_grad(there, cupy.asarray(x), 0.3)
        assert_close(cupy.asnumpy(J), expected, 1e-5)
