"""Transforms: what goes in comes out, whitened data are white, and scores are those of the density of x."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from smgen.data.transform import KINDS, fitted
from smgen.errors import BuildError

Array = npt.NDArray[Any]


def correlated(count: int = 4000, inputs: int = 4) -> Array:
    rng = np.random.default_rng(0)
    return 3 + rng.standard_normal((count, inputs)) @ rng.standard_normal((inputs, inputs))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back(kind: str, dtype: type) -> None:
    x: Array = correlated().astype(dtype)
    transform = fitted(x, kind, 4)
    z = transform.forward(x, dtype)
    assert z.dtype == dtype
    assert np.allclose(transform.backward(z), x, atol=1e-4 if dtype == np.float32 else 1e-12)


def test_whitened_data_are_white() -> None:
    x = correlated()
    for kind in ("pca", "zca"):
        z = fitted(x, kind, 4).forward(x)
        assert np.allclose(np.cov(z, rowvar=False, bias=True), np.eye(4), atol=1e-10)
        assert np.allclose(z.mean(axis=0), 0, atol=1e-10)
    z = fitted(x, "standardise", 4).forward(x)
    assert np.allclose(z.std(axis=0), 1)
    for kind in ("scale", "rotate"):  # one number for all: distances keep their ratios
        z = fitted(x, kind, 4).forward(x)
        assert (z**2).mean() == pytest.approx(1)
        ratios = np.linalg.norm(z[1:] - z[:-1], axis=1) / np.linalg.norm(x[1:] - x[:-1], axis=1)
        assert np.ptp(ratios) < 1e-9
    matrix = fitted(x, "zca", 4).matrix
    assert matrix is not None
    assert np.allclose(matrix, matrix.T)


@pytest.mark.parametrize("without_mean", [False, True])
@pytest.mark.parametrize(
    ("kind", "outputs"),
    [("none", 4), ("scale", 4), ("standardise", 4), ("rotate", 4), ("rotate", 3), ("pca", 4), ("pca", 2), ("zca", 4)],
)
def test_the_score_is_the_slope_of_the_energy(kind: str, outputs: int, without_mean: bool) -> None:
    """Of E(z) = Σ z⁴ / 4, by central differences in x."""
    if without_mean and (kind, outputs) in {("rotate", 4), ("pca", 4), ("zca", 4)}:
        return  # a direction is missing
    x = correlated()
    transform = fitted(x, kind, outputs, without_mean=without_mean)
    few, h = x[:5], 1e-5
    gradient = transform.pull_back(transform.forward(few) ** 3)
    for d in range(4):
        step = h * np.eye(4)[d]
        ahead, behind = ((transform.forward(few + sign * step) ** 4).sum(axis=1) / 4 for sign in (1, -1))
        assert np.allclose(gradient[:, d], (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_volumes(kind: str) -> None:
    x = correlated()
    transform = fitted(x, kind, 4)
    matrix = transform.forward(np.eye(4)) - transform.forward(np.zeros((1, 4)))
    assert transform.log_volume == pytest.approx(np.linalg.slogdet(matrix)[1], abs=1e-9)


def test_channels_have_a_scale_each() -> None:
    x = np.random.default_rng(0).standard_normal((50, 2, 3, 3)) * np.array([1.0, 10.0])[:, None, None] + 5
    z = fitted(x.reshape(50, -1), "standardise", 18, channels=2).forward(x.reshape(50, -1)).reshape(x.shape)
    assert np.allclose(z.mean(axis=(0, 2, 3)), 0)
    assert np.allclose(z.std(axis=(0, 2, 3)), 1)


def test_a_column_that_does_not_vary_is_centred() -> None:
    x = correlated()
    x[:, 2] = 7
    z = fitted(x, "standardise", 4).forward(x)
    assert not z[:, 2].any()
    assert np.isfinite(z).all()


def test_what_does_not_fit() -> None:
    x = correlated()
    x[:, 2] = x[:, 0] + x[:, 1]
    for kind, outputs, what in (
        ("white", 4, "no such transform"),
        ("none", 3, "samples of 4 values, where the network has 3 inputs"),
        ("pca", 5, "samples of 4 values, where the network has 5 inputs"),
        ("pca", 4, "the samples span 3 directions"),
        ("zca", 4, "the samples span 3 directions"),
    ):
        with pytest.raises(BuildError, match=what):
            fitted(x, kind, outputs)
    assert fitted(x, "pca", 3).outputs == 3


def test_directions_are_counted_whatever_the_scales_are() -> None:
    x = correlated() * np.array([1e5, 1.0, 1e-3, 1.0])
    assert fitted(x, "pca", 4).outputs == 4


def test_numbers_are_not_rounded_before_they_are_centred() -> None:
    x = correlated() + 1e7
    transform = fitted(x, "standardise", 4)
    for dtype in (">f8", np.longdouble):
        assert np.array_equal(transform.forward(x.astype(dtype), np.float32), transform.forward(x, np.float32))
