"""A CUDA module is trained as a NumPy module is, on the emulator: arrays go to the device and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.network import Network
from smgen.training import fit
from tests.targets.cuda.emitted import running
from tests.targets.cuda.fake_cupy.counters import allow_sync
from tests.targets.cuda.fake_cupy.training import able_to_train


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_the_same_model_as_with_numpy(optimiser: str) -> None:
    network = Network(energy=sm.square(sm.linear(sm.input(3), 4)))
    x = np.random.default_rng(0).standard_normal((500, 3)).astype(np.float32)
    options: dict[str, Any] = {"steps": 20, "batch_size": 64, "evaluations": 4, "optimiser": optimiser}
    options |= {"clip": 1.0, "decay": 0.01, "unit_rows": "linear_1.weight"} if optimiser == "adam" else {}
    with running(network, "float32") as (cuda, cupy), able_to_train(cupy), allow_sync():
        there = fit(cuda, x, **options)
        scores = there.score(x[:5])
        energies = there.energy(x[:5])
    here = fit(network, x, backend="numpy", **options)
    assert np.allclose(scores, here.score(x[:5]), atol=1e-3)
    assert np.allclose(energies, here.energy(x[:5]), atol=1e-3)
    assert all(isinstance(value, np.ndarray) for value in there.params.values())
