"""Random DAGs: the generated numbers against the oracle's, and the exactness verdict against the true Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from smgen.analysis.exactness import verdict
from smgen.network import Network
from tests import oracle
from tests.against_oracle import compare
from tests.dags import dags, moderate, relaxed
from tests.networks import CATALOGUE, EXACT
from tests.support import random_case, spec_of


def hessian_error(network: Network, seed: int) -> float:
    """The largest difference between the recursion and the true diagonal, relative to the largest curvature."""
    spec = spec_of(network)
    params, x = random_case(network, seed, samples=3)
    diagonal = np.diagonal(oracle.hessian(spec, params, x), axis1=1, axis2=2)
    recursion = oracle.hessian_diagonal(spec, params, x)
    scale = max(float(np.abs(diagonal).max()), float(np.abs(recursion).max()), 1e-300)
    return float(np.abs(recursion - diagonal).max()) / scale


@pytest.mark.slow
@settings(relaxed, max_examples=150)
@given(dags())
def test_numbers(network: Network) -> None:
    assume(moderate(network))
    compare(network, seed=0, samples=3)


@pytest.mark.slow
@settings(relaxed, max_examples=300)
@given(dags(max_nodes=7))
def test_verdict_in_both_directions(network: Network) -> None:
    assume(moderate(network))
    errors = [hessian_error(network, seed) for seed in range(3)]
    if verdict(network).exact:
        assert max(errors) < 1e-12, network.text
    else:
        assert max(errors) > 1e-9, network.text


@pytest.mark.parametrize("name", CATALOGUE)
def test_verdict_of_the_catalogue(name: str) -> None:
    network = CATALOGUE[name]()
    recursion = verdict(network)
    assert recursion.exact == (name in EXACT), recursion
    assert (max(hessian_error(network, seed) for seed in range(3)) < 1e-12) == recursion.exact
