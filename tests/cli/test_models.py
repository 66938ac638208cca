"""From samples in a file to a model folder, samples and figures, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import smgen as sm
from smgen.errors import BuildError
from tests.commands import run

NET = """import smgen as sm

network = sm.Network(energy=sm.square(sm.linear(sm.input(3), 3)))
"""
QUICK = ("--backend", "numpy", "--steps", "300", "--batch-size", "100", "--rate", "0.05")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with net.py, x.npy, and a model of them."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "net.py").write_text(NET, encoding="utf-8")
    np.save(folder / "x.npy", 5 + np.random.default_rng(0).standard_normal((3000, 3)))
    text = run("fit", folder / "net.py", "--data", folder / "x.npy", "-o", folder / "model", *QUICK).stdout
    assert "all steps are done; 300 steps in" in text.replace("\n", " ")
    assert f"wrote {folder / 'model'}" in text
    return folder


def test_a_model_folder_can_be_read_by_hand(trained: Path) -> None:
    names = sorted(path.name for path in (trained / "model").iterdir())
    module = next(name for name in names if name.endswith("_numpy.py"))
    assert set(names) >= {"model.json", "net.py", "params.safetensors", module}
    facts = json.loads((trained / "model" / "model.json").read_text(encoding="utf-8"))
    assert facts["format"] == 1
    assert facts["module"] == module.removesuffix(".py")
    assert facts["training"]["steps"] == 300
    assert facts["data"]["rows"] == 3000
    assert (trained / "model" / "net.py").read_text(encoding="utf-8") == NET


def test_a_model_is_loaded_with_its_numbers(trained: Path) -> None:
    model = sm.load(trained / "model", trust=True)
    x = np.load(trained / "x.npy")[:50]
    assert np.allclose(model.score(x), -(x - 5), atol=0.6)
    module = sm.load(trained / "model" / f"{model.record.module}.py")
    assert np.allclose(module.score(dict(model.params), model.inner(x)), model.density().score(model.inner(x)))


def test_nothing_is_run_without_trust(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (trained / "model").iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    trap = "raise SystemExit('run')\n"
    (folder / "net.py").write_text(trap, encoding="utf-8")
    next(folder.glob("*_numpy.py")).write_text(trap, encoding="utf-8")
    model = sm.load(folder)
    assert model.record.training["steps"] == 300
    assert model.params["linear_1.weight"].shape == (3, 3)
    with pytest.raises(BuildError, match="loaded without its module"):
        model.score(np.zeros((1, 3)))
    (folder / "net.py").write_text(NET, encoding="utf-8")  # the module in the folder is still a trap
    assert sm.load(folder, trust=True).score(np.zeros((1, 3))).shape == (1, 3)
    (folder / "net.py").write_text(NET.replace("square", "logcosh"), encoding="utf-8")
    with pytest.raises(BuildError, match="describes another network than the one that was trained"):
        sm.load(folder, trust=True)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("model.json", "{}", "not the model.json of a model"),
        ("model.json", '{"format": 99}', "format 99: this smgen reads formats up to 1"),
        ("model.json", '{"format": 1}', "not a complete model.json"),
        ("params.safetensors", "rubbish", "cannot be read"),
        ("model.json", None, "no model.json in it"),
    ],
)
def test_damaged_folders(trained: Path, tmp_path: Path, name: str, content: str | None, what: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (trained / "model").iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / name).unlink() if content is None else (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(BuildError, match=what):
        sm.load(folder, trust=True)


def test_samples_of_a_model(trained: Path, tmp_path: Path) -> None:
    text = run("sample", trained / "model", "-n", "500", "-o", tmp_path / "s.npy", "--start", trained / "x.npy").stdout
    assert "500 samples in" in text
    assert "R-hat" in text
    samples = np.load(tmp_path / "s.npy")
    assert samples.shape == (500, 3)
    assert np.allclose(samples.mean(axis=0), 5, atol=0.3)
    assert np.allclose(samples.std(axis=0), 1, atol=0.3)
    run("sample", trained / "model", "-n", "200", "-o", tmp_path / "above.npy", "--bounds", "5:")
    assert np.load(tmp_path / "above.npy").min() >= 5
    for options, what in (
        (("-o", tmp_path / "s.txt"), "an .npy file is expected"),
        (("--bounds", "5"), "LOW:HIGH is expected"),
        (("--method", "gibbs"), "method"),
        (("--condition", "sigma"), "NAME=NUMBER is expected"),
    ):
        assert what in run("sample", trained / "model", *options, code=2).stderr


def test_figures_of_a_model(trained: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = 5 + rng.standard_normal((1000, 3))
    for name, array in (("new", x), ("score", 5 - x), ("other", 9 + rng.standard_normal((500, 3)))):
        np.save(tmp_path / f"{name}.npy", array)
    options = ["--true-score", tmp_path / "score.npy", "--anomalies", tmp_path / "other.npy"]
    text = run("evaluate", trained / "model", "--data", tmp_path / "new.npy", *options).stdout
    for words in ("hyvarinen loss", "relative error of the score", "log p, mean", "AUC against the anomalies"):
        assert words in text
    facts = json.loads(run("evaluate", trained / "model", "--data", tmp_path / "new.npy", *options, "--json").stdout)
    assert facts["fisher"]["relative"]["value"] < 0.1
    assert facts["anomalies"]["area"]["value"] > 0.95
    entropy = 1.5 * np.log(2 * np.pi * np.e)
    assert facts["log_likelihood"]["value"] == pytest.approx(-entropy, abs=0.15)


def test_the_example_is_ready_to_fit(tmp_path: Path) -> None:
    text = run("new", tmp_path / "net.py", "--example").stdout
    assert text.endswith(f"next: smgen fit {tmp_path / 'net.py'} --data {tmp_path / 'moons.npy'} --hessian exact\n")
    assert np.load(tmp_path / "moons.npy").shape == (50_000, 2)
    command = ("fit", tmp_path / "net.py", "--data", tmp_path / "moons.npy", "-o", tmp_path / "model", *QUICK)
    assert "--hessian exact" in run(*command, code=2).stderr
    run(*command, "--hessian", "exact", "--steps", "3")
    assert (tmp_path / "model" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert np.load(tmp_path / "model" / "samples.npy").shape == (1000, 2)
    assert "moons.npy: exists already" in run("new", tmp_path / "other.py", "--example", code=2).stderr


LABELLED = """import smgen as sm

label = sm.condition(name="label")
network = sm.Network(energy=sm.square(sm.linear(sm.input(2), 3) * sm.linear(sm.embedding(label, 3, 4), 3)))
"""


def test_a_network_with_a_condition(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "net.py").write_text(LABELLED, encoding="utf-8")
    np.savez(tmp_path / "x.npz", x=rng.standard_normal((500, 2)), label=rng.integers(0, 3, 500))
    np.save(tmp_path / "x.npy", rng.standard_normal((100, 2)))
    command = ("fit", tmp_path / "net.py", "--data", tmp_path / "x.npz", "--hessian", "exact", *QUICK, "--steps", "5")
    run(*command, "-o", tmp_path / "model")
    assert (tmp_path / "model" / "report.html").exists()
    data = ("--data", tmp_path / "x.npy")
    assert "log p, mean" in run("evaluate", tmp_path / "model", *data, "--condition", "label=1").stdout
    for options, what in (
        ((), "the conditions of the samples are missing: label"),
        (("--condition", "label=9"), "label"),
        (("--condition", "label=inf"), "NAME=NUMBER is expected"),
        (("--condition", "colour=1"), "no condition 'colour'"),
    ):
        assert what in run("evaluate", tmp_path / "model", *data, *options, code=2).stderr


def test_a_dozen_samples_are_enough_for_a_report(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((20, 3)))
    options = ("--backend", "numpy", "--steps", "3", "-o", tmp_path / "model", "--lam", "0.1")
    run("fit", tmp_path / "net.py", "--data", tmp_path / "x.npy", *options)
    assert (tmp_path / "model" / "report.html").exists()


def test_mistakes_are_one_line(trained: Path, tmp_path: Path) -> None:
    for arguments, what in (
        (("--data", tmp_path / "none.npy"), "no such file"),
        (("--data", trained / "x.npy", "--lam", "some"), "--lam some: no number"),
        (("--data", trained / "x.npy", "--sigma", "1:x"), "--sigma x: no number"),
        (("--data", trained / "x.npy", "--whiten", "grey"), "no such transform"),
        (("--data", trained / "x.npy", "-o", trained / "model"), "exists and is not empty"),
        (("--data", trained / "x.npy", "--objective", "guess"), "no such objective"),
    ):
        assert what in run("fit", trained / "net.py", *arguments, *QUICK, code=2).stderr
    assert not list(tmp_path.iterdir())
