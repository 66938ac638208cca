"""The optimiser, the measures of filters, and the denoiser against closed forms."""

from __future__ import annotations

from itertools import repeat
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from smgen.build import Options, compiled
from smgen.demo import denoising, filters
from smgen.demo.baselines import psnr
from smgen.demo.filters import orientation, overlaps
from smgen.demo.optimise import Training, adam, tangent, unit_rows
from smgen.demo.patches import sample
from smgen.demo.plan import FULL, QUICK, Part
from smgen.demo.stages import NETS

Array = npt.NDArray[Any]


def bowl(centre: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> ModuleType:
    """A module whose loss is ½ ‖w − centre‖²."""
    module = ModuleType("bowl")
    module.__dict__["loss_and_grad"] = lambda params, x, lam: (0.0, {"w": params["w"] - centre})
    return module


def test_adam_finds_a_minimum_and_leaves_its_start_alone() -> None:
    centre = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    start = {"w": np.zeros((3, 4), np.float32)}
    nothing = np.zeros((1, 4), np.float32)
    end = adam(bowl(centre), start, repeat(nothing), Training(steps=600, batch=1, rate=0.05))
    assert np.allclose(end["w"], centre, atol=1e-3)
    assert not start["w"].any()


def test_adam_on_spheres_finds_the_nearest_directions() -> None:
    rng = np.random.default_rng(0)
    centre = 3 * rng.standard_normal((3, 4)).astype(np.float32)
    start = {"w": rng.standard_normal((3, 4)).astype(np.float32)}
    ticks: list[int] = []
    training = Training(steps=600, batch=1, rate=0.05)
    end = adam(
        bowl(centre), start, repeat(np.zeros((1, 4), np.float32)), training, spherical="w", tick=lambda: ticks.append(1)
    )
    assert np.allclose(end["w"], unit_rows(centre), atol=1e-3)
    assert len(ticks) == 600


def test_tangents_are_tangent() -> None:
    rng = np.random.default_rng(0)
    weights = unit_rows(rng.standard_normal((5, 7)))
    assert np.allclose(np.sum(weights * tangent(weights, rng.standard_normal((5, 7))), axis=1), 0)


def test_orientation_of_gratings() -> None:
    y, x = np.mgrid[:12, :12] - 5.5
    window = np.exp(-(x**2 + y**2) / 12)
    angles = np.deg2rad([0, 30, 90, 135])
    gratings = np.stack([window * np.sin(1.5 * (np.cos(a) * x + np.sin(a) * y)) for a in angles])
    orientations, oriented = orientation(np.concatenate([gratings, [window]]).reshape(5, -1), 12)
    apart = np.abs((orientations[:4] - angles + np.pi / 2) % np.pi - np.pi / 2)
    assert np.rad2deg(apart).max() < 3
    assert oriented[:4].min() > 0.7
    assert oriented[4] < 0.01


def test_overlaps_of_all_pairs() -> None:
    weights = np.array([[1.0, 0.0], [0.0, 1.0], [-0.6, 0.8]])
    assert np.allclose(np.sort(overlaps(weights)), [0, 0.6, 0.8])


def textures(count: int) -> list[Array]:
    """Smooth random images with a little grain, values around ½."""
    rng = np.random.default_rng(0)
    kernel = np.exp(-(np.arange(-6, 7) ** 2) / 8)
    images = []
    for _ in range(count):
        white = rng.standard_normal((60, 60))
        for _ in range(2):
            white = np.apply_along_axis(np.convolve, 0, white, kernel, "same").T
        images.append(0.5 + 0.15 * white / white.std() + 0.005 * rng.standard_normal(white.shape))
    return images


def test_a_denoiser_foresees_its_error_and_makes_images_better() -> None:
    part = Part(net="denoiser", size=8, patches=20_000, steps=300, batch=200, rate=0.03)
    learned, start = denoising.learn(NETS / "denoiser.py", part, textures(8), 0.1, 0, None)
    rng = np.random.default_rng(1)
    new = textures(9)[8]
    clean = sample([new], 4000, 8, rng)
    seen = clean + 0.1 * rng.standard_normal(clean.shape)
    assert learned.loss(seen) < learned.loss(seen, start)
    measured = np.mean((learned.patches(seen) - clean) ** 2)
    assert measured < 0.3 * 0.1**2
    assert learned.foreseen(seen) == pytest.approx(measured, rel=0.05)
    noisy = new + 0.1 * rng.standard_normal(new.shape)
    assert psnr(new, learned.image(noisy)) > psnr(new, noisy) + 6


def test_filters_are_unit_rows_and_lower_the_loss() -> None:
    part = Part(net="ica_small", size=8, patches=5000, steps=60, batch=200, rate=0.03, lam=0.01)
    learned = filters.learn(NETS / "ica_small.py", part, textures(4), textures(5)[4:], 0, None)
    assert np.allclose(np.linalg.norm(learned.weights, axis=1), 1, atol=1e-5)
    assert learned.loss_after < learned.loss_before
    assert learned.filters.shape == learned.features.shape == (200, 64)
    z = learned.model.inner(sample(textures(1), 50, 8, np.random.default_rng(0)))
    x = learned.model.outer(z)
    x = x - x.mean(axis=1, keepdims=True) - learned.model.transform.mean
    assert np.allclose(x @ learned.filters.T, z @ learned.weights.T, atol=1e-3)


def test_psnr() -> None:
    assert psnr(np.zeros((4, 4)), np.full((4, 4), 0.1)) == pytest.approx(20)


def test_every_network_of_the_plan_is_exact_for_the_diagonal_recursion() -> None:
    for part in (*FULL.parts.values(), *QUICK.parts.values()):
        _, module = compiled(NETS / f"{part.net}.py", Options())
        assert module.METADATA["exact"] is True
        assert module.PARAMS["filters.weight"][1] == part.size**2 - 1
