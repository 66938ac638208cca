"""Fitting: closed forms, every objective and mode, resuming bit for bit, interruptions, and runs that go wrong."""

from __future__ import annotations

import json
import os
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
from smgen.models import Model
from smgen.network import Network
from smgen.network.netfile import load_network
from smgen.training import checkpoints, fit, lbfgs
from smgen.training.progress import Saver
from smgen.training.samples import DataWarning
from smgen.training.state import State
from tests import moons

Array = npt.NDArray[Any]

QUADRATIC = """import smgen as sm

network = sm.Network(energy=sm.square(sm.linear(sm.input(3), 3)))
"""
RNG = np.random.default_rng(0)
ROOT = RNG.standard_normal((3, 3))
GAUSSIAN = (RNG.standard_normal((20_000, 3)) @ ROOT + 5).astype(np.float32)
SMALL: dict[str, Any] = {"backend": "numpy", "steps": 60, "batch_size": 64, "evaluations": 6}


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(QUADRATIC, encoding="utf-8")
    return path


def deep(path: Path) -> Path:
    path.write_text(moons.NET.replace("128", "8"), encoding="utf-8")
    return path


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


class Stop(Exception):
    """A crash."""


def interrupted_after(step: int, monkeypatch: pytest.MonkeyPatch, how: Any) -> None:
    """Make a run crash, or be interrupted, after a step. Every step is saved."""
    plain = Saver.stepped

    def stepped(self: Saver, state: State) -> None:
        self.every = 0.0
        plain(self, state)
        if state.step == step:
            how()

    monkeypatch.setattr(Saver, "stepped", stepped)


def crash() -> None:
    raise Stop


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"clip": 1.0, "decay": 0.01, "warmup": 5},
    "noise": {"levels": 0.5},
    "denoising": {"objective": "denoising", "sigma": (0.1, 1.0)},
    "hutchinson": {"hessian": "hutchinson", "probes": 2, "lam": 0.01},
    "chosen": {"lam": None},
    "lbfgs": {"optimiser": "lbfgs", "steps": 30, "evaluations": 3, "hessian": "exact"},
}


def same(one: Model, other: Model) -> None:
    for name, value in one.params.items():
        assert np.array_equal(value, other.params[name]), name

    def timeless(model: Model) -> list[dict[str, Any]]:
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in model.record.history]

    assert json.dumps(timeless(one)) == json.dumps(timeless(other))
    assert one.record.training == other.record.training


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("how", [crash, press_ctrl_c])
def test_a_resumed_run_is_the_same_run(
    name: str, how: Any, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lbfgs, "SEGMENT", 10)
    options: dict[str, Any] = SMALL | SETTINGS[name]
    data = GAUSSIAN[:1000]
    if name == "lbfgs":  # which finds the minimum of a quadratic energy at once
        deep(net)
        data = data[:, :2]
    whole = fit(net, data, **options)
    with monkeypatch.context() as patch:
        interrupted_after(25, patch, how)
        try:
            part = fit(net, data, **options, folder=tmp_path / "model")
            assert part.record.result["stopped"] == "interrupted"
        except Stop:
            pass
    again = fit(net, data, **options | {"lam": options.get("lam", 0.0)}, folder=tmp_path / "model", resume=True)
    assert again.record.result["steps"] == options["steps"]
    same(whole, again)


def test_a_run_from_disk_resumes_too(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from smgen.data import split

    monkeypatch.setattr(split, "RESIDENT", 0)
    monkeypatch.setattr(split, "BLOCK", 4096)
    np.save(tmp_path / "x.npy", GAUSSIAN)
    whole = fit(net, tmp_path / "x.npy", **SMALL)
    with monkeypatch.context() as patch:
        interrupted_after(25, patch, crash)
        with pytest.raises(Stop):
            fit(net, tmp_path / "x.npy", **SMALL, folder=tmp_path / "model")
    same(whole, fit(net, tmp_path / "x.npy", **SMALL, folder=tmp_path / "model", resume=True))


def test_a_resumed_run_with_other_options_is_refused(net: Path, tmp_path: Path) -> None:
    fit(net, GAUSSIAN[:1000], **SMALL, folder=tmp_path / "model")
    with pytest.raises(BuildError, match=r"a checkpoint of another run: rate is 0.1, was 0.01"):
        fit(net, GAUSSIAN[:1000], **SMALL, rate=0.1, folder=tmp_path / "model", resume=True)
    with pytest.raises(BuildError, match="the network, the data or the number of processes are others"):
        fit(net, GAUSSIAN[:900], **SMALL, folder=tmp_path / "model", resume=True)
    with pytest.raises(BuildError, match="exists and is not empty"):
        fit(net, GAUSSIAN[:1000], **SMALL, folder=tmp_path / "model")


def test_a_run_is_resumed_with_its_own_data_and_options(net: Path, tmp_path: Path) -> None:
    data, folder = GAUSSIAN[:1000], tmp_path / "model"
    fit(net, data, **SMALL, folder=folder)
    others: tuple[tuple[Array, dict[str, Any]], ...] = (
        (data[::-1] * 3 + 5, {}),
        (data, {"held_out": 0.2}),
        (data, {"without_mean": True}),
        (data, {"levels": 0.5}),
    )
    for other, more in others:
        with pytest.raises(BuildError, match="a checkpoint of another run"):
            fit(net, other, **SMALL, **more, folder=folder, resume=True)


def test_a_folder_that_is_not_a_models_is_left_alone(net: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.py").write_text("precious", encoding="utf-8")
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    for name, what in (("mine", "no run in it to resume"), ("file", "is no folder"), ("file/below", "is no folder")):
        with pytest.raises(BuildError, match=what):
            fit(net, GAUSSIAN[:1000], **SMALL, folder=tmp_path / name, resume=True)
    with pytest.raises(BuildError, match="is no folder"):
        fit(net, GAUSSIAN[:1000], **SMALL, folder=tmp_path / "file", force=True)
    assert (tmp_path / "mine" / "net.py").read_text(encoding="utf-8") == "precious"


def test_what_has_ended_stays_ended(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "held_out": 0.5,
        "patience": 2,
        "evaluations": 200,
        "schedule": "constant",
        "steps": 5000,
    }
    options |= {"backend": "numpy", "hessian": "exact", "folder": tmp_path / "model"}
    first = fit(deep(tmp_path / "net.py"), moons.samples(80, 0), **options)
    assert first.record.result["stopped"].startswith("no better held-out loss")
    same(first, fit(tmp_path / "net.py", moons.samples(80, 0), **options, resume=True))


def test_the_average_is_up_to_date_when_it_is_kept(net: Path) -> None:
    start = fit(net, GAUSSIAN[:1000], **SMALL | {"steps": 1}, held_out=0.0, rate=1e-30)
    few = fit(net, GAUSSIAN[:1000], **SMALL | {"steps": 7}, held_out=0.0)
    assert not np.allclose(start.params["linear_1.weight"], few.params["linear_1.weight"], atol=1e-4)


def test_a_module_keeps_its_own_options(net: Path, tmp_path: Path) -> None:
    module = sm.load(build(net, tmp_path, Options(backend="numpy", dtype="float64", functions="usual")).path)
    with pytest.raises(BuildError, match="backend, dtype: options of a build"):
        fit(module, GAUSSIAN, backend="c", dtype="float32")
    fit(module, GAUSSIAN[:1000], steps=5, batch_size=64, folder=tmp_path / "model")
    again = sm.load(tmp_path / "model", network=load_network(net))
    assert again.score(GAUSSIAN[:3]).shape == (3, 3)
    assert again.record.build["dtype"] == "float64"


def test_probes_that_are_too_few_are_named_first(tmp_path: Path) -> None:
    for lam in (0.1, None):
        with pytest.raises(BuildError, match="λ > 0 with one probe"):
            fit(deep(tmp_path / "net.py"), moons.samples(100, 0), **SMALL, hessian="hutchinson", lam=lam)


def test_damaged_checkpoints_are_passed_over(net: Path, tmp_path: Path) -> None:
    whole = fit(net, GAUSSIAN[:1000], **SMALL, folder=tmp_path / "model")
    folder = tmp_path / "model" / "checkpoints"
    last = checkpoints.numbered(folder)[-1]
    (folder / "step-000000070.safetensors").write_bytes(last.read_bytes()[:100])
    (folder / "step-000000080.safetensors").write_bytes(b"")
    same(whole, fit(net, GAUSSIAN[:1000], **SMALL, folder=tmp_path / "model", resume=True))


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
