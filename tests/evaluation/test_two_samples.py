"""Areas under ROC curves, moments, and the energy distance of two sets of samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smgen.evaluation import EvaluationError, auc, energy_distance_test, moments
from tests.evaluation.densities import Array


def test_auc_against_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for decimals in (8, 0):  # without and with ties
        normal, anomalous = rng.normal(size=80).round(decimals), rng.normal(1, 2, size=50).round(decimals)
        labels = np.repeat([0, 1], [80, 50])
        expected = metrics.roc_auc_score(labels, np.concatenate([normal, anomalous]))
        assert auc(normal, anomalous).area.value == pytest.approx(expected)


def test_auc_by_pairs() -> None:
    """The area and DeLong's variance from their definitions."""
    rng = np.random.default_rng(1)
    normal, anomalous = rng.normal(size=30).round(1), rng.normal(0.7, 1, size=20).round(1)
    pairs = (anomalous > normal[:, None]) + 0.5 * (anomalous == normal[:, None])
    variance = pairs.mean(axis=1).var(ddof=1) / 30 + pairs.mean(axis=0).var(ddof=1) / 20
    result = auc(normal, anomalous)
    assert result.area.value == pytest.approx(pairs.mean())
    assert result.area.error == pytest.approx(math.sqrt(variance))
    assert (result.normal, result.anomalous) == (30, 20)


def test_auc_errors_cover() -> None:
    rng = np.random.default_rng(2)
    truth = 0.5 * (1 + math.erf(0.5))  # P(N(1, 1) > N(0, 1)) = Φ(1/√2)
    z = [auc(rng.normal(size=60), rng.normal(1, 1, size=40)).area.errors_from(truth) for _ in range(400)]
    assert abs(np.std(z) - 1) < 0.2
    assert abs(np.mean(z)) < 0.25


def test_auc_at_the_ends() -> None:
    assert auc([0, 1], [2, math.inf]).area.value == 1
    assert auc([1, 1], [1, 1]).area.value == 0.5
    assert math.isnan(auc([0], [1, 2]).area.error)
    with pytest.raises(EvaluationError, match=r"auc\(energy_anomalous\): 1 of 2 values not finite"):
        auc([0, 1], [math.nan, 1])


def test_moments_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    x, y = rng.gamma(2, size=(300, 3)), rng.gamma(2, size=(200, 3))
    result = moments(x, y)
    np.testing.assert_allclose(result.mean.samples, x.mean(axis=0))
    np.testing.assert_allclose(result.standard_deviation.data, y.std(axis=0))
    np.testing.assert_allclose(result.skewness.samples, stats.skew(x))
    np.testing.assert_allclose(result.kurtosis.samples, stats.kurtosis(x))
    np.testing.assert_allclose(result.correlation.samples, np.corrcoef(x.T))


def test_moments_of_one_distribution_differ_by_their_errors() -> None:
    rng = np.random.default_rng(4)
    mixing = rng.normal(size=(3, 3))
    z: dict[str, list[float]] = {}
    worst = 0
    for _ in range(200):
        x, y = rng.logistic(size=(1500, 3)) @ mixing, rng.logistic(size=(1000, 3)) @ mixing
        result = moments(x, y)
        for name in ("mean", "standard_deviation", "skewness", "kurtosis"):
            z.setdefault(name, []).extend(getattr(result, name).errors)
        z.setdefault("correlation", []).extend(result.correlation.errors[np.triu_indices(3, 1)])
        worst += abs(result.worst.errors) > result.chance
    for name, values in z.items():
        assert 0.85 < np.std(values) < 1.2, name
    assert worst < 25  # at most 10 of 200 expected, and tails heavier than normal


def test_the_worst_moment_is_named() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2000, 4)), rng.normal(size=(2000, 4))
    x[:, 3] = 0.8 * x[:, 1] + 0.6 * x[:, 3]
    worst = moments(x, y).worst
    assert (worst.moment, worst.coordinates) == ("correlation", (1, 3))
    assert worst.errors > 10
    assert str(worst).startswith("correlation of coordinates 1 and 3: 0.")
    y[:, 2] *= 3
    assert (moments(x, y).worst.moment, moments(x, y).worst.coordinates) == ("standard deviation", (2,))
    assert abs(moments(x, y, effective=100).worst.errors) < abs(moments(x, y).worst.errors)


def test_moments_of_constants() -> None:
    x = np.random.default_rng(6).normal(size=(50, 2))
    x[:, 0] = 0.1
    result = moments(x, x)
    assert result.worst.errors == 0
    assert math.isnan(result.skewness.samples[0])
    assert moments(x, x + np.array([1.0, 0.0])).worst.errors == -math.inf


def test_bad_moments() -> None:
    x = np.zeros((5, 2))
    with pytest.raises(EvaluationError, match="2 columns in samples and 3 in data"):
        moments(x, np.zeros((5, 3)))
    with pytest.raises(EvaluationError, match="at least 4"):
        moments(x[:3], x)
    with pytest.raises(EvaluationError, match="effective"):
        moments(x, x, effective=0)


def test_energy_distance_by_pairs() -> None:
    """The statistic, its scale, and agreement with SciPy in one dimension."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(70, 3)) + 5, rng.normal(0.5, 1, size=(900, 3)) + 5

    def mean_distance(a: Array, b: Array) -> float:
        return float(np.sqrt(((a[:, None] - b) ** 2).sum(axis=2)).mean())

    result = energy_distance_test(x, y, 19)
    between = 2 * mean_distance(x, y)
    expected = between - mean_distance(x, x) - mean_distance(y, y)
    assert result.distance == pytest.approx(expected, rel=1e-9)
    assert result.coefficient == pytest.approx(expected / between, rel=1e-9)
    assert result.samples == (70, 900)
    assert energy_distance_test(1000 * x, 1000 * y, 19).distance == pytest.approx(1000 * expected, rel=1e-9)
    stats = pytest.importorskip("scipy.stats")
    one = energy_distance_test(x[:, :1], y[:, :1], 19)
    assert one.distance == pytest.approx(stats.energy_distance(x[:, 0], y[:, 0]) ** 2, rel=1e-6)


def test_p_values_are_uniform_for_one_distribution() -> None:
    rng = np.random.default_rng(8)
    p = np.sort(
        [energy_distance_test(rng.normal(size=(40, 3)), rng.normal(size=(40, 3)), 99, rng).p_value for _ in range(40)]
    )
    distance = np.abs(p - (np.arange(40) + 0.5) / 40).max()
    assert distance < 0.29  # Kolmogorov and Smirnov, 1 in 1000 for 40
    assert p.min() >= 0.01


def test_power() -> None:
    rng = np.random.default_rng(9)
    p = [energy_distance_test(rng.normal(size=(400, 5)), rng.laplace(size=(400, 5)), 199, k).p_value for k in range(5)]
    assert max(p) <= 0.01
    assert energy_distance_test(rng.normal(size=(50, 2)), rng.normal(1, 1, size=(50, 2)), 999).p_value == 0.001


def test_few_samples_have_a_p_value_that_counts_ties() -> None:
    """Of 4 samples, a third of permutations separates them as x and y do: p is not below that."""
    assert energy_distance_test([[0.0], [0.1]], [[5.0], [5.1]], 999).p_value == pytest.approx(1 / 3, abs=0.06)
    assert energy_distance_test([[0.0], [1.0]], [[0.0], [1.0]], 99).distance == 0


def test_memory_is_bounded() -> None:
    rng = np.random.default_rng(10)
    result = energy_distance_test(rng.normal(size=(5000, 2)), rng.normal(size=(300, 2)), 9, most=400)
    assert result.samples == (400, 300)


def test_bad_energy_distances() -> None:
    x = np.zeros((5, 2))
    with pytest.raises(EvaluationError, match="all 10 samples are equal"):
        energy_distance_test(x, x)
    with pytest.raises(EvaluationError, match=r"y\): has shape \(5, 1\)"):
        energy_distance_test(x, x[:, :1])
    with pytest.raises(EvaluationError, match="permutations"):
        energy_distance_test(x, x, 0)
    with pytest.raises(EvaluationError, match=r"seed\): is 'a'"):
        energy_distance_test(x, x, 9, "a")
