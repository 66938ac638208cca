"""Samples have the moments of their density, within five standard errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from smgen.sampling import SamplingWarning, geometric, sample
from tests.sampling.targets import (
    SIGMAS,
    banana,
    correlated,
    exponential,
    exponential_mean,
    gaussian,
    mixture,
    normal_mean,
    off,
)

pytestmark = pytest.mark.filterwarnings("ignore::smgen.sampling.SamplingWarning")


@pytest.mark.parametrize(
    ("method", "options"),
    [("hmc", {}), ("hmc", {"mass": "unit", "leapfrog": 80}), ("mala", {"thin": 60}), ("tempering", {})],
)
def test_correlated_gaussian(method: str, options: dict[str, Any]) -> None:
    covariance = correlated()
    mean = np.array([1.0, -1.0, 0.5, 2.0, 0.0])
    samples = sample(gaussian(covariance, mean), 12_800, method=method, chains=64, seed=1, **options)
    assert samples.values.shape == (12_800, 5)
    assert samples.warnings == () or options.get("mass") == "unit"
    assert off(samples.chains, mean) < SIGMAS
    products = (covariance + np.outer(mean, mean)).ravel()
    assert off(samples.chains, products, lambda x: (x[..., :, None] * x[..., None, :]).reshape(64, -1, 25)) < SIGMAS


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_langevin_has_the_variance_of_its_recursion(step: float) -> None:
    """x ← (1 − ε²/2) x + ε ξ has the variance 1/(1 − ε²/4): 4/3 for ε = 1."""
    samples = sample(gaussian(np.eye(2)), 32_000, method="langevin", chains=64, step_size=step, thin=10)
    assert samples.acceptance is None
    assert off(samples.chains, 0.0) < SIGMAS
    assert off(samples.chains, 1 / (1 - step**2 / 4), np.square) < SIGMAS
    assert off(samples.chains, 1.0, np.square) > SIGMAS


@pytest.mark.parametrize(("method", "options"), [("hmc", {"target": 0.9}), ("mala", {"target": 0.8, "thin": 40})])
def test_banana(method: str, options: dict[str, Any]) -> None:
    samples = sample(banana(), 16_000, method=method, chains=64, warmup=1000, seed=2, **options)
    assert off(samples.chains, [0.0, 0.4]) < SIGMAS
    assert off(samples.chains, [1.0, 3 * 0.4**2 + 0.5**2], np.square) < SIGMAS
    assert off(samples.chains, 1.2, lambda x: x[..., 0] ** 2 * x[..., 1]) < SIGMAS


def test_tempering_finds_both_modes_and_hmc_does_not() -> None:
    density = mixture([[-5.0, 0.0], [5.0, 1.0]], [0.3, 0.7], 0.6)
    start = np.tile([-5.0, 0.0], (32, 1))
    samples = sample(density, 12_800, method="tempering", start=start, seed=4)
    assert samples.warnings == ()
    assert off(samples.chains, 0.7, lambda x: x[..., 0] > 0) < SIGMAS
    assert off(samples.chains, [2.0, 0.7]) < SIGMAS
    assert samples.swap_rates is not None
    assert min(samples.swap_rates) > 0.2
    assert [rung.temperature for rung in samples.ladder] == pytest.approx(geometric(1, 64, 8))
    assert np.all(np.diff([rung.step_size for rung in samples.ladder]) != 0)
    alone = sample(density, 3200, method="hmc", start=start, seed=4)
    assert not (alone.values[:, 0] > 0).any()
    assert alone.swap_rates is None


def test_mala_within_tempering() -> None:
    density = mixture([[-3.0], [3.0]], [0.25, 0.75], 0.5)
    samples = sample(
        density, 6400, method="tempering", chains=32, leapfrog=1, target=0.574, thin=5, temperatures=geometric(1, 30, 6)
    )
    assert off(samples.chains, 0.75, lambda x: x[..., 0] > 0) < SIGMAS


@pytest.mark.parametrize(("method", "options"), [("hmc", {}), ("mala", {}), ("tempering", {"temperatures": (1, 3)})])
def test_bounds(method: str, options: dict[str, Any]) -> None:
    """Each coordinate of a box with two, one and no walls; where the mass lies on the walls."""
    low, high = [-0.5, 1.0, None], [0.3, None, np.inf]
    samples = sample(
        gaussian(np.eye(3)), 25_600, method=method, chains=64, bounds=(low, high), warmup=500, seed=5, **options
    )
    assert samples.values[:, 0].min() >= -0.5
    assert samples.values[:, 0].max() <= 0.3
    assert samples.values[:, 1].min() >= 1
    means = [normal_mean(-0.5, 0.3), normal_mean(1, 40), 0.0]
    assert off(samples.chains, means) < SIGMAS
    squares = [1 - (0.3 * _bell(0.3) + 0.5 * _bell(0.5)) / _mass(-0.5, 0.3), 1 + normal_mean(1, 40), 1.0]
    assert off(samples.chains, squares, np.square) < SIGMAS


@pytest.mark.parametrize(("method", "options"), [("hmc", {}), ("mala", {}), ("mala", {"step_size": 2.0, "thin": 5})])
def test_a_slope_between_two_walls(method: str, options: dict[str, Any]) -> None:
    """Also for steps as long as the box, where proposals bounce more than once."""
    samples = sample(exponential(3.0, 2), 25_600, method=method, chains=64, bounds=(0, 0.7), seed=6, **options)
    assert off(samples.chains, exponential_mean(3.0, 0.7)) < SIGMAS
    below = math.expm1(-3 * 0.2) / math.expm1(-3 * 0.7)
    assert off(samples.chains, below, lambda x: x < 0.2) < SIGMAS


def test_langevin_between_walls_has_the_density_of_its_kernel() -> None:
    """The stationary density on a grid, and its bias: O(ε²), a quarter for half the step."""
    biases = []
    for step in (0.4, 0.2):
        exact = _stationary_mean(rate=3.0, high=1.0, step=step)
        biases.append(exact - exponential_mean(3.0, 1.0))
        samples = sample(exponential(3.0), 32_000, method="langevin", chains=64, step_size=step, thin=25, bounds=(0, 1))
        assert off(samples.chains, exact) < SIGMAS
    assert biases[0] / biases[1] == pytest.approx(4, rel=0.2)


def _stationary_mean(rate: float, high: float, step: float, cells: int = 400) -> float:
    """The mean of x ← fold(x − ½ ε² rate + ε ξ): power iteration, with the proposal's density a sum over images."""
    x = (np.arange(cells) + 0.5) * high / cells
    free = (x - 0.5 * step**2 * rate)[:, None]
    images = [2 * k * high + sign * x for k in range(-3, 4) for sign in (1, -1)]
    kernel = np.sum([np.exp(-0.5 * ((image - free) / step) ** 2) for image in images], axis=0)
    kernel /= kernel.sum(axis=1, keepdims=True)
    mass = np.full(cells, 1 / cells)
    for _ in range(200):
        mass = mass @ kernel
    return float(mass @ x)


def test_annealed_mixture() -> None:
    """The noisy versions of a mixture are mixtures, and N(0, v) is sampled as N(0, v/(1 − ε²/4v))."""
    means, weights, deviation = np.array([[-2.0, 0.0], [2.0, 0.5]]), [0.3, 0.7], 0.1
    sigmas, step = geometric(3, 0.05, 20), 0.3
    samples = sample(
        lambda sigma: mixture(means, weights, math.hypot(deviation, sigma)),
        4000,
        method="annealed",
        sigmas=sigmas,
        step_size=step,
        at_once=1500,
        seed=7,
    )
    assert samples.chains.shape == (4000, 1, 2)
    assert (samples.r_hat, samples.effective_samples, samples.warnings) == (None, None, ())
    assert samples.step_size == pytest.approx(step * 0.05)
    right = samples.values[:, 0] > 0
    assert abs(right.mean() - 0.7) < SIGMAS * math.sqrt(0.21 / 4000)
    variance = deviation**2 + 0.05**2
    expected = variance / (1 - (step * 0.05) ** 2 / (4 * variance))
    for k, inside in enumerate((~right, right)):
        rest = (samples.values[inside] - means[k]).ravel()
        assert abs(rest.mean()) < SIGMAS * math.sqrt(expected / rest.size)
        assert abs(rest.var() / expected - 1) < SIGMAS * math.sqrt(2 / rest.size)


def test_denoising_is_the_mean_of_the_data() -> None:
    """For data N(0, s²): x s²/(s² + σ²)."""
    spread, sigma = 1.0, 0.5
    samples = sample(
        lambda level: gaussian(np.eye(2) * (spread**2 + level**2)),
        4000,
        method="annealed",
        sigmas=(1.0, sigma),
        steps=200,
        denoise=True,
        step_size=0.5,
    )
    variance = spread**2 + sigma**2
    expected = variance / (1 - (0.5 * sigma) ** 2 / (4 * variance)) * (spread**2 / variance) ** 2
    assert abs(samples.values.var() / expected - 1) < SIGMAS * math.sqrt(2 / 8000)


@pytest.mark.parametrize("method", ["hmc", "mala", "langevin", "tempering"])
@pytest.mark.parametrize("dimension", [1, 5, 30])
def test_defaults_raise_no_warnings_on_whitened_data(method: str, dimension: int) -> None:
    assert sample(gaussian(np.eye(dimension)), 1000, method=method).warnings == ()


def test_separate_modes_are_warned_of() -> None:
    density = mixture([[-5.0], [5.0]], [0.5, 0.5], 0.5)
    with pytest.warns(SamplingWarning, match=r"R-hat is .* above 1\.05: the chains disagree"):
        samples = sample(density, 1600, start=np.linspace(-6, 6, 16)[:, None])
    assert samples.r_hat is not None
    assert samples.r_hat > 1.5
    assert any("R-hat" in sentence for sentence in samples.warnings)


def _bell(t: float) -> float:
    return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)


def _mass(low: float, high: float) -> float:
    return 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
