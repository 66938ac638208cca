"""Numbers with errors: their text, ratios, the jackknife, and the loss on held-out samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smgen.errors import SmgenError
from smgen.evaluation import Estimate, EvaluationError, held_out
from smgen.evaluation.estimate import jackknife_log_mean, mean, ratio


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.23449, 0.0123, "1.234 ± 0.012"),
        (-1234.5, 12.3, "-1234 ± 12"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (1.2345e-7, 3.2e-9, "(1.235 ± 0.032)e-07"),
        (4.5678e9, 1.2e7, "(4.568 ± 0.012)e+09"),
        (0.5, 0.0, "0.5 ± 0"),
        (2.0, math.nan, "2 ± nan"),
        (2.0, math.inf, "2 ± inf"),
    ],
)
def test_text(value: float, error: float, text: str) -> None:
    assert str(Estimate(value, error)) == text


def test_difference_in_errors() -> None:
    assert Estimate(3.0, 0.3).errors_from(Estimate(1.0, 0.4)) == pytest.approx(4.0)
    assert Estimate(1.0, 0.0).errors_from(1.0) == 0
    assert Estimate(1.0, 0.0).errors_from(2.0) == -math.inf


def test_errors_cover() -> None:
    """Means, ratios and log-means of 400 sets of 100 terms: z has about unit variance."""
    rng = np.random.default_rng(0)
    scores: dict[str, list[float]] = {"mean": [], "ratio": [], "log mean": []}
    for _ in range(400):
        a = rng.exponential(size=100)
        b = a + rng.exponential(size=100)
        scores["mean"].append(mean(a).errors_from(1))
        scores["ratio"].append(ratio(a, b).errors_from(0.5))
        scores["log mean"].append(jackknife_log_mean(0.5 * rng.normal(size=100) + 1000).errors_from(1000.125))
    for name, z in scores.items():
        assert abs(np.std(z) - 1) < 0.15, name  # 4 errors of a standard deviation from 400
        assert abs(np.mean(z)) < 0.3, name


def test_one_weight_has_no_finite_error() -> None:
    assert jackknife_log_mean(np.array([0.0, -np.inf, -np.inf])).error == math.inf
    assert jackknife_log_mean(np.array([0.0, -1000.0])).error == math.inf
    assert math.isnan(jackknife_log_mean(np.array([0.0])).error)


def test_held_out() -> None:
    rng = np.random.default_rng(1)
    K = rng.exponential(size=500)
    L = -K + 0.1 * rng.normal(size=500)
    result = held_out(K, L.tolist())
    assert result.J.value == pytest.approx(np.mean(K + L))
    assert result.J.error == pytest.approx(np.std(K + L, ddof=1) / math.sqrt(500))
    assert result.J.error < result.K.error / 5  # K and L are not independent
    assert (result.samples, result.dominated) == (500, False)


def test_a_dominant_sample_is_named() -> None:
    K = np.random.default_rng(2).normal(size=500)
    K[17] = 300
    result = held_out(K, np.zeros(500))
    assert result.dominated
    assert result.largest_sample == 17
    assert result.largest_share > 0.9
    assert held_out(np.ones(5), np.zeros(5)).largest_share == 0


@pytest.mark.parametrize(
    ("K", "L", "said"),
    [
        ([1.0, math.nan, math.inf], [1.0, 1.0, 1.0], r"held_out\(losses_K\): 2 of 3 values not finite, the first at 1"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "2 values of K and 3 of L"),
        ([1.0], [1.0], "has 1 value"),
        (np.ones((3, 2)), np.ones(3), r"has shape \(3, 2\)"),
        (["a", "b"], [1.0, 2.0], "losses_K"),
        ([[1.0], [1.0, 2.0]], [1.0, 2.0], "is no array"),
        (np.ones(3, dtype=complex), np.ones(3), "complex128"),
    ],
)
def test_bad_arguments(K: object, L: object, said: str) -> None:
    with pytest.raises(EvaluationError, match=said) as raised:
        held_out(K, L)
    assert isinstance(raised.value, SmgenError)
    assert raised.value.hint
