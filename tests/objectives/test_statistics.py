"""What the objectives estimate: minima in closed form, expansions in σ, and errors that fall as T^−½."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.optimize import root
from scipy.stats import truncnorm

import smgen as sm
from smgen.network import Network
from tests.support import Array, module_of


def zero(gradient: Callable[[Array], Array], start: Array) -> Array:
    """Where a gradient vanishes."""
    found = root(gradient, start, tol=1e-13)
    assert np.max(np.abs(gradient(found.x))) < 1e-10
    return np.asarray(found.x)


def gaussian() -> Network:
    """½ θ x²."""
    x, theta = sm.input(1), sm.parameter((1,), init=1.0, name="theta")
    return Network(energy=theta * sm.square(x) / 2)


def nodes(x: Array, count: int = 40) -> tuple[Array, Array, Array]:
    """Every sample with every node of Gauss–Hermite quadrature: x, ε and the weights of pairs."""
    points, shares = np.polynomial.hermite_e.hermegauss(count)
    return np.repeat(x, count, axis=0), np.tile(points, len(x))[:, None], np.tile(shares, len(x))


@pytest.mark.parametrize("sigma", [0.1, 0.7, 2.0])
def test_denoising_finds_the_precision_of_noisy_gaussian_data(sigma: float) -> None:
    """J = ½ θ² (v + σ²) − θ + const: θ = 1/(v + σ²). With λ = σ²/2, so is Hyvärinen's loss."""
    module = module_of(gaussian(), objective="hyvarinen,denoising")
    x = 1.3 * np.random.default_rng(0).standard_normal((50, 1))
    v = float(np.mean(x**2))
    every, noise, weights = nodes(x)

    def gradient(theta: Array) -> Array:
        keywords = {"noise": noise, "weights": weights, "weighting": None}
        return np.asarray(module.denoising_loss_and_grad({"theta": theta}, every, sigma, **keywords)[1]["theta"])

    assert abs(zero(gradient, np.ones(1))[0] - 1 / (v + sigma**2)) < 1e-8

    def regularised(theta: Array) -> Array:
        return np.asarray(module.loss_and_grad({"theta": theta}, x, sigma**2 / 2)[1]["theta"])

    assert abs(zero(regularised, np.ones(1))[0] - 1 / (v + sigma**2)) < 1e-8
    params = {"theta": np.array([0.37])}
    noisy = module.denoising_loss(params, every, sigma, noise=noise, weights=weights, weighting=None)
    assert abs(noisy - 1 / (2 * sigma**2) - module.loss(params, x, sigma**2 / 2)) < 1e-8 / sigma**2


def test_denoising_agrees_with_the_regulariser_to_second_order() -> None:
    """E over ε is 1/(2σ²) + J(λ = σ²/2) + ½ σ² mean(δ δ″ − δ‴) + O(σ⁴), here for log cosh in one dimension."""
    x, theta = sm.input(1), sm.parameter((1,), init=1.0, name="theta")
    module = module_of(Network(energy=sm.logcosh(theta * x)), objective="hyvarinen,denoising")
    data, w = np.random.default_rng(1).standard_normal((30, 1)), 0.8
    t = np.tanh(w * data)
    s = 1 - t**2
    second, third = -2 * w**3 * t * s, -2 * w**4 * (s**2 - 2 * t**2 * s)
    extra = float(np.mean(w * t * second - third)) / 2
    every, noise, weights = nodes(data)
    rest = []
    for sigma in (0.2, 0.1, 0.05):
        keywords: dict[str, Any] = {"noise": noise, "weights": weights, "weighting": None}
        ours = module.denoising_loss({"theta": np.array([w])}, every, sigma, **keywords) - 1 / (2 * sigma**2)
        rest.append(abs(ours - module.loss({"theta": np.array([w])}, data, sigma**2 / 2) - extra * sigma**2))
    for larger, smaller in pairwise(rest):
        assert 13 < larger / smaller < 18


@pytest.mark.parametrize("h", ["x", "square", "log1p", "min:0.7"])
def test_the_rate_of_an_exponential(h: str) -> None:
    """J = ½ θ² mean h − θ mean h′: θ = mean h′ / mean h, 1 / mean x for h = x."""
    x, theta = sm.input(1), sm.parameter((1,), init=1.0, name="theta")
    module = module_of(Network(energy=theta * x), objective=f"generalised:{h}")
    data = np.random.default_rng(2).exponential(1 / 1.7, (400, 1))
    values, slopes = {
        "x": (data, np.ones_like(data)),
        "square": (data**2, 2 * data),
        "log1p": (np.log1p(data), 1 / (1 + data)),
        "min:0.7": (np.minimum(data, 0.7), (data < 0.7).astype(float)),
    }[h]

    def gradient(theta: Array) -> Array:
        return np.asarray(module.generalised_loss_and_grad({"theta": theta}, data)[1]["theta"])

    assert abs(zero(gradient, np.ones(1))[0] - slopes.mean() / values.mean()) < 1e-8
    if h == "x":
        assert abs(slopes.mean() / values.mean() - 1 / data.mean()) < 1e-12


def truncated(h: str) -> ModuleType:
    """½ a x² + b x."""
    x = sm.input(1)
    a, b = (sm.parameter((1,), init=1.0, name=name) for name in "ab")
    return module_of(Network(energy=a * sm.square(x) / 2 + b * x), objective=f"generalised:{h}")


def minimum(module: ModuleType, data: Array) -> Array:
    """a and b."""

    def gradient(theta: Array) -> Array:
        params = {"a": theta[:1], "b": theta[1:]}
        found = module.generalised_loss_and_grad(params, data)[1]
        return np.concatenate([found["a"], found["b"]])

    return zero(gradient, np.array([1.0, 0.1]))


def closed(data: Array, values: Array, slopes: Array) -> Array:
    """Where ½ mean h (a x + b)² − a mean h − mean h′ (a x + b) is least."""
    x, h = data[:, 0], values[:, 0]
    matrix = np.array([[np.mean(h * x * x), np.mean(h * x)], [np.mean(h * x), np.mean(h)]])
    found: Array = np.linalg.solve(matrix, [np.mean(h) + np.mean(slopes[:, 0] * x), np.mean(slopes)])
    return found


A, B = 1.5, -0.9


def sample(count: int, seed: int, high: float = np.inf) -> Array:
    centre, scale = -B / A, A**-0.5
    ends = (0 - centre) / scale, (high - centre) / scale
    drawn = truncnorm.rvs(*ends, centre, scale, (count, 1), random_state=np.random.default_rng(seed))
    return np.asarray(np.clip(drawn, 0, high))


def test_the_parameters_of_a_truncated_normal() -> None:
    data = sample(500, 3)
    assert np.allclose(minimum(truncated("x"), data), closed(data, data, np.ones_like(data)), rtol=0, atol=1e-8)
    inside = sample(500, 4, 1.2)
    h, slope = inside * (1.2 - inside), 1.2 - 2 * inside
    assert np.allclose(minimum(truncated("box:0:1.2"), inside), closed(inside, h, slope), rtol=0, atol=1e-8)
    tent = np.minimum(inside, 1.2 - inside)
    ours = minimum(truncated("tent:0:1.2"), inside)
    assert np.allclose(ours, closed(inside, tent, np.where(inside < 0.6, 1.0, -1.0)), rtol=0, atol=1e-8)


@pytest.mark.parametrize(("h", "high"), [("x", np.inf), ("box:0:2", 2.0)])
def test_the_error_falls_with_the_square_root_of_the_samples(h: str, high: float) -> None:
    module, counts = truncated(h), (1_000, 10_000, 100_000)
    errors = []
    for count in counts:
        found = np.array([minimum(module, sample(count, 100 + seed, high)) for seed in range(60)])
        errors.append(np.sqrt(np.mean((found - [A, B]) ** 2)))
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert abs(slope + 0.5) < 0.1, (slope, errors)
