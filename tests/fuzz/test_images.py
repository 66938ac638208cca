"""Random networks on arrays against the oracle, in any mode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.dags import moderate
from tests.every_mode import BACKENDS, MODES, compare
from tests.fuzz.graphs import Seeded
from tests.image_dags import random_images

pytestmark = [pytest.mark.fuzz, pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")]


@pytest.mark.parametrize("backend", BACKENDS)
def test_against_the_oracle(backend: str, rounds: Iterator[np.random.Generator]) -> None:
    for rng in rounds:
        network = random_images(Seeded(rng), 10)
        if moderate(network):
            compare(network, str(rng.choice(MODES)), backend)
