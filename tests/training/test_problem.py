"""Held-out losses are true ones, whatever the module's own δ′ is; gradients are of the losses that are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.data.batches import Batch
from smgen.errors import BuildError
from smgen.loader import load_source
from smgen.network import Network
from smgen.training.problem import Problem, curvature
from smgen.training.settings import Settings

DEEP = Network(energy=sm.linear(sm.softplus(sm.linear(sm.softplus(sm.linear(sm.input(3), 8)), 8)), 1))
SAMPLES = np.random.default_rng(0).random((200, 3)) + 0.1


def problem(hessian: str, objective: str = "hyvarinen", dtype: str = "float64", **settings: object) -> Problem:
    probes: dict[str, Any] = {"probes": 2} if hessian == "hutchinson" else {}
    options = Options(dtype=dtype, hessian=hessian, objective=objective, functions="usual", **probes)
    info = build_info(DEEP, Path("net.py"), options)
    return Problem.of(load_source(source(DEEP, info), info.name), Settings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", ["hyvarinen", "generalised:x", "generalised:min:0.5", "generalised:tent:0:2"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lam", [0.0, 0.5])
def test_losses_of_an_inexact_module_are_estimated_without_bias(objective: str, dtype: str, lam: float) -> None:
    if lam and objective != "hyvarinen":
        return  # it has no λ
    exact, recursion = (problem(mode, objective, dtype) for mode in ("exact", "diagonal"))
    params = exact.module.init_params(0)
    batch = Batch(SAMPLES.astype(dtype), {})
    truth, estimate = exact.true_losses(params, batch, lam), recursion.true_losses(params, batch, lam)
    assert exact.is_true
    assert not recursion.is_true
    assert np.array_equal(truth, exact.own_losses(params, batch, lam))
    error = (estimate - truth).std() / np.sqrt(len(truth))
    assert abs(estimate.mean() - truth.mean()) < 4 * error + 1e-4
    assert abs(recursion.own_losses(params, batch, lam).mean() - truth.mean()) > 5 * error


def test_an_estimate_along_a_direction_is_of_second_order() -> None:
    """Of E = Σ x⁴, whose Hessian is diagonal: v cancels, and what is left of H_dd = 12 x² is the remainder 4 h²."""

    def score(x: np.ndarray) -> np.ndarray:
        return -4 * x**3

    found = curvature(score, SAMPLES, np.random.default_rng(2))
    assert np.allclose(found, 12 * SAMPLES**2, rtol=1e-6)


@pytest.mark.parametrize("scales", [np.ones(3), np.array([1.0, 1e-3, 30.0])])
def test_the_step_suits_every_column(scales: Any) -> None:
    """E = Σ cosh((x − m)/s), m a thousand times s: the Hessian is known at every place and scale."""
    m = 1000 * scales
    x = (m + scales * np.random.default_rng(0).standard_normal((500, 3))).astype(np.float64)
    found = curvature(lambda at: -np.sinh((at - m) / scales) / scales, x, np.random.default_rng(1))
    assert np.allclose(found, np.cosh((x - m) / scales) / scales**2, rtol=1e-5)


def test_probes_and_noise_of_held_out_samples_stay_the_same() -> None:
    batch = Batch(SAMPLES, {})
    for made in (problem("hutchinson"), problem("exact", "denoising", sigma=(0.1, 1.0))):
        params = made.module.init_params(0)
        assert np.array_equal(made.true_losses(params, batch), made.true_losses(params, batch))
        losses = [float(made.loss_and_grad(params, batch, step, None)[0]) for step in (0, 0, 1)]
        assert losses[0] == losses[1] != losses[2]


def test_what_a_module_lacks() -> None:
    with pytest.raises(BuildError, match="the denoising loss takes a noise level"):
        problem("exact", "denoising")
    with pytest.raises(BuildError, match="the hyvarinen loss takes no noise level"):
        problem("exact", sigma=0.1)
    with pytest.raises(BuildError, match="the denoising loss has no λ"):
        problem("exact", "denoising", sigma=0.1, lam=0.1)
    info = build_info(DEEP, Path("net.py"), Options(hessian="exact", functions="score"))
    with pytest.raises(BuildError, match="the module has no loss_and_grad, losses, energy"):
        Problem.of(load_source(source(DEEP, info), info.name), Settings())
