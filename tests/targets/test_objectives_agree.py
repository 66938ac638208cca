"""Every function of every objective agrees on all backends, in every mode, plain and with all that it takes."""

from __future__ import annotations

import numpy as np
import pytest

from smgen.hessians import Method
from tests.given import EVERYTHING, assert_calls_agree, calls_of, given_of
from tests.networks import CATALOGUE
from tests.support import module_of, random_case
from tests.targets.cuda.emitted import assert_all_agree, example

METHODS = {
    "diagonal": Method(),
    "exact": Method("exact"),
    "one probe": Method("hutchinson"),
    "probes": Method("hutchinson", probes=3),
}
IN_C = ("deep", "gate", "mixture", "gated", "residual")


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_cuda(method: Method) -> None:
    assert_all_agree(CATALOGUE["deep"](), "float64", method, samples=5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gated", "residual"])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_cuda_with_conditions_and_images(name: str, method: Method) -> None:
    assert_all_agree(example(name), "float64", method, samples=3)


def test_cuda_in_chunks() -> None:
    assert_all_agree(CATALOGUE["deep"](), "float64", METHODS["exact"], samples=7, budget=6000)


@pytest.mark.parametrize("name", IN_C)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_c(name: str, method: Method) -> None:
    """Also with several tiles and threads."""
    network = CATALOGUE[name]() if name in CATALOGUE else example(name)
    c, numpy = (
        module_of(
            network,
            backend=backend,
            hessian=method.hessian,
            probes=method.probes,
            objective=EVERYTHING,
            functions="all",
        )
        for backend in ("c", "numpy")
    )
    for samples in (1, 9):
        params, x = random_case(network, seed=samples, samples=samples)
        x = np.abs(x) + 0.1
        given, lam = given_of(numpy, x), 0.0 if method.hessian == "hutchinson" and method.probes == 1 else 0.3
        assert_calls_agree(calls_of(c, params, x, given, lam), calls_of(numpy, params, x, given, lam), 1e-12)
