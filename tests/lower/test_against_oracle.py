"""Every number of the generated module against the brute-force oracle, to 1e-12."""

from __future__ import annotations

import numpy as np
import pytest

from tests.against_oracle import compare
from tests.networks import CATALOGUE
from tests.support import assert_close, module_of, random_case


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("samples", [1, 4])
def test_catalogue(name: str, samples: int) -> None:
    compare(CATALOGUE[name](), seed=samples, samples=samples)


@pytest.mark.parametrize("name", CATALOGUE)
def test_float32_follows_float64(name: str) -> None:
    network = CATALOGUE[name]()
    single, double = module_of(network, "float32"), module_of(network)
    params, x = random_case(network, 3, samples=64)
    low = {key: value.astype(np.float32) for key, value in params.items()}
    params = {key: value.astype(np.float64) for key, value in low.items()}
    x_low = x.astype(np.float32)
    x = x_low.astype(np.float64)
    for lam in (0.0, 0.3):
        J, gradient = single.loss_and_grad(low, x_low, lam)
        exact, exact_gradient = double.loss_and_grad(params, x, lam)
        assert_close(J, exact, 1e-4, "J")
        for key, value in gradient.items():
            assert value.dtype == np.float32
            assert_close(value, exact_gradient[key], 1e-4, key)
    for function in ("energy", "score", "hessian_diagonal"):
        result = getattr(single, function)(low, x_low)
        assert result.dtype == np.float32
        assert_close(result, getattr(double, function)(params, x), 1e-4, function)
