"""The example that restores photographs with a field of experts: its pieces are right, and a short run makes sense."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.field_of_experts.learning import Coordinates, foreseen, framed
from examples.field_of_experts.model import WEIGHT, Field
from examples.field_of_experts.nets import FILTERS, MARGIN, SIDE, patch_module
from examples.field_of_experts.plan import SIGMA
from examples.field_of_experts.posterior import NOISY, SMALL, SMALL_WITHOUT_MARGIN, Observation, most_probable
from smgen.demo.arrays import Array, Params

ROOT = Path(__file__).resolve().parent.parent
SHAPE = (2, 28, 32)
OBSERVATIONS = pytest.mark.parametrize("observation", [NOISY, SMALL, SMALL_WITHOUT_MARGIN])


def params(rng: np.random.Generator) -> Params:
    images = [rng.random((40, 40)) for _ in range(2)]
    coordinates = Coordinates.fit(images, 0.1, rng)
    bends = {name: rng.uniform(-0.2, 0.4, (FILTERS, 1, 1)).astype(np.float32) for name in "ab"}
    return coordinates.filters({WEIGHT: coordinates.start(rng), **bends})


@OBSERVATIONS
def test_adjoints(observation: Observation) -> None:
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩, and A Aᵀ = c I."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(SHAPE)
    y = rng.standard_normal(observation.forward(x).shape)
    assert np.vdot(observation.forward(x), y) == pytest.approx(np.vdot(x, observation.adjoint(y)), rel=1e-12)
    assert np.allclose(observation.forward(observation.adjoint(y)), observation.gram * y)


@OBSERVATIONS
def test_the_gradient_of_the_data_term(observation: Observation) -> None:
    rng = np.random.default_rng(1)
    x, along = rng.standard_normal((2, *SHAPE))
    y, s = rng.standard_normal(observation.forward(x).shape), 0.3

    def term(x: Array) -> float:
        return float(np.sum((observation.forward(x) - y) ** 2) / (2 * s**2))

    slope = (term(x + along) - term(x - along)) / 2  # exact: the term is quadratic
    assert np.vdot(observation.gradient(x, y, s), along) == pytest.approx(slope, rel=1e-9)


@OBSERVATIONS
def test_the_proximal_map_is_stationary(observation: Observation) -> None:
    rng = np.random.default_rng(2)
    v = rng.standard_normal(SHAPE)
    y = rng.standard_normal(observation.forward(v).shape)
    x = observation.proximal(v, y, 0.3, step=0.7)
    assert np.allclose(x - v + 0.7 * observation.gradient(x, y, 0.3), 0, atol=1e-12)


@OBSERVATIONS
def test_the_most_probable_image_of_a_gaussian(observation: Observation) -> None:
    """E = ‖x‖²/2 has its minimum where x + Aᵀ(A x − y)/s² = 0."""
    rng = np.random.default_rng(3)
    start = rng.standard_normal(SHAPE)
    y = rng.standard_normal(observation.forward(start).shape)
    x = most_probable(observation, y, 0.5, lambda x: -x, 4.0, start, steps=200)
    assert np.allclose(x + observation.gradient(x, y, 0.5), 0, atol=1e-9)


def test_a_frame_and_what_is_inside() -> None:
    patches = np.random.default_rng(4).standard_normal((3, 9 + 2 * MARGIN, 9 + 2 * MARGIN))
    inside, frame = framed(patches)
    whole = frame[:, 0].copy()
    assert not whole[:, MARGIN:-MARGIN, MARGIN:-MARGIN].any()
    whole[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = inside.reshape(3, 9, 9)
    assert np.array_equal(whole, patches.astype(np.float32))


def test_the_gradient_in_coordinates() -> None:
    """⟨∂J/∂C, C⟩ = ⟨∂J/∂w, w⟩ for w = C B, whose rows sum to 0."""
    rng = np.random.default_rng(5)
    coordinates = Coordinates.fit([rng.random((30, 30))], 0.1, rng)
    start = {WEIGHT: coordinates.start(rng)}
    weights = coordinates.filters(start)[WEIGHT]
    gradient = rng.standard_normal(weights.shape).astype(np.float32)
    product = np.vdot(coordinates.gradient({WEIGHT: gradient})[WEIGHT], start[WEIGHT])
    assert product == pytest.approx(np.vdot(gradient, weights), rel=1e-4)
    assert np.allclose(weights.sum(axis=(1, 2, 3)), 0, atol=1e-5)


def test_the_loss_given_a_frame_is_that_of_the_field(tmp_path: Path) -> None:
    """J of the pixels inside from the score of the whole image, with δ′ by central differences."""
    rng, side, step = np.random.default_rng(6), 4, 0.02
    field = Field(params(rng), 1.0, tmp_path)
    image = 2 * rng.standard_normal((1, side + 2 * MARGIN, side + 2 * MARGIN))
    inside, frame = framed(image)
    middle = [(MARGIN + i, MARGIN + j) for i in range(side) for j in range(side)]
    expected = 0.0
    for place in middle:
        moved = np.repeat(image, 2, axis=0)
        moved[(0, *place)] += step
        moved[(1, *place)] -= step
        up, down = field.score(moved)[(slice(None), *place)]
        expected += 0.5 * field.score(image)[(0, *place)] ** 2 + (up - down) / (2 * step)
    module = patch_module(tmp_path, side, 1)
    assert float(module.loss(field.params, inside, 0.0, frame=frame)) == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_a_field_on_images(tmp_path: Path) -> None:
    """It follows translations, does not see brightness, and its slope changes no faster than it says."""
    rng = np.random.default_rng(7)
    field = Field(params(rng), 0.1, tmp_path)
    image, other = 0.3 * rng.standard_normal((2, 1, 31, 30))
    whole, brighter = field.score(image), field.score(image + 0.5)
    assert np.allclose(brighter, whole, atol=1e-3 * np.abs(whole).max())
    left, right = field.score(image[:, :-1]), field.score(image[:, 1:])
    inner = np.s_[:, MARGIN : 29 - MARGIN, MARGIN:-MARGIN]
    assert np.allclose(left[:, 1:][inner], right[:, :-1][inner], atol=1e-4 * np.abs(left).max())
    change = np.linalg.norm(field.score(image + 0.01 * other) - whole) / np.linalg.norm(0.01 * other)
    assert change <= field.curvature()
    filters, strengths = field.filters()
    assert filters.shape == (FILTERS, SIDE**2)
    assert np.all(np.diff(np.abs(strengths)) <= 0)


def test_the_error_foreseen_of_a_gaussian() -> None:
    """Pixels of variance v in units of the noise: J per pixel is −1/(2(v + 1)), the mean squared error v/(v + 1)."""
    v = 3.0
    assert foreseen(-0.5 / (v + 1), 0.1) == pytest.approx(-10 * math.log10(0.1**2 * v / (v + 1)))


@pytest.mark.slow
def test_the_experiment_in_a_hurry(tmp_path: Path) -> None:
    first, second = _run(tmp_path / "first"), _run(tmp_path / "second")
    assert first == second
    for photograph in first["denoising"]:
        psnr = {method["name"]: method["psnr"] for method in photograph["methods"]}
        assert psnr["noisy"] == pytest.approx(-20 * math.log10(SIGMA), abs=0.2)
        assert psnr["field, posterior mean"] > psnr["noisy"] + 3
        assert psnr["field, most probable"] > psnr["noisy"] + 3
    for photograph in first["enlarging"]:
        psnr = {method["name"]: method["psnr"] for method in photograph["methods"]}
        assert psnr["pixels repeated"] < psnr["bicubic"] < psnr["bicubic, then right means"]
        assert psnr["field, most probable"] > psnr["pixels repeated"]
    for field in ("denoiser", "prior"):
        assert first[field]["loss_held_out"] < 0
    assert str(first["choice"]["weight"]) in first["choice"]["psnr_of_weights"]


def _run(folder: Path) -> Any:
    """What a quick run measured, without times and paths."""
    command = [sys.executable, "-W", "error", "-m", "examples.field_of_experts", "--quick", "--output", str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != "CFLAGS"}  # the tests' -O0 is slow here
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Enlarging" in done.stdout
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for path in results.pop("files"):
        assert Path(path).read_bytes().startswith(b"\x89PNG" if path.endswith(".png") else b"{")
    for part in (results, results["denoiser"], results["prior"]):
        assert part.pop("seconds") > 0
    return results
