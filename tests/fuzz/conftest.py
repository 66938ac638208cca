"""How long the fuzz tests run: seconds each in CI, five minutes in all as `pytest -m fuzz`; and from which seed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

SHORT, WHOLE = 4.0, 300.0


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Iterator[Iterator[np.random.Generator]]:
    """Random generators until the time is up, one at least. A failure names the seed to run again with FUZZ_SEED."""
    alone = request.config.getoption("markexpr") == "fuzz"
    seconds = float(os.environ.get("FUZZ_SECONDS", WHOLE / len(request.session.items) if alone else SHORT))
    first = int(os.environ.get("FUZZ_SEED", int(time.time()) if alone else 0))
    seeds: list[int] = []

    def generators() -> Iterator[np.random.Generator]:
        end = time.monotonic() + seconds
        while not seeds or time.monotonic() < end:
            seeds.append(first + len(seeds))
            yield np.random.default_rng(seeds[-1])

    yield generators()
    print(f"{len(seeds)} rounds from seed {first}; the last was FUZZ_SEED={seeds[-1] if seeds else first}")
