"""Pages of all kinds of models: whole, escaped, the same for the same model."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.errors import BuildError
from smgen.models import Model, load_model
from smgen.pages import page, report
from smgen.pages.repeating import command
from smgen.sampling.errors import SamplingError
from smgen.training import fit
from tests import moons
from tests.commands import run
from tests.pages import trained
from tests.pages.parsed import parsed

ALWAYS = ["At a glance", "Training", "The network", "Samples", "Evaluation", "Training data", "To repeat the run"]


def drawn(model: Model, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sm.SmgenWarning)  # so few draws may not be enough
        return sm.sample(model, 40, warmup=20, chains=4, **options)


@pytest.mark.parametrize(
    ("make", "data", "sections", "pictures"),
    [
        (trained.plane, trained.MOONS, ["First weights", "Density and score"], 1),
        (trained.line, np.random.default_rng(1).standard_normal((300, 1)), ["First weights", "Density and score"], 1),
        (trained.patches, trained.PATCHES, ["First weights"], 4),
        (trained.images, np.random.default_rng(1).standard_normal((60, 3, 8, 8)), ["First weights"], 3),
    ],
)
def test_a_whole_page(make: Callable[[], Model], data: Any, sections: list[str], pictures: int) -> None:
    model = make()
    text = page(model, data=data, samples=drawn(model))
    whole = parsed(text)
    titles = [title for level, title in whole.headings if level == 2]
    assert set(titles) == {*ALWAYS, *sections}
    assert len(whole.all("img")) == pictures
    assert "Exact loss" in whole.shown
    assert "R-hat" in whole.shown
    assert "hyvarinen loss, held out" in whole.shown
    assert len(text) < 1_000_000
    assert text == page(model, data=data, samples=drawn(model))


def test_a_page_without_anything_else() -> None:
    for make in (trained.plane, trained.line, trained.patches, trained.images):
        whole = parsed(page(make()))
        assert "No samples of the model were drawn" in whole.shown
        assert "No samples were given to evaluate the model on" in whole.shown


def test_filters_are_limited() -> None:
    whole = parsed(page(trained.patches()))
    assert "144 of the 200 rows w of filters.weight" in whole.shown


def test_a_condition_is_asked_for_or_given() -> None:
    model = trained.noisy()
    without = parsed(page(model, data=trained.MOONS))
    assert "The density depends on sigma, which no value was given for" in without.shown
    assert "no second derivatives" in without.shown
    text = page(model, conditions={"sigma": 0.3}, samples=drawn(model, conditions={"sigma": 0.3}))
    assert "The score ∂ log p/∂x." in parsed(text).shown


def test_a_model_without_trust(tmp_path: Path) -> None:
    folder = trained.from_file(tmp_path)
    model = load_model(folder)
    assert model.module is None
    whole = parsed(page(model, data=trained.MOONS))
    assert "net.py, which is Python, has not been run" in whole.shown
    assert "linear_1.weight" in whole.shown
    assert "sm.softplus(sm.linear(x, 8))" in whole.shown
    trusted = parsed(page(load_model(folder, trust=True)))
    assert "has not been run" not in trusted.shown
    assert trusted.all("math")
    assert not whole.all("math")


def test_text_of_users_is_escaped() -> None:
    evil = "<script>alert('1')</script>&\"\x00\x1b\udc80]]>"
    model = trained.plane()
    record = replace(
        model.record,
        network=evil,
        verdict=evil,
        data=model.record.data | {"origin": evil, "advice": [evil]},
        result=model.record.result | {"stopped": evil},
        machine={evil: evil},
    )
    params = {evil: np.ones((3, 2))}
    strange = replace(model, record=record, params=params, module=None, network=None, source=f"# {evil}\n")
    text = page(strange)
    whole = parsed(text)
    assert "<script" not in text
    assert "\x00" not in text
    assert whole.headings[0][1].startswith("<script>alert('1')</script>&\"")
    text.encode("utf-8")


@pytest.mark.parametrize("name", ["NaN", "infinite", "huge", "none", "one", "negative"])
def test_histories_that_went_wrong(name: str) -> None:
    entry = {"step": 0, "seconds": 0.0, "loss": nan, "held_out": 1.0, "error": 0.1, "own": None}
    history = {
        "NaN": [entry, entry | {"step": 5, "loss": nan, "held_out": nan, "error": nan}],
        "infinite": [entry, entry | {"step": 5, "loss": inf, "held_out": -inf, "error": nan}],
        "huge": [entry | {"step": k, "loss": -(10.0 ** (4 * k)), "held_out": 10.0 ** (4 * k)} for k in range(9)],
        "none": [],
        "one": [entry],
        "negative": [entry | {"step": k, "loss": -k, "own": -10.0 * k} for k in range(10)],
    }[name]
    model = trained.plane()
    record = replace(
        model.record, history=history, result={"stopped": "the loss is not finite at step 5", "held_out": None}
    )
    whole = parsed(page(replace(model, record=record)))
    assert "Training ended: the loss is not finite at step 5." in whole.shown
    assert "nan" not in "".join(attributes.get("d", "") for attributes in whole.all("path"))


def test_parameters_that_are_not_finite() -> None:
    model = trained.plane()
    params = {name: np.full_like(value, nan) for name, value in model.params.items()}
    whole = parsed(page(replace(model, params=params), data=trained.MOONS))
    assert "NaN" in whole.shown
    assert "The parameters are not finite" in whole.shown


def test_an_inexact_loss_is_called_so(tmp_path: Path) -> None:
    with pytest.warns(sm.SmgenWarning, match="inexact"):
        folder = trained.from_file(tmp_path, hessian="diagonal")
    for trust in (True, False):
        whole = parsed(page(load_model(folder, trust=trust)))
        assert "Inexact loss" in whole.shown
        assert "held out, module’s own" in whole.shown


def test_an_estimated_loss_is_called_so(tmp_path: Path) -> None:
    model = load_model(trained.from_file(tmp_path, hessian="hutchinson"))
    assert "Unbiased loss" in parsed(page(model)).shown


def test_data_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"data: expected numbers \(N, 2\), got float64 \(3, 5\)"):
        page(trained.plane(), data=np.ones((3, 5)))


def test_a_file_is_written(tmp_path: Path) -> None:
    path = report(trained.plane(), tmp_path / "deep" / "page.html")
    assert path.read_text(encoding="utf-8") == page(trained.plane())
    with pytest.raises(BuildError, match="cannot be written"):
        report(trained.plane(), path / "no folder.html")


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "many": {"rate": 0.005, "schedule": "linear", "seed": 3, "held_out": 0.25, "levels": 0.1, "whiten": "zca"},
    "denoising": {"objective": "denoising", "sigma": (0.1, 1.0), "without_mean": False},
    "lbfgs": {"optimiser": "lbfgs", "lam": 0.01},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_command_repeats_the_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "two moons.npy"
    np.save(data, trained.MOONS)
    (tmp_path / "net.py").write_text(moons.NET.replace("128", "8"), encoding="utf-8")
    options = trained.FAST | {"hessian": "exact", "steps": 20} | OPTIONS[name]
    model = fit(tmp_path / "net.py", data, **options)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command(model).replace("\\\n", " "))
    assert words[:3] == ["smgen", "fit", "net.py"]
    run("fit", *words[2:], "-o", tmp_path / "again")
    again = load_model(tmp_path / "again")
    assert again.record.training == model.record.training or again.record.training == {
        name: list(value) if isinstance(value, tuple) else value for name, value in model.record.training.items()
    }
    for key, value in model.params.items():
        assert np.array_equal(again.params[key], value), key


def test_the_command_line(tmp_path: Path) -> None:
    folder = trained.from_file(tmp_path)
    np.save(tmp_path / "x.npy", trained.MOONS)
    for options in (["--data", tmp_path / "x.npy", "-n", "30"], ["--no-samples"], ["--no-trust"]):
        run("report", folder, "-o", tmp_path / "page.html", *options)
        parsed((tmp_path / "page.html").read_text(encoding="utf-8"))
    np.save(tmp_path / "wrong.npy", np.ones((5, 7)))
    result = run(
        "report", folder, "--data", tmp_path / "wrong.npy", "-o", tmp_path / "page.html", "--no-samples", code=2
    )
    assert "expected numbers (N, 2)" in result.stderr


def test_a_density_that_cannot_be_sampled_has_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise SamplingError(what="chain 1 left to infinity")

    monkeypatch.setattr("smgen.applications.sample", refused)
    run("report", trained.from_file(tmp_path), "-o", tmp_path / "page.html")
    whole = parsed((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "No samples: chain 1 left to infinity." in whole.shown
