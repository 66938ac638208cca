"""Random networks on arrays against the oracle, in every mode, to 1e-12 of the largest number."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from smgen.network import Network
from tests.dags import moderate, relaxed
from tests.every_mode import BACKENDS, MODES, compare
from tests.image_dags import image_dags


@pytest.mark.parametrize("backend", BACKENDS)
@settings(relaxed, max_examples=10)
@given(network=image_dags())
def test_diagonal(network: Network, backend: str) -> None:
    assume(moderate(network))
    compare(network, "diagonal", backend)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", MODES)
@settings(relaxed, max_examples=20)
@given(network=image_dags(max_nodes=8))
def test_every_mode(network: Network, mode: str, backend: str) -> None:
    assume(moderate(network))
    compare(network, mode, backend)
