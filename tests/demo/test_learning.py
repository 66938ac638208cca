"""The optimiser, the measures of filters, and the denoiser against closed forms."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from smgen.demo.baselines import psnr
from smgen.demo.denoising import Denoiser, Supply, prepare, train, untrained
from smgen.demo.filters import orientation, overlaps
from smgen.demo.optimise import Training, adam, tangent, unit_rows
from smgen.demo.plan import FULL, QUICK
from smgen.demo.run import NETS, build_module

QUADRATIC = """
import smgen as sm
y = sm.input(15)
network = sm.Network(energy=sm.square(sm.linear(y, 15, bias=False, name="filters")))
"""


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


@pytest.fixture(scope="module")
def quadratic(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("quadratic")
    (folder / "net.py").write_text(QUADRATIC, encoding="utf-8")
    return build_module(folder / "net.py", folder, "float32")


def walks(count: int, rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Gaussian 4×4 "patches": random walks, with a mean of their own."""
    return np.cumsum(rng.standard_normal((count, 16)), axis=1) / 4


def test_the_denoiser_is_the_posterior_mean_of_a_gaussian(quadratic: ModuleType) -> None:
    """x ~ N(0, C), unit noise: p(y) = N(0, C + 1); with E = Σ (w_j·y)², 2 WᵀW = (C + 1)⁻¹. E[x|y] = C (C + 1)⁻¹ y."""
    rng, sigma = np.random.default_rng(0), 0.3
    directions = np.linalg.qr(np.column_stack([np.ones(16), rng.standard_normal((16, 15))]))[0][:, 1:]
    root = rng.standard_normal((15, 15))
    C = root @ root.T
    W = np.linalg.cholesky(np.linalg.inv(C + np.eye(15)) / 2).T
    denoiser = Denoiser(quadratic, {"filters.weight": W.astype(np.float32)}, directions, sigma)
    y = rng.standard_normal((50, 16))
    mean = y.mean(axis=1, keepdims=True)
    expected = mean + (y - mean) @ directions @ np.linalg.solve(C + np.eye(15), C) @ directions.T
    assert np.allclose(denoiser(y), expected, atol=1e-5)


def test_score_matching_learns_that_posterior_mean_from_noisy_samples_alone(quadratic: ModuleType) -> None:
    rng, sigma = np.random.default_rng(0), 0.5
    clean = walks(20_000, rng)
    rest = clean - clean.mean(axis=1, keepdims=True)
    variances, directions = np.linalg.eigh(rest.T @ rest / len(rest))
    directions, C = directions[:, 1:], np.diag(variances[1:]) / sigma**2
    spread = np.sqrt(np.diag(C) + 1)
    supply = Supply((rest @ directions / sigma).astype(np.float32), directions, spread, sigma)
    learned = train(untrained(quadratic, supply, 0), supply, Training(steps=1500, batch=500, rate=0.01), rng)
    W = learned.params["filters.weight"].astype(np.float64)
    assert np.allclose(2 * W.T @ W, np.linalg.inv(C + np.eye(15)), atol=0.03)


def test_the_error_foreseen_from_the_noisy_patches_is_the_error(quadratic: ModuleType) -> None:
    rng, sigma = np.random.default_rng(0), 0.5
    clean = walks(100_000, rng)
    noisy = clean + sigma * rng.standard_normal(clean.shape)
    directions = np.linalg.qr(np.column_stack([np.ones(16), np.eye(16)[:, 1:]]))[0][:, 1:]
    weights = {"filters.weight": (rng.standard_normal((15, 15)) / 8).astype(np.float32)}
    denoiser = Denoiser(quadratic, weights, directions, sigma)
    assert denoiser.foreseen(noisy) == pytest.approx(np.mean((denoiser(noisy) - clean) ** 2), rel=0.01)


def test_new_noise_each_time_the_patches_come_round() -> None:
    image = np.random.default_rng(0).random((30, 30))
    supply = prepare([image], 4, 0.2, 600, np.random.default_rng(0))
    batches = supply.batches(300, np.random.default_rng(1))
    first, _, again = (next(batches) for _ in range(3))
    clean = supply.clean[:300]
    assert not np.array_equal(first, again)
    for batch in (first, again):
        assert np.std(batch - clean) == pytest.approx(1, abs=0.05)


def test_psnr() -> None:
    assert psnr(np.zeros((4, 4)), np.full((4, 4), 0.1)) == pytest.approx(20)


def test_every_network_of_the_plan_is_exact_for_the_diagonal_recursion(tmp_path: Path) -> None:
    for part in (*FULL.parts.values(), *QUICK.parts.values()):
        module = build_module(NETS / f"{part.net}.py", tmp_path, "float32")
        assert module.METADATA["exact"] is True
        assert module.PARAMS["filters.weight"][1] == part.size**2 - 1
