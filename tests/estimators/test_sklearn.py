"""scikit-learn's own checks of both estimators, and their use in its tools: pipelines, searches, clones, pickles."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import smgen as sm
from smgen.build import Options, build, build_info, source
from smgen.estimators import ICA, ScoreMatching
from smgen.estimators.networks import default_network
from smgen.estimators.requirements import EstimatorsUnavailable
from smgen.loader import load_source

Array = npt.NDArray[Any]

QUICK: dict[str, Any] = {"backend": "numpy", "steps": 20}
RNG = np.random.default_rng(0)
X = RNG.laplace(size=(600, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])


@pytest.mark.filterwarnings("ignore::smgen.training.samples.DataWarning")  # the checks' samples are few, or repeat
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([ICA(), ICA(2), ScoreMatching(**QUICK)])  # type: ignore[untyped-decorator]
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    """All of them; none is expected to fail."""
    check(estimator)


def test_pipelines() -> None:
    density = make_pipeline(StandardScaler(), ScoreMatching(**QUICK)).fit(X)
    assert np.isfinite(density.score(X))
    assert density.score_samples(X).shape == (600,)
    sources = make_pipeline(StandardScaler(), ICA()).fit(X)
    assert np.allclose(sources.inverse_transform(sources.transform(X)), X)
    both = make_pipeline(ICA(), ScoreMatching(**QUICK)).fit(X)
    assert np.isfinite(both.score(X))


def test_a_search_over_settings() -> None:
    grid = {"whiten": ["none", "pca"], "lam": [0.0, 0.1], "rate": [0.001, 0.03]}
    search = GridSearchCV(ScoreMatching(**QUICK | {"steps": 200}), grid, cv=2, error_score="raise").fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["rate"] == 0.03
    assert search.score(X) == search.best_estimator_.score(X)


def test_a_search_over_hessian_modes() -> None:
    """Scores are true in each, so that they can be ranked; the recursion is exact for this network."""
    grid = {"hessian": [None, "exact", "hutchinson"]}
    search = GridSearchCV(ScoreMatching(**QUICK | {"steps": 200}), grid, cv=2, error_score="raise").fit(X)
    default, exact, estimated = search.cv_results_["mean_test_score"]
    assert default == pytest.approx(exact, rel=1e-3)
    assert estimated == pytest.approx(exact, rel=0.2)


def test_a_search_over_nonlinearities_of_sources() -> None:
    pipeline = make_pipeline(ICA(), ScoreMatching(**QUICK))
    search = GridSearchCV(pipeline, {"ica__nonlinearity": ["logcosh", "student_t"]}, cv=2, error_score="raise").fit(X)
    assert set(search.best_params_) == {"ica__nonlinearity"}


def generated(folder: Path) -> Any:
    """A generated module with a file."""
    net = folder / "net.py"
    net.write_text("import smgen as sm\nnetwork = sm.Network(energy=sm.square(sm.linear(sm.input(2), 2)))\n")
    return sm.load(build(net, folder, Options(backend="numpy", functions="usual")).path)


@pytest.mark.parametrize("kind", ["default", "network", "function", "module"])
def test_pickles(kind: str, tmp_path: Path) -> None:
    """The network and the model survive, without the files that they came from."""
    network = {"default": None, "network": default_network(2), "function": default_network}.get(kind)
    network = generated(tmp_path) if kind == "module" else network
    model = ScoreMatching(network, **QUICK).fit(X)
    text = pickle.dumps(model)
    for path in tmp_path.iterdir():
        path.unlink() if path.is_file() else None
    again = pickle.loads(text)
    assert np.array_equal(again.score_samples(X), model.score_samples(X))
    assert again.score(X) == model.score(X)
    assert np.array_equal(again.sample(16, random_state=0, warmup=20), model.sample(16, random_state=0, warmup=20))
    assert pickle.loads(pickle.dumps(again)).score(X) == model.score(X)
    refitted = again.fit(X)
    assert refitted.score(X) == model.score(X)


def test_a_module_without_text_is_refused(tmp_path: Path) -> None:
    network = default_network(2)
    info = build_info(network, Path("net.py"), Options(backend="numpy", functions="usual"))
    model = ScoreMatching(load_source(source(network, info), info.name), **QUICK)
    with pytest.raises(pickle.PicklingError, match="this generated module has no file to keep"):
        pickle.dumps(model)


def test_ica_pickles() -> None:
    model = ICA().fit(X)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))


def test_clones(tmp_path: Path) -> None:
    module = generated(tmp_path)
    for network in (None, default_network(2), default_network, module, "net.py"):
        model = ScoreMatching(network, lam=0.1, options={"clip": 1.0}, **QUICK)
        model.set_params(rate=0.5)
        twin = clone(model)
        assert twin.network is network
        assert twin.get_params() == model.get_params()
        assert twin.options is not model.options
    fitted = ScoreMatching(module, **QUICK).fit(X)
    assert not hasattr(clone(fitted), "model_")
    with pytest.raises(ValueError, match="Invalid parameter 'steeps'"):
        fitted.set_params(steeps=3)


def test_without_scikit_learn_the_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "smgen.estimators")
    with pytest.raises(EstimatorsUnavailable, match=r"need scikit-learn.*\n  hint: pip install 'smgen\[sklearn\]'"):
        importlib.import_module("smgen.estimators")
