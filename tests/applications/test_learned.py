"""What must hold of models that were learned: a true score, samples like the data, digits told from rubbish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.errors import BuildError
from smgen.network import Network
from tests import moons

Array = npt.NDArray[Any]


@pytest.mark.slow
def test_two_moons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The score, learned exactly in less than two minutes of an idle machine; samples of it pass for data.

    They start from noise and change between the modes by tempering: they know nothing of the data but what was learned.
    """
    monkeypatch.setenv("CFLAGS", "-O2")
    (tmp_path / "net.py").write_text(moons.NET, encoding="utf-8")
    data = moons.samples(200_000, 1).astype(np.float32)
    model = sm.fit(tmp_path / "net.py", data, hessian="exact", steps=20_000)
    samples = sm.sample(model, 1000, method="tempering", chains=32, thin=5)
    assert samples.warnings == ()
    found = sm.evaluate(model, moons.samples(1000, 3), true_score=moons.score, samples=samples.values)
    assert found.fisher is not None
    assert found.fisher.relative.value < 0.07
    assert found.distance is not None
    assert found.distance.p_value > 0.05
    assert found.gap is not None
    assert not found.gap.significant
    assert found.log_likelihood is not None
    assert -1.15 < found.log_likelihood.value < -0.9
    inside = sm.sample(model, 500, method="tempering", bounds=((-0.5, None), (None, 0.4))).values
    assert inside[:, 0].min() >= -0.5 - 1e-6
    assert inside[:, 1].max() <= 0.4 + 1e-6


@pytest.mark.slow
def test_digits_are_told_from_shuffled_pixels() -> None:
    digits = pytest.importorskip("sklearn.datasets").load_digits().data.astype(np.float32)
    rng = np.random.default_rng(0)
    digits = digits[rng.permutation(len(digits))]
    network = Network(energy=sm.scale(sm.logcosh(sm.linear(sm.input(64), 128))))
    model = sm.fit(network, digits[:1400], levels=1.0, lam=0.01, steps=1500, backend="numpy")
    held_out = digits[1400:]
    shuffled = np.stack([row[rng.permutation(64)] for row in held_out])
    found = sm.evaluate(model, held_out, anomalies=shuffled)
    assert found.anomalies is not None
    assert found.anomalies.area.value >= 0.99


@pytest.mark.slow
def test_noise_levels_as_a_condition() -> None:
    """Two Gaussians, learned at all levels at once: annealed samples, Tweedie's mean, a loss without one σ."""
    sigma = sm.condition(name="sigma", domain=(1e-3, None))
    h = sm.concat(sm.input(1), sm.pointwise(sigma, lambda s: s))
    h = sm.softplus(sm.linear(sm.softplus(sm.linear(h, 32)), 32))
    network = Network(energy=sm.linear(h, 1) / sigma)
    rng = np.random.default_rng(0)
    data = 2.0 * rng.choice([-1, 1], (20_000, 1)) + 0.3 * rng.standard_normal((20_000, 1))
    options: dict[str, Any] = {"objective": "denoising", "sigma": (0.05, 2.0), "whiten": "scale", "steps": 4000}
    model = sm.fit(network, data, backend="numpy", **options)
    samples = sm.sample(model, 500, method="annealed")
    assert (samples.values > 0).mean() == pytest.approx(0.5, abs=0.12)
    assert np.abs(np.abs(samples.values) - 2).mean() == pytest.approx(0.3 * np.sqrt(2 / np.pi), abs=0.15)
    noisy = data[:500] + 0.5 * rng.standard_normal((500, 1))
    errors = [((restored - data[:500]) ** 2).mean() for restored in (noisy, sm.denoise(model, noisy, 0.5))]
    assert errors[1] < 0.5 * errors[0]
    assert sm.evaluate(model, data[:500]).terms is None
    with pytest.raises(BuildError, match="the network has a condition sigma, the noise level"):
        sm.sample(model, 10)


def test_a_model_of_bounded_data_keeps_to_the_bounds() -> None:
    """Half a normal density: log p has ½ log (2/π) for a constant, and samples are not negative."""
    data = np.abs(np.random.default_rng(0).standard_normal((5000, 1)))
    network = Network(energy=0.5 * sm.square(sm.linear(sm.input(1), 1)))
    options: dict[str, Any] = {"objective": "generalised:x", "optimiser": "lbfgs", "steps": 200, "held_out": 0.0}
    model = sm.fit(network, data, backend="numpy", **options)
    found = sm.evaluate(model, data)
    assert found.log_likelihood is not None
    assert found.log_likelihood.value == pytest.approx(0.5 * np.log(2 / np.pi) - 0.5, abs=0.02)
    samples = sm.sample(model, 500)
    assert samples.values.min() >= 0
    assert samples.values.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.1)


def test_conditions_that_are_missing_or_too_many() -> None:
    label = sm.condition(name="label")
    network = Network(energy=sm.square(sm.linear(sm.input(2), 3) * sm.linear(sm.embedding(label, 3, 4), 3)))
    rng = np.random.default_rng(0)
    data = {"x": rng.standard_normal((500, 2)), "label": rng.integers(0, 3, 500)}
    model = sm.fit(network, data, backend="numpy", hessian="exact", steps=5)
    with pytest.raises(BuildError, match="the conditions of the samples are missing: label"):
        sm.evaluate(model, data["x"])
    with pytest.raises(BuildError, match="the network has no condition 'colour'"):
        sm.evaluate(model, data["x"], conditions={"label": 1, "colour": 2})
    assert sm.evaluate(model, data["x"], conditions={"label": data["label"]}).log_likelihood is None
    assert sm.evaluate(model, data["x"], conditions={"label": 1}, normalise=True).log_likelihood is not None
    assert model.score(data["x"][:3], label=data["label"][:3]).shape == (3, 2)


def test_few_samples_allow_less() -> None:
    model = sm.fit(
        Network(energy=sm.square(sm.linear(sm.input(2), 3))), moons.samples(300, 0), backend="numpy", steps=5
    )
    for count in (1, 2, 3):
        assert np.isfinite(sm.evaluate(model, moons.samples(count, 1)).loss.value)
    with pytest.raises(BuildError, match="annealed sampling needs noise levels"):
        sm.sample(model, 3, method="annealed")
