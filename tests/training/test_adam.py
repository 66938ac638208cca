"""Adam against its definition, and clipping and averaging."""

from __future__ import annotations

import numpy as np
import pytest

from smgen.training.adam import AVERAGED, Adam, average, clip


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_is_adam(decay: float) -> None:
    rng = np.random.default_rng(0)
    theta = rng.standard_normal(7)
    expected, m, v = theta.copy(), np.zeros(7), np.zeros(7)
    adam = Adam(np, theta)
    for step in range(20):
        g, rate = rng.standard_normal(7), 0.1 / (step + 1)
        kept = g.copy()
        adam.update(theta, g, step=step, rate=rate, decay=decay)
        assert np.array_equal(g, kept)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        hat_m, hat_v = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
        expected = (1 - rate * decay) * expected - rate * hat_m / (np.sqrt(hat_v) + 1e-8)
        assert np.allclose(theta, expected, rtol=1e-12)


def test_a_gradient_of_zero_moves_nothing() -> None:
    theta = np.ones(3, np.float32)
    Adam(np, theta).update(theta, np.zeros(3, np.float32), step=0, rate=0.1, decay=0.0)
    assert (theta == 1).all()


def test_clipping() -> None:
    long, short = np.array([3.0, 4.0], np.float32), np.array([0.3, 0.4], np.float32)
    clip(np, long, 1.0)
    clip(np, short, 1.0)
    assert np.allclose(long, [0.6, 0.8])
    assert np.allclose(short, [0.3, 0.4])
    none = np.zeros(2, np.float32)
    clip(np, none, 1.0)
    assert not none.any()


def test_the_average_forgets_the_start_and_follows() -> None:
    mean, room = np.full(2, 100.0), np.empty(2)
    for step in range(AVERAGED, 4001, AVERAGED):
        average(np, mean, np.full(2, 7.0), 0.99, step=step, since=AVERAGED, room=room)
    assert np.allclose(mean, 7)
    for since in (1, 3, AVERAGED):
        before = mean.copy()
        average(np, mean, before + 1, 0.99, step=5000, since=since, room=room)
        assert np.allclose(mean - before, 1 - 0.99**since)
