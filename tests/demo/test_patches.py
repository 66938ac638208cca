"""Patches and coordinates: what goes out comes back."""

from __future__ import annotations

import numpy as np
import pytest

from smgen.demo.patches import average_overlaps, dequantised, sample, without_mean
from smgen.demo.whitening import Axes


@pytest.mark.parametrize("rows", [1, 3, 100])
@pytest.mark.parametrize("size", [1, 4, 9])
def test_averaging_untouched_patches_gives_the_image_back(size: int, rows: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 23)).astype(np.float64)
    assert np.array_equal(average_overlaps(image, size, lambda patches: patches, rows), image)


def test_a_pixel_is_the_mean_over_the_patches_that_cover_it() -> None:
    image = np.zeros((1, 4))
    numbered = average_overlaps(np.tile(image, (2, 1)), 2, lambda p: np.arange(3.0)[:, None] * np.ones_like(p))
    assert np.allclose(numbered, [[0, 0.5, 1.5, 2]] * 2)


def test_sampled_patches_are_patches_of_the_images_in_equal_shares() -> None:
    images = [np.full((7, 9), 1.0), np.full((8, 5), 2.0), np.full((5, 5), 3.0)]
    patches = sample(images, 91, 5, np.random.default_rng(0))
    assert patches.shape == (91, 25)
    values, counts = np.unique(patches[:, 0], return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert sorted(counts.tolist()) == [30, 30, 31]


def test_all_eight_symmetries_occur_and_nothing_else() -> None:
    image = np.arange(9.0).reshape(3, 3)
    turned = [np.rot90(side, k) for side in (image, image[:, ::-1]) for k in range(4)]
    patches = {tuple(patch) for patch in sample([image], 200, 3, np.random.default_rng(0))}
    assert patches == {tuple(one.ravel()) for one in turned}


def test_dequantising_stays_within_half_a_level() -> None:
    patches = np.zeros((100, 4))
    spread = dequantised(patches, np.random.default_rng(0))
    assert 0.45 / 255 < np.abs(spread).max() <= 0.5 / 255


def test_without_mean() -> None:
    patches = np.random.default_rng(0).random((5, 16))
    rest, mean = without_mean(patches)
    assert np.allclose(rest.mean(axis=1), 0)
    assert np.allclose(rest + mean, patches)


@pytest.fixture
def correlated() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Mean-free random walks: variances over two orders of magnitude."""
    return without_mean(np.cumsum(np.random.default_rng(0).standard_normal((4000, 16)), axis=1))[0]


def test_whitening_whitens(correlated: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    axes = Axes.fit(correlated)
    assert axes.variances[0] / axes.variances[-1] > 50
    white = axes.whiten(correlated)
    assert white.shape == (4000, 15)
    assert white.dtype == np.float32
    assert np.allclose(white.T @ white / len(white), np.eye(15), atol=1e-3)


def test_axes_are_orthonormal_and_leave_out_the_constant(
    correlated: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> None:
    axes = Axes.fit(correlated)
    assert np.allclose(axes.directions.T @ axes.directions, np.eye(15))
    assert np.allclose(axes.directions.sum(axis=0), 0)
    assert np.allclose(correlated @ axes.directions @ axes.directions.T, correlated)


def test_filters_and_features_on_pixels(correlated: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    axes = Axes.fit(correlated)
    weights = np.random.default_rng(1).standard_normal((3, 15))
    responses = correlated @ axes.filters(weights).T
    assert np.allclose(responses, axes.whiten(correlated) @ weights.T, atol=1e-3)
    assert np.allclose(correlated.T @ responses / len(correlated), axes.features(weights).T)
