"""The integrator, the transition, the bounds and the adaptation, each against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from smgen.density import Array, Density
from smgen.sampling.box import Box
from smgen.sampling.dual_averaging import DualAveraging
from smgen.sampling.evaluation import Evaluator
from smgen.sampling.exchange import Exchange
from smgen.sampling.hamiltonian import HamiltonianChains
from smgen.sampling.leapfrog import Point, leapfrog
from smgen.sampling.warmup import Moments, scales_of, warm_up
from tests.sampling.targets import Floats, banana, correlated, gaussian

OPEN = Box.of(None, 2, np.float64)


def moved(density: Density, box: Box, x: Floats, u: Floats, step: float, count: int) -> tuple[Floats, Floats, Floats]:
    """Position, momentum and H after leapfrog steps of chains x (C, D), with scales 1 and 2."""
    drift = step * np.array([[[1.0, 2.0]]])
    point = Point(x[None].copy(), np.empty((1, len(x))), np.empty((1, *x.shape)))
    evaluator = Evaluator(density)
    evaluator.energy_and_score(point.x, point.energy, point.score)
    momentum = u[None].copy()
    assert leapfrog(evaluator, box, point, momentum, kick=0.5 * drift, drift=drift, count=count).all()
    return point.x[0], momentum[0], point.energy[0] + 0.5 * (momentum[0] ** 2).sum(axis=-1)


def starts(seed: int, count: int = 50) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.05, 0.95, (count, 2)), rng.standard_normal((count, 2))


def test_halving_the_step_quarters_the_energy_error() -> None:
    x, u = starts(0)
    density = banana()
    before = density.energy(x) + 0.5 * (u**2).sum(axis=-1)
    errors = [np.sqrt(np.mean((moved(density, OPEN, x, u, 0.04 / 2**k, 10 * 2**k)[2] - before) ** 2)) for k in range(5)]
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert ratios[-2:] == pytest.approx([4, 4], rel=0.02)


@pytest.mark.parametrize("bounds", [None, (0, 1), (0, None), ([0, None], [None, 1])])
@pytest.mark.parametrize("step", [0.05, 0.3])
def test_the_way_back(bounds: tuple[object, object] | None, step: float) -> None:
    """With the momentum turned, chains return to where they came from, whatever they bounced off."""
    box = Box.of(bounds, 2, np.float64)
    x, u = starts(1)
    density = gaussian(np.array([[0.5, 0.2], [0.2, 0.4]]))
    end, momentum, _ = moved(density, box, x, u, step, 7)
    assert not box.outside(end).any()
    back, turned, _ = moved(density, box, end, -momentum, step, 7)
    assert np.allclose(back, x, atol=1e-11)
    assert np.allclose(turned, -u, atol=1e-11)


def test_leapfrog_with_reflection_preserves_volume() -> None:
    """|det ∂(x′, u′)/∂(x, u)| = 1, by central differences."""
    box = Box.of((0, 1), 2, np.float64)
    (x,), (u,) = (rows[:1] for rows in starts(2))
    h = 1e-6
    corners = np.concatenate([h * np.eye(4), -h * np.eye(4)])
    end, momentum, _ = moved(banana(), box, x + corners[:, :2], u + corners[:, 2:], 0.3, 5)
    state = np.concatenate([end, momentum], axis=1)
    assert abs(np.linalg.det((state[:4] - state[4:]) / (2 * h))) == pytest.approx(1, abs=1e-6)


def test_folding_is_bouncing() -> None:
    """Against a particle that is sent from wall to wall one bounce at a time."""
    low, high = np.array([-1.0, 0.0, -np.inf, -np.inf]), np.array([0.5, np.inf, 2.0, np.inf])
    box = Box.of((low, high), 4, np.float64)
    rng = np.random.default_rng(0)
    x, u = rng.uniform(-9, 9, (500, 4)), rng.standard_normal((500, 4))
    folded, turned = x.copy(), u.copy()
    box.fold(folded, turned)
    for row in np.ndindex(x.shape):
        at, sign = x[row], 1
        while not low[row[1]] <= at <= high[row[1]]:
            at, sign = 2 * (low if at < low[row[1]] else high)[row[1]] - at, -sign
        assert folded[row] == pytest.approx(at, abs=1e-12)
        assert turned[row] == sign * u[row]
    again = folded.copy()
    box.fold(again)
    assert np.array_equal(again, folded)


def test_bounds_are_numbers_of_the_density() -> None:
    """What is within them is within them in float32."""
    box = Box.of((0.1, 0.7), 1, np.float32)
    for side in (box.low, box.high):
        assert side == side.astype(np.float32)
    x = np.random.default_rng(0).uniform(box.low, box.high, (10_000, 1))
    assert (x.astype(np.float32) >= box.low.astype(np.float32)).all()
    assert (x.astype(np.float32) <= box.high.astype(np.float32)).all()


def chains_of(
    density: Density, count: int, temperatures: tuple[float, ...] = (1.0,), seed: int = 0
) -> HamiltonianChains:
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((count, density.dimension))
    box = Box.of(None, density.dimension, np.float64)
    return HamiltonianChains(Evaluator(density), box, start, np.array(temperatures), rng)


def test_one_leapfrog_step_is_mala() -> None:
    """exp(H − H′) = p(x′) q(x | x′) / p(x) q(x′ | x) with the Langevin proposal q, a preconditioned one."""
    density = banana()
    chains = chains_of(density, 200)
    chains.steps[:], chains.scales[:] = 0.3, [0.7, 1.3]
    x = chains.point.x[0].copy()
    probability = chains.propose(1)[0]
    new, width = chains._end.x[0], 0.3 * np.array([0.7, 1.3])

    def log_q(to: Array, come_from: Array) -> Array:
        mean = come_from + 0.5 * width**2 * density.score(come_from)
        return np.asarray(-0.5 * (((to - mean) / width) ** 2).sum(axis=-1))

    ratio = np.exp(density.energy(x) - density.energy(new) + log_q(x, new) - log_q(new, x))
    assert probability == pytest.approx(np.minimum(1, ratio), abs=1e-9)


def test_tempered_chains_have_their_temperature() -> None:
    """N(0, T) at temperature T, and swaps change nothing of that."""
    temperatures = (1.0, 2.0, 5.0)
    chains = chains_of(gaussian(np.eye(1)), 4000, temperatures, seed=1)
    chains.steps[:] = [0.9, 1.2, 2.0]
    exchange = Exchange(chains)
    for _ in range(30):
        chains.move(3)
        exchange.swap()
    for group, temperature in enumerate(temperatures):
        assert chains.point.x[group].var() == pytest.approx(temperature, rel=5 * np.sqrt(2 / 4000))
    cached = chains.point.copy()
    chains.evaluator.energy_and_score(chains.point.x, chains.point.energy, chains.point.score)
    assert np.array_equal(cached.energy, chains.point.energy)
    assert np.array_equal(cached.score, chains.point.score)


def test_swap_rates_of_gaussians() -> None:
    """E/T are ½ χ²(D): the mean of min(1, exp((β − β′)(E − E′))) over independent draws."""
    chains = chains_of(gaussian(np.eye(4)), 20_000, (1.0, 2.0), seed=2)
    chains.point.x[1] = np.sqrt(2.0) * chains.rng.standard_normal((20_000, 4))
    chains.evaluator.energy_and_score(chains.point.x, chains.point.energy, chains.point.score)
    exchange = Exchange(chains)
    exchange.swap()
    rng = np.random.default_rng(3)
    cold, hot = 0.5 * rng.chisquare(4, 10**6), rng.chisquare(4, 10**6)
    assert exchange.rates[0] == pytest.approx(np.minimum(1, np.exp(0.5 * (cold - hot))).mean(), abs=0.015)
    exchange.swap()
    assert exchange.rates.shape == (1,)


@pytest.mark.parametrize("target", [0.65, 0.8, 0.9])
def test_dual_averaging_reaches_its_target(target: float) -> None:
    chains = chains_of(gaussian(np.diag(np.geomspace(1e-2, 1e2, 20))), 64)
    warm_up(
        chains,
        lambda: np.asarray(chains.move(5).mean(axis=1)),
        count=600,
        target=target,
        step_size=None,
        adapt_scales=True,
    )
    frozen = chains.steps.copy()
    assert np.mean([chains.move(5).mean() for _ in range(100)]) == pytest.approx(target, abs=0.1)
    assert chains.scales[0, 0] == pytest.approx(np.geomspace(0.1, 10, 20), rel=0.1)
    assert np.array_equal(chains.steps, frozen)


def test_dual_averaging_is_the_recursion_of_hoffman_and_gelman() -> None:
    averaging, rates = DualAveraging(np.array([0.3]), 0.8), np.random.default_rng(0).uniform(0.6, 1, size=40)
    error, average = 0.0, 0.0
    for t, rate in enumerate(rates, start=1):
        averaging.update(np.array([rate]))
        error = (1 - 1 / (t + 10)) * error + (0.8 - rate) / (t + 10)
        log_step = np.log(3.0) - np.sqrt(t) / 0.05 * error
        average = t**-0.75 * log_step + (1 - t**-0.75) * average
        assert averaging.steps == pytest.approx(np.exp(log_step))
    assert averaging.averaged == pytest.approx(np.exp(average))


def test_moments_are_those_of_all_draws() -> None:
    x = np.random.default_rng(0).normal(3.0, [[1.0, 100.0, 1e-3]], (40, 2, 7, 3))
    moments = Moments(0, np.zeros((2, 3)), np.zeros((2, 3)))
    for draw in x:
        moments.add(draw)
    pooled = x.swapaxes(0, 1).reshape(2, -1, 3)
    assert moments.mean == pytest.approx(pooled.mean(axis=1))
    assert moments.squares / 279 == pytest.approx(pooled.var(axis=1, ddof=1))
    assert scales_of(moments, np.ones((2, 1, 3)))[:, 0, 1] == pytest.approx(pooled.std(axis=1)[:, 1], rel=0.02)
    still = Moments(5, np.zeros((2, 3)), np.zeros((2, 3)))
    assert np.array_equal(scales_of(still, np.full((2, 1, 3), 7.0)), np.full((2, 1, 3), 7.0))


def test_chains_at_equilibrium_stay_there() -> None:
    """From exact draws of a correlated Gaussian, the covariance after some transitions is the same."""
    covariance = correlated()[1:4, 1:4]
    density = gaussian(covariance)
    rng = np.random.default_rng(0)
    start = rng.multivariate_normal(np.zeros(3), covariance, 20_000)
    chains = HamiltonianChains(Evaluator(density), Box.of(None, 3, np.float64), start, np.ones(1), rng)
    chains.steps[:], chains.scales[:] = 0.6, np.sqrt(np.diag(covariance))
    for _ in range(5):
        chains.move(4)
    whitened = chains.point.x[0] @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    assert np.abs(np.cov(whitened.T) - np.eye(3)).max() < 5 * np.sqrt(2 / 20_000)
