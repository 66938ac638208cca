"""Broadcasting: parameters of fewer axes, of one row or one column, and what does not broadcast."""

from __future__ import annotations

import numpy as np
import pytest

import smgen as sm
from smgen.errors import NetworkError
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import oracle
from tests.support import assert_close, module_of, random_case, spec_of

SHAPES = ((1,), (2,), (3, 1), (1, 2), (1, 1), (3, 2))


def weighted(weights: Node) -> Network:
    return Network(energy=sm.logcosh(sm.linear(sm.input(2), weights.shape[0], weights=weights)))


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_matrix_times_what_broadcasts_to_it(shape: tuple[int, ...], backend: str) -> None:
    gain = sm.parameter(shape, name="gain")
    network = weighted(sm.exp(sm.parameter((3, 2), name="matrix")) * gain)
    params, x = random_case(network)
    module = module_of(network, backend=backend)
    product = np.exp(params["matrix"]) * params["gain"]
    same = weighted(sm.parameter((3, 2), name="product"))
    as_one = {"product": product, "linear_1.bias": params["linear_1.bias"]}
    for lam in (0.0, 0.3):
        J, gradient = module.loss_and_grad(params, x, lam)
        J_same, expected = module_of(same).loss_and_grad(as_one, x, lam)
        assert_close(J, J_same, 1e-12)
        assert_close(gradient["matrix"], expected["product"] * product, 1e-12)
        by_gain = expected["product"] * np.exp(params["matrix"])
        axes = tuple(n - 2 for n in range(2) if ((1, 1, *shape)[-2:])[n] == 1 != (3, 2)[n])
        assert_close(gradient["gain"], by_gain.sum(axis=axes, keepdims=True).reshape(shape), 1e-12)
    assert module.selftest()


@pytest.mark.parametrize("mode", ["exact", "hutchinson"])
def test_a_row_times_a_column(mode: str) -> None:
    network = weighted(sm.parameter((3, 1)) * sm.parameter((1, 2)))
    module = module_of(network, hessian=mode, probes=2)
    assert module.selftest()


def test_the_oracle_agrees() -> None:
    network = weighted(sm.parameter((2, 2)) / sm.exp(sm.parameter(2)))
    params, x = random_case(network)
    K, L, dK, dL = oracle.exact_loss_and_grad_terms(spec_of(network), params, x, 0.3)
    J, gradient = module_of(network).loss_and_grad(params, x, 0.3)
    assert_close(J, K + L, 1e-9)
    for key in params:
        assert_close(gradient[key], dK[key] + dL[key], 1e-9, key)


def test_what_does_not_broadcast() -> None:
    x = sm.input(2)
    for other in (sm.parameter(3), sm.linear(x, 3)):
        with pytest.raises(NetworkError, match="multiply takes nodes and parameters whose shapes broadcast"):
            x * other
    for shape in ((3,), (3, 2), (2, 3, 2)):
        with pytest.raises(NetworkError, match="multiply takes nodes and parameters whose shapes broadcast"):
            sm.parameter((2, 2)) * sm.parameter(shape)
