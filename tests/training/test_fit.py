"""Fitting: closed forms, every objective and mode, resuming bit for bit, interruptions, and runs that go wrong."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.build import Options, build
from smgen.errors import BuildError
from smgen.network import Network
from smgen.training import fit
from smgen.training.samples import DataWarning
from tests import moons
from tests.training.runs import GAUSSIAN, ROOT, SMALL, deep, press_ctrl_c, same

Array = npt.NDArray[Any]


@pytest.mark.parametrize("whiten", ["none", "standardise", "pca", "zca"])
@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_gaussian_is_found_in_any_coordinates(whiten: str, optimiser: str, net: Path) -> None:
    data = GAUSSIAN - 5 if whiten == "none" else GAUSSIAN
    model = fit(net, data, backend="numpy", whiten=whiten, optimiser=optimiser, steps=2500, rate=0.02)
    precision = np.linalg.inv(ROOT.T @ ROOT)
    x = data[:500].astype(np.float64)
    expected = -(x - data.mean(axis=0)) @ precision
    error = ((model.score(x) - expected) ** 2).sum() / (expected**2).sum()
    assert error < 0.01
    energy = model.energy(x)
    quadratic = 0.5 * np.einsum("ni,ij,nj->n", x - data.mean(axis=0), precision, x - data.mean(axis=0))
    assert np.std(energy - quadratic) < 0.1 * np.std(quadratic)


@pytest.mark.parametrize("objective", ["hyvarinen", "denoising", "generalised:x"])
@pytest.mark.parametrize("hessian", ["exact", "hutchinson", "diagonal"])
def test_every_objective_and_mode_learns(objective: str, hessian: str, tmp_path: Path) -> None:
    sigma: dict[str, Any] = {"sigma": (0.3, 1.0)} if objective == "denoising" else {}
    data = np.abs(moons.samples(2000, 0))
    with pytest.warns(sm.SmgenWarning) if hessian == "diagonal" and not sigma else _quiet():
        model = fit(
            deep(tmp_path / "net.py"), data, **SMALL, objective=objective, hessian=hessian, dtype="float64", **sigma
        )
    first, last = model.record.history[0], model.record.history[-1]
    assert last["held_out"] < first["held_out"]
    assert (last["own"] is not None) == (hessian == "diagonal" and not sigma)


class _quiet:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_of_several_objectives_the_first_is_trained_for(net: Path) -> None:
    options: dict[str, Any] = SMALL | {"objective": "denoising,hyvarinen", "sigma": 0.5}
    model = fit(net, GAUSSIAN[:1000], **options)
    assert model.record.objective == "denoising"
    assert hasattr(model.module, "loss_and_grad")
    same(model, fit(net, GAUSSIAN[:1000], **options | {"objective": "denoising"}))


def test_conditions_come_with_the_data(tmp_path: Path) -> None:
    """Two Gaussians, told apart by a label; σ is a condition that the denoising loss gives."""
    label, sigma = sm.condition(name="label"), sm.condition(name="sigma", domain=(1e-3, None))
    x = sm.input(2)
    h = sm.concat(x, sm.embedding(label, 2, 4), sm.pointwise(sigma, lambda s: s))
    network = Network(energy=sm.linear(sm.softplus(sm.linear(h, 16)), 1))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 2000)
    data = {"x": rng.standard_normal((2000, 2)) + 4 * labels[:, None], "label": labels}
    model = fit(network, data, **SMALL | {"steps": 600}, objective="denoising", sigma=(0.1, 1.0))
    scores = [model.score(np.full((1, 2), 2.0), label=n, sigma=0.1) for n in (0, 1)]
    assert (scores[0] < 0).all()
    assert (scores[1] > 0).all()
    with pytest.raises(BuildError, match="the network's conditions are not in the data: label"):
        fit(network, data["x"], **SMALL, objective="denoising", sigma=0.1)
    with pytest.raises(BuildError, match="different numbers of rows: x has 2000, label has 10"):
        fit(network, {"x": data["x"], "label": labels[:10]}, **SMALL, objective="denoising", sigma=0.1)


def test_ctrl_c_keeps_the_best_so_far_and_gives_the_signal_back(net: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.5, press_ctrl_c)
    timer.start()
    model = fit(net, GAUSSIAN, **SMALL | {"steps": 10_000_000, "evaluations": 1_000_000}, patience=0)
    assert model.record.result["stopped"] == "interrupted"
    assert model.record.result["held_out"] == min(entry["held_out"] for entry in model.record.history)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_recursion_that_is_exploited_stops_the_run(tmp_path: Path) -> None:
    with pytest.warns(sm.SmgenWarning, match="inexact"):
        model = fit(
            deep(tmp_path / "net.py"), moons.samples(3000, 0), backend="numpy", hessian="diagonal", dtype="float64",
            steps=4000, rate=0.03,
        )  # fmt: skip
    assert "the diagonal recursion is wrong for this network" in model.record.result["stopped"]
    assert "--hessian exact or hutchinson" in model.record.result["stopped"]


def test_overfitting_stops_the_run(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "held_out": 0.5,
        "patience": 5,
        "evaluations": 200,
        "schedule": "constant",
        "steps": 20_000,
    }
    model = fit(
        deep(tmp_path / "net.py"), moons.samples(80, 0), backend="numpy", hessian="exact", dtype="float64", **options
    )
    assert model.record.result["stopped"].startswith("no better held-out loss since step")
    assert model.record.result["steps"] < 20_000


def test_a_loss_that_is_not_finite(net: Path) -> None:
    with np.errstate(all="ignore"):
        model = fit(net, GAUSSIAN[:1000], **SMALL, rate=1e30)
    assert "the loss is not finite at step" in model.record.result["stopped"]


def test_data_without_a_density_are_named(net: Path) -> None:
    flat = GAUSSIAN[:1000].copy()
    flat[:, 1] = 3
    with pytest.warns(DataWarning, match=r"column 1 is constant.*At λ = 0 the loss has no minimum"):
        fit(net, flat, **SMALL | {"steps": 2})
    with pytest.warns(DataWarning, match="hold whole numbers only. λ > 0 keeps the loss bounded"):
        fit(net, np.rint(GAUSSIAN[:1000] * 100), **SMALL | {"steps": 2}, lam=0.1)
    heavy = GAUSSIAN[:1000].copy()
    heavy[5, 2] = 1e4
    with pytest.warns(DataWarning, match="column 2 has samples more than 30 times"):
        fit(net, heavy, **SMALL | {"steps": 2})
    with pytest.warns(DataWarning, match="spreads from"):
        fit(net, GAUSSIAN[:1000] * np.float32(1e-3), **SMALL | {"steps": 2}, whiten="none")
    fit(net, np.rint(GAUSSIAN[:1000] * 3), **SMALL | {"steps": 2}, levels=1.0)


def test_a_number_that_is_not_finite_is_named_before_anything_else(net: Path) -> None:
    broken = GAUSSIAN[:1000].copy()
    broken[123, 2] = np.inf
    with pytest.raises(BuildError, match="data: row 123, column 2 is inf, no finite number"):
        fit(net, broken, **SMALL)


def test_a_module_of_any_backend_can_be_given(tmp_path: Path, net: Path) -> None:
    reached = []
    for backend in ("numpy", "c"):
        module = sm.load(build(net, tmp_path, Options(backend=backend, functions="usual")).path)
        reached.append(fit(module, GAUSSIAN[:1000], **{k: v for k, v in SMALL.items() if k != "backend"}))
    x = GAUSSIAN[:10]
    assert np.allclose(reached[0].score(x), reached[1].score(x), atol=1e-3)


def test_what_is_not_installed_is_named_first(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(BuildError, match="model folders need safetensors"):
        fit(net, GAUSSIAN, **SMALL, folder=tmp_path / "model")
    assert not (tmp_path / "model").exists()
    fit(net, GAUSSIAN, **SMALL | {"steps": 1})
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(BuildError, match="--optimiser lbfgs needs SciPy"):
        fit(net, GAUSSIAN, **SMALL, optimiser="lbfgs")


def test_what_is_no_network(net: Path) -> None:
    with pytest.raises(BuildError, match="no path of a net"):
        fit(3, GAUSSIAN)
    with pytest.raises(BuildError, match="not a module that smgen generated"):
        fit(json, GAUSSIAN)
    with pytest.raises(BuildError, match="the diagonal recursion is inexact"):
        fit(deep(net), GAUSSIAN)
    with pytest.raises(BuildError, match="samples of 3 values, where the network has 2 inputs"):
        fit(deep(net), GAUSSIAN, hessian="exact")
