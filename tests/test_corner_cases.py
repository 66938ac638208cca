"""What a reviewer tried, so that it stays mended."""

from __future__ import annotations

import time

import numpy as np
import pytest
import sympy

import smgen as sm
from smgen.analysis.exactness import verdict
from smgen.calculus.derivatives import differentiate
from smgen.calculus.primitives import G
from smgen.errors import UnsupportedNonlinearity
from smgen.layers.pointwise import Pointwise
from smgen.network import Network
from smgen.numerics.one_operand import numerics
from tests.against_oracle import compare
from tests.support import assert_close, module_of, random_case
from tests.targets.cuda.emitted import assert_agrees, cast, running
from tests.targets.cuda.fake_cupy import stand_in

NAMES = [("a", "a_result"), ("a", "a_i"), ("t", "t_x4"), ("a", "a_copy"), ("a", "a_at"), ("a", "a_parts"), ("a", "a_2")]


@pytest.mark.parametrize("names", NAMES, ids="-".join)
def test_names_do_not_collide_in_cuda_modules(names: tuple[str, str]) -> None:
    x = sm.input(4)
    first, second = sm.linear(x, 4, name=names[0]), sm.linear(x, 4, name=names[1])
    both = sm.concat(sm.tanh(first), sm.softplus(second), name=f"both_{names[1]}")
    network = Network(energy=[sm.silu(sm.linear(both, 4, name="top")), sm.tanh(sm.add(first, second))])
    assert_agrees(network, "float64", *random_case(network, samples=9))


def test_the_next_call_leaves_a_loss_alone() -> None:
    network = Network(energy=sm.logcosh(sm.linear(sm.input(4), 5)))
    params, x = cast(*random_case(network, samples=9), "float64")
    with running(network, "float64") as (cuda, cupy):
        there, data = {key: cupy.asarray(value) for key, value in params.items()}, cupy.asarray(x)
        J, _ = cuda.loss_and_grad(there, data, 0.1)
        first = cuda.loss(there, data, 0.1)
        second = cuda.loss(there, cupy.asarray(2 * x), 0.1)
        assert cupy.asnumpy(J) == cupy.asnumpy(first) != cupy.asnumpy(second)


def test_a_first_layer_of_one_unit_allocates_nothing_either() -> None:
    network = Network(energy=sm.softplus(sm.linear(sm.input(5), 1)))
    params, x = cast(*random_case(network, samples=40), "float32")
    with running(network, "float32") as (cuda, cupy):
        there, data = {key: cupy.asarray(value) for key, value in params.items()}, cupy.asarray(x)
        cuda.loss_and_grad(there, data)
        with stand_in.counting() as counters:
            cuda.loss_and_grad(there, data)
        assert not counters.allocations
        assert cuda.Workspace.nbytes(40) > 40 * 5 * 4


@pytest.mark.slow
def test_float32_gradients_of_a_million_samples() -> None:
    """Sums over the batch keep their digits: a plain float32 sum of 2 million rows is off by 1e-3."""
    network = Network(energy=sm.scale(sm.softplus(sm.linear(sm.input(3), 4)), name="gain"))
    params, x = random_case(network, samples=2_000_000)
    low = {key: value.astype(np.float32) for key, value in params.items()}
    _, single = module_of(network, "float32").loss_and_grad(low, x.astype(np.float32), 0.1)
    exact = {key: value.astype(np.float64) for key, value in low.items()}
    _, double = module_of(network).loss_and_grad(exact, x.astype(np.float32).astype(np.float64), 0.1)
    for key, value in double.items():
        assert_close(single[key], value, 2e-6, key)


def test_inputs_may_be_very_wide() -> None:
    x = sm.input(140_000)
    assert verdict(Network(energy=sm.logcosh(sm.linear(x, 3, bias=False)))).exact
    assert not verdict(Network(energy=sm.logcosh(sm.linear(sm.linear(x, 3), 2)))).exact


def test_a_sum_of_many_terms_has_letters_enough() -> None:
    g = sm.linear(sm.input(2), 2)
    terms = [sympy.sin(sympy.Rational(k, 7) * G + k) * sympy.cos(sympy.Rational(k, 9) * G) for k in range(1, 31)]
    compare(Network(energy=sm.pointwise(g, sympy.Add(*terms))), seed=0)


def test_an_involved_expression_is_differentiated_in_seconds() -> None:
    start = time.process_time()
    e = sympy.log(1 + G**2 + sympy.exp(-G)) * sympy.sin(G) + sympy.erf(G) * sympy.atan(G) / (1 + G**2)
    differentiate(e + sympy.sqrt(2 + sympy.cos(G)))
    assert time.process_time() - start < 5


def test_a_constant_that_the_dtype_cannot_hold_is_refused() -> None:
    network = Network(energy=sm.pointwise(sm.input(2), lambda g: 1e40 * sympy.tanh(g)))
    vertex = network.vertices[-1]
    assert isinstance(vertex.layer, Pointwise)
    with pytest.raises(UnsupportedNonlinearity, match="float32 cannot hold"):
        numerics(vertex, "float32")
    assert not numerics(vertex, "float64")
