"""Level 5, the suite the project exists for: every function of every network, backend, dtype, λ and N agrees."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

from smgen.network import Network
from tests.dags import dags, moderate
from tests.networks import CATALOGUE
from tests.support import random_case
from tests.targets.cuda.emitted import DTYPES, EXAMPLES, assert_agrees, example


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("samples", [1, 50])
def test_examples(name: str, dtype: str, samples: int) -> None:
    network = example(name)
    assert_agrees(network, dtype, *random_case(network, seed=samples, samples=samples))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue(name: str, dtype: str) -> None:
    network = CATALOGUE[name]()
    for samples in (1, 70):
        assert_agrees(network, dtype, *random_case(network, seed=samples, samples=samples))


@pytest.mark.slow
@settings(deadline=None, max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
@given(dags(max_nodes=6))
def test_random_dags(network: Network) -> None:
    assume(moderate(network))
    assert_agrees(network, "float64", *random_case(network, seed=1, samples=9))
