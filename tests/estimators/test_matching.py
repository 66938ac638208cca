"""ScoreMatching: densities with closed forms, every kind of network, scores that compare, samples, wrong arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.build import Options, build
from smgen.errors import BuildError
from smgen.estimators import ScoreMatching
from smgen.estimators.held_out import losses
from smgen.network import Network

Array = npt.NDArray[Any]

RNG = np.random.default_rng(0)
ROOT = np.array([[1.0, 0.3, 0.0], [0.0, 0.7, 0.2], [0.0, 0.0, 0.5]])
GAUSSIAN = RNG.standard_normal((4000, 3)) @ ROOT + 5
PRECISION = np.linalg.inv(ROOT.T @ ROOT)
QUICK: dict[str, Any] = {"backend": "numpy", "steps": 600, "rate": 0.02}


def quadratic(features: int) -> Network:
    return Network(energy=sm.square(sm.linear(sm.input(features), features)))


def two_layers(features: int) -> Network:
    x = sm.input(features)
    deep_part = sm.softplus(sm.linear(sm.softplus(sm.linear(x, 8)), 1))
    return Network(energy=[deep_part, 0.5 * sm.square(x)])


def test_the_default_network_learns_a_gaussian() -> None:
    model = ScoreMatching(**QUICK).fit(GAUSSIAN)
    x = GAUSSIAN[:500]
    d = x - GAUSSIAN.mean(axis=0)
    truth = -0.5 * np.einsum("ni,ij,nj->n", d, PRECISION, d)
    assert np.std(model.score_samples(x) - truth) < 0.2 * np.std(truth)
    assert model.n_features_in_ == 3
    assert model.n_iter_ == model.history_[-1]["step"]
    assert model.history_[-1]["held_out"] < model.history_[0]["held_out"]


def test_the_default_network_learns_two_modes() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(-2, 0.5, (2000, 1)), rng.normal(2, 0.5, (2000, 1))])
    model = ScoreMatching(**QUICK | {"steps": 3000}).fit(x)
    middle, mode = model.score_samples([[0.0], [2.0]])
    assert middle < mode - 4


@pytest.mark.parametrize("whiten", ["none", "standardise", "pca", "zca"])
def test_scores_compare_whatever_the_whitening(whiten: str) -> None:
    """−J of the true density is ½ tr Σ⁻¹, in the coordinates of the data."""
    x = GAUSSIAN - 5
    model = ScoreMatching(quadratic, whiten=whiten, **QUICK).fit(x[:3000])
    assert model.score(x) == pytest.approx(0.5 * np.trace(PRECISION), rel=0.05)


@pytest.mark.parametrize("hessian", ["exact", "hutchinson", "diagonal"])
def test_scores_are_true_in_every_mode(hessian: str) -> None:
    """The recursion is wrong for the network: its own loss would be another number."""
    options: dict[str, Any] = {"whiten": "standardise", "hessian": hessian, "options": {"probes": 2}}
    model = ScoreMatching(two_layers, **QUICK | {"steps": 30}, **options)
    if hessian == "diagonal":
        with pytest.warns(sm.SmgenWarning, match="inexact"):
            model.fit(GAUSSIAN)
    else:
        model.fit(GAUSSIAN)
    x, h = GAUSSIAN[:2000], 1e-2
    kinetic = 0.5 * (model.model_.score(x) ** 2).sum(axis=1)
    steps = h * np.eye(3)
    score = model.model_.score
    trace = sum((score(x - step)[:, d] - score(x + step)[:, d]) / (2 * h) for d, step in enumerate(steps))
    assert model.score(x) == pytest.approx(-(kinetic - trace).mean(), rel=0.03)
    assert losses(model.model_, x).shape == (2000,)


def test_the_denoising_loss() -> None:
    model = ScoreMatching(two_layers, objective="denoising", sigma=0.3, **QUICK).fit(GAUSSIAN)
    before = ScoreMatching(two_layers, objective="denoising", sigma=0.3, **QUICK | {"steps": 1}).fit(GAUSSIAN)
    assert model.score(GAUSSIAN) > before.score(GAUSSIAN)
    assert model.score(GAUSSIAN) == model.score(GAUSSIAN)


def test_every_kind_of_network(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text("import smgen as sm\nnetwork = sm.Network(energy=sm.square(sm.linear(sm.input(3), 3)))\n")
    module = sm.load(build(net, tmp_path, Options(backend="numpy", functions="usual")).path)
    reached = [
        ScoreMatching(network, **QUICK | {"steps": 50}).fit(GAUSSIAN).score_samples(GAUSSIAN[:9])
        for network in (str(net), net, quadratic(3), quadratic, module)
    ]
    for other in reached[1:]:
        assert np.allclose(reached[0], other, rtol=1e-4, atol=1e-4)


def test_samples_are_of_the_density() -> None:
    model = ScoreMatching(quadratic, **QUICK).fit(GAUSSIAN)
    drawn = model.sample(4000, random_state=1, warmup=200)
    assert drawn.shape == (4000, 3)
    assert np.allclose(drawn.mean(axis=0), GAUSSIAN.mean(axis=0), atol=0.15)
    assert np.allclose(np.cov(drawn.T), np.cov(GAUSSIAN.T), atol=0.15)
    assert np.array_equal(drawn, model.sample(4000, random_state=1, warmup=200))
    assert not np.array_equal(drawn, model.sample(4000, random_state=2, warmup=200))


def test_the_seed() -> None:
    quick = QUICK | {"steps": 20}
    first, again, other = (ScoreMatching(random_state=n, **quick).fit(GAUSSIAN).score(GAUSSIAN) for n in (3, 3, 4))
    assert first == again != other
    ScoreMatching(random_state=np.random.RandomState(0), **quick).fit(GAUSSIAN)
    ScoreMatching(random_state=None, **quick).fit(GAUSSIAN)


def test_wrong_arguments() -> None:
    for model, what in (
        (ScoreMatching(3), "no path of a net"),
        (ScoreMatching(quadratic(2)), "samples of 3 values, where the network has 2 inputs"),
        (ScoreMatching(two_layers), "the diagonal recursion is inexact"),
        (ScoreMatching(rate=0.0), "rate: 0 trains nothing"),
        (ScoreMatching(options={"step": 3}), r"step: no such option \(did you mean 'steps'\?\)"),
        (ScoreMatching(options={"steps": 3}), "options: steps is a parameter of ScoreMatching\n  hint: steps="),
        (ScoreMatching(options={"seed": 3}), "options: seed is a parameter of ScoreMatching\n  hint: random_state="),
    ):
        with pytest.raises(BuildError, match=what):
            model.set_params(backend="numpy").fit(GAUSSIAN)
    with pytest.raises(ValueError, match="NaN"):
        ScoreMatching(**QUICK).fit(np.full((10, 2), np.nan))
