"""Restoration under Gaussian models, whose posterior means and most probable values are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.applications import denoise, inpaint, super_resolve
from smgen.applications.patches import Patches
from smgen.applications.restoring import _inner_sigma
from smgen.errors import BuildError
from smgen.models import Model
from smgen.network import Network
from smgen.training import fit

Array = npt.NDArray[Any]
SIDE = 4
RNG = np.random.default_rng(0)
ROOT = np.linalg.cholesky(0.1 * np.eye(16) + np.exp(-0.2 * np.abs(np.subtract.outer(np.arange(16), np.arange(16)))))
COVARIANCE = ROOT @ ROOT.T


def gaussian(covariance: Array, whiten: str, shape: tuple[int, ...] = (16,)) -> Model:
    """A model of N(3, covariance), N(0, covariance) for untransformed data: its parameters are set, not learned."""
    mean = 0.0 if whiten == "none" else 3.0
    x = sm.input(shape)
    network = Network(energy=sm.square(sm.linear(sm.flatten(x) if len(shape) > 1 else x, 16, bias=False, name="w")))
    data = (mean + RNG.standard_normal((4000, 16)) @ ROOT.T).reshape(-1, *shape)
    model = fit(network, data, backend="numpy", dtype="float64", steps=1, whiten=whiten)
    transform = replace(model.transform, mean=np.full(16, mean))
    back = np.eye(16) if transform.scale is None else np.diag(1 / transform.scale)
    weights = np.linalg.cholesky(back @ np.linalg.inv(2 * covariance) @ back).T
    return replace(model, params={"w.weight": weights}, transform=transform)


def test_noise_of_one_size_is_that_in_rotated_coordinates() -> None:
    x = 3 + RNG.standard_normal((4000, 16)) @ ROOT.T
    network = Network(energy=sm.square(sm.linear(sm.input(15), 15)))
    model = fit(network, x, backend="numpy", steps=1, whiten="rotate", without_mean=True)
    inner = _inner_sigma(model, 0.5)
    noise = model.transform.forward(0.5 * RNG.standard_normal((100_000, 16)))
    assert np.allclose(noise.std(axis=0), inner, rtol=0.02)


@pytest.mark.parametrize("whiten", ["none", "scale"])
def test_tweedie_is_the_posterior_mean(whiten: str) -> None:
    sigma = 0.5
    model = gaussian(COVARIANCE + sigma**2 * np.eye(16), whiten)
    y, m = 3 + RNG.standard_normal((20, 16)), 0 if whiten == "none" else 3
    expected = m + (y - m) @ np.linalg.solve(COVARIANCE + sigma**2 * np.eye(16), COVARIANCE)
    assert np.allclose(denoise(model, y, sigma), expected, atol=1e-10)


@pytest.mark.parametrize("whiten", ["none", "scale", "standardise"])
def test_the_most_probable_samples(whiten: str) -> None:
    sigma = 0.5
    model = gaussian(COVARIANCE, whiten)
    y, m = 3 + RNG.standard_normal((5, 16)), 0 if whiten == "none" else 3
    expected = m + (y - m) @ np.linalg.solve(COVARIANCE + sigma**2 * np.eye(16), COVARIANCE)
    assert np.allclose(denoise(model, y, sigma, method="map"), expected, atol=1e-3)


def test_missing_values_are_the_conditional_mean() -> None:
    model = gaussian(COVARIANCE, "standardise")
    y = 3 + RNG.standard_normal((5, 16)) @ ROOT.T
    hole = np.zeros(16, bool)
    hole[[2, 3, 9]] = True
    filled = inpaint(model, np.where(hole, np.nan, y), hole)
    assert np.array_equal(filled[:, ~hole], y[:, ~hole])
    gain = COVARIANCE[np.ix_(hole, ~hole)] @ np.linalg.inv(COVARIANCE[np.ix_(~hole, ~hole)])
    assert np.allclose(filled[:, hole], 3 + (y - 3)[:, ~hole] @ gain.T, atol=1e-3)


def test_a_large_image_is_restored_through_its_patches() -> None:
    """An image as large as a patch has one, so that both ways must agree; constant images stay as they are."""
    sigma = 0.5
    model = gaussian(COVARIANCE + sigma**2 * np.eye(16), "scale")
    y = 3 + RNG.standard_normal((SIDE, SIDE))
    assert np.allclose(denoise(model, y, sigma), denoise(model, y.reshape(1, 16), sigma).reshape(SIDE, SIDE))
    flat = np.full((9, 11), 3.0)
    for method in ("tweedie", "map"):
        assert np.allclose(denoise(model, flat, sigma, method=method), 3, atol=1e-6)
    noisy = 3 + 0.5 * RNG.standard_normal((12, 10))
    assert np.std(denoise(model, noisy, sigma)) < np.std(noisy)
    hole = np.zeros((12, 10), bool)
    hole[5:7, 4:6] = True
    filled = inpaint(model, np.where(hole, np.nan, flat[:1, :1]), hole)
    assert np.allclose(filled, 3, atol=1e-3)


def test_images_with_channels() -> None:
    model = gaussian(COVARIANCE, "scale", (1, SIDE, SIDE))
    y = 3 + RNG.standard_normal((2, 1, SIDE, SIDE))
    assert denoise(model, y, 0.5, method="map").shape == y.shape
    assert denoise(model, RNG.standard_normal((1, 9, 8)), 0.5).shape == (1, 9, 8)


def test_resolution() -> None:
    model = gaussian(COVARIANCE, "scale")
    small = 3 + RNG.standard_normal((4, 5))
    large = super_resolve(model, small, 2, sigma=0.01)
    assert large.shape == (8, 10)
    assert np.allclose(large.reshape(4, 2, 5, 2).mean(axis=(1, 3)), small, atol=0.01)


def test_sums_over_patches() -> None:
    image = RNG.standard_normal((2, 7, 9))
    for stride in (1, 2, 3):
        patches = Patches((2, 7, 9), 3, 4, stride)
        assert patches.cover.min() >= 1
        assert np.allclose(patches.summed(image, lambda rows: rows) / patches.cover, image)


def test_what_is_refused() -> None:
    model, rotated = gaussian(COVARIANCE, "scale"), gaussian(COVARIANCE, "standardise")
    y = np.zeros((2, 16))
    cases: tuple[tuple[Callable[[], Array], str], ...] = (
        (lambda: denoise(model, np.zeros((2, 15)), 0.1), r"an array of shape \(2, 15\)"),
        (lambda: denoise(model, y, 0.0), "sigma: 0.0 is no number above 0"),
        (lambda: denoise(model, y, 0.1, method="median"), "method: 'median' is unknown"),
        (lambda: denoise(rotated, y, 0.1), "noise of one size in the data has several"),
        (lambda: denoise(model, np.full((2, 16), np.nan), 0.1), "no finite numbers"),
        (lambda: inpaint(model, y, np.zeros(16, bool)), "no array of True and False, with both"),
        (lambda: inpaint(model, y, np.zeros(16)), "no array of True and False, with both"),
        (lambda: super_resolve(model, np.zeros((4, 4)), 1), "factor: 1"),
        (lambda: super_resolve(model, np.zeros((1, 1)), 2), "an array of shape"),
        (lambda: denoise(model, y, 0.1, stride=0), "stride: 0"),
        (lambda: denoise(model, np.zeros((12, 12)), 0.1, stride=5), "stride: 5 leaves pixels between patches"),
        (lambda: inpaint(model, np.full((2, 16), np.nan), np.eye(16, dtype=bool)[0]), "no finite numbers"),
    )
    for call, what in cases:
        with pytest.raises(BuildError, match=what):
            call()
