"""Runs that go on: bit for bit after any interruption, in their own folder, with their own data and options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.build import Options, build
from smgen.errors import BuildError
from smgen.network.netfile import load_network
from smgen.training import checkpoints, fit, lbfgs
from smgen.training.progress import Saver
from smgen.training.state import State
from tests import moons
from tests.training.runs import GAUSSIAN, SMALL, deep, press_ctrl_c, same

Array = npt.NDArray[Any]


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


SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"clip": 1.0, "decay": 0.01, "warmup": 5},
    "noise": {"levels": 0.5},
    "denoising": {"objective": "denoising", "sigma": (0.1, 1.0)},
    "hutchinson": {"hessian": "hutchinson", "probes": 2, "lam": 0.01},
    "chosen": {"lam": None},
    "lbfgs": {"optimiser": "lbfgs", "steps": 30, "evaluations": 3, "hessian": "exact"},
}


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
