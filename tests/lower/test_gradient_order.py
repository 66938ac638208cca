"""The gradient is the gradient: halving the step quarters the Taylor remainder, for every tensor of every example."""

from __future__ import annotations

import pytest

from tests.every_mode import BACKENDS
from tests.images import IMAGES
from tests.networks import CATALOGUE
from tests.targets.cuda.emitted import EXAMPLES, example
from tests.taylor import assert_order_two


@pytest.mark.parametrize("lam", [0.0, 0.2])
@pytest.mark.parametrize("name", [*EXAMPLES, *CATALOGUE])
def test_order_two_for_every_tensor(name: str, lam: float) -> None:
    assert_order_two(example(name) if name in EXAMPLES else CATALOGUE[name](), lam)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["diagonal", "exact"])
@pytest.mark.parametrize("name", IMAGES)
def test_order_two_on_arrays(name: str, mode: str, backend: str) -> None:
    for lam in (0.0, 0.2):
        assert_order_two(IMAGES[name](), lam, backend, mode, seed=3)
