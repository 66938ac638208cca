"""Every pass leaves the meaning of every schedule alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from smgen.hessians import lower
from smgen.ir import STEPS, Elementary, Product
from smgen.ir.verify import verify
from smgen.layers.letters import parameter_buffer
from smgen.network import Network
from smgen.passes import run
from smgen.targets import TARGETS
from tests.dags import dags
from tests.every_mode import BACKENDS
from tests.images import IMAGES
from tests.interpreter import interpret
from tests.networks import CATALOGUE
from tests.support import assert_close, data_buffers, given_buffers, random_case


def inputs_of(network: Network, lam: float) -> dict[str, Any]:
    params, x = random_case(network, seed=2)
    named = {parameter_buffer(key, value.shape).name: value for key, value in params.items()}
    return data_buffers(network, x) | {"lam": lam, "N": len(x), **named}


def assert_meaning_kept(network: Network, backends: tuple[str, ...] = ("numpy", "c", "cuda")) -> None:
    for schedule in lower(network):
        inputs = inputs_of(network, 0.0 if schedule.function.lam == "zero" else 0.3)
        inputs |= given_buffers(schedule, inputs["N"])
        expected = interpret(verify(schedule), inputs)
        seen = {schedule}
        for backend, size in product(backends, (1, 10**6)):
            after = schedule
            for apply in TARGETS[backend].pipeline.passes(size):
                after = run(after, (apply,))
                if after not in seen:
                    seen.add(after)
                    actual = interpret(after, inputs)
                    for name, value in expected.items():
                        where = f"{schedule.name}: {name} after {apply.__name__} for {backend}"
                        assert_close(actual[name], value, 1e-12, where)


@pytest.mark.parametrize("name", CATALOGUE)
def test_meaning_of_the_catalogue(name: str) -> None:
    assert_meaning_kept(CATALOGUE[name]())


@pytest.mark.parametrize("name", IMAGES)
def test_meaning_of_networks_on_arrays(name: str) -> None:
    assert_meaning_kept(IMAGES[name](), BACKENDS)


@pytest.mark.slow
@settings(deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(dags(max_nodes=6))
def test_meaning_of_random_dags(network: Network) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assert_meaning_kept(network)


def test_nothing_superfluous_is_left() -> None:
    """ICA's gradient needs tanh and sech alone: no log cosh, no product for the constant δ_out."""
    schedule = next(s for s in lower(CATALOGUE["ica"]()) if s.function == STEPS["zero"])
    lowered = run(schedule, TARGETS["numpy"].pipeline.passes(1024))
    functions = [op.function for op in lowered.ops if isinstance(op, Elementary)]
    assert functions.count("tanh") == functions.count("exp") == 1
    assert not {"log1p", "log"} & set(functions)
    assert sum(isinstance(op, Product) for op in lowered.ops) == 5  # λ = 0 saves three of the eight of λ > 0
