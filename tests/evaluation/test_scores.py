"""Traces from the score alone, gaps, and the Fisher divergence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from smgen.density import Density
from smgen.evaluation import EvaluationError, fisher_divergence, gap, hutchinson_trace
from smgen.evaluation.traces import TraceEstimate, student
from tests.evaluation.densities import Array, gaussian


def curved(dtype: type = np.float64) -> Density:
    """E = Σ_d log cosh x_d + ½ (Σ_d sin x_d)²: the trace is Σ sech² x_d + cos² x_d − (Σ sin x) sin x_d."""
    return Density(
        dimension=5,
        energy=lambda x: np.log(np.cosh(x)).sum(axis=1) + np.sin(x).sum(axis=1) ** 2 / 2,
        score=lambda x: -np.tanh(x) - np.sin(x).sum(axis=1, keepdims=True) * np.cos(x),
        dtype=dtype,
    )


def trace_of(x: Array) -> Array:
    sine = np.sin(x).sum(axis=1, keepdims=True)
    return np.asarray((1 / np.cosh(x) ** 2 + np.cos(x) ** 2 - sine * np.sin(x)).sum(axis=1))


X = np.random.default_rng(0).normal(size=(300, 5))


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float64, 1e-8), (np.float32, 3e-3)])
def test_trace(dtype: type, accuracy: float) -> None:
    estimate = hutchinson_trace(curved(dtype), X, 32, 1)
    z = (estimate.trace - trace_of(X)) / np.hypot(estimate.error, accuracy)
    assert abs(np.mean(z)) < 4 / math.sqrt(len(X))
    assert abs(np.std(z) - 1) < 0.2
    assert np.abs(estimate.numerical).max() < 10 * accuracy


def test_a_diagonal_hessian_needs_no_average() -> None:
    """Every probe gives the trace: the error is that of the finite difference, also far from the origin in float32."""
    density = Density(dimension=3, energy=lambda x: (x**4).sum(axis=1) / 4, score=lambda x: -(x**3), dtype=np.float32)
    x = np.random.default_rng(1).uniform(1, 2, size=(50, 3))
    estimate = hutchinson_trace(density, x, 2)
    np.testing.assert_allclose(estimate.trace, 3 * (x.astype(np.float32) ** 2).sum(axis=1), rtol=1e-3)
    square = Density(dimension=1, energy=lambda x: x[:, 0] ** 2 / 2, score=lambda x: -x, dtype=np.float32)
    np.testing.assert_allclose(hutchinson_trace(square, np.full((1, 1), 1234.567), 2).trace, 1, rtol=1e-5)
    np.testing.assert_allclose(hutchinson_trace(square, np.zeros((1, 1)), 2).trace, 1, rtol=1e-5)


def test_the_difference_is_of_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the step leaves a quarter of the truncation error."""
    density = Density(dimension=1, energy=lambda x: x[:, 0] ** 4 / 4, score=lambda x: -(x**3))
    errors = []
    for epsilon in (8e-6, 1e-6):  # h ∝ ε^⅓
        monkeypatch.setattr(np, "finfo", lambda _, epsilon=epsilon: type("Info", (), {"eps": epsilon}))
        estimate = hutchinson_trace(density, np.ones((1, 1)), 2)
        errors.append(float(estimate.trace[0]) - 3)
        assert estimate.numerical[0] == pytest.approx(3 * errors[-1], rel=1e-3)
    assert errors[0] / errors[1] == pytest.approx(4, rel=1e-3)


def test_right_traces_have_no_gap() -> None:
    gaps = [
        gap(trace_of(X), hutchinson_trace(curved(dtype), X, 4, seed))
        for dtype in (float, np.float32)
        for seed in range(30)
    ]
    assert not any(one.significant for one in gaps)
    assert "no significant gap" in gaps[0].verdict


def test_wrong_traces_have_a_gap() -> None:
    """A bias of a tenth, and errors of both signs that cancel in the bias."""
    estimate = hutchinson_trace(curved(), X, 16, 2)
    biased = gap(trace_of(X) * 1.1, estimate)
    assert biased.bias_significant
    assert biased.significant
    size = np.sum(np.abs(trace_of(X)))
    assert abs(biased.bias.errors_from(0.1 * float(trace_of(X).sum() / size))) < 4
    signs = np.where(np.arange(len(X)) % 2, 2.0, -2.0)
    scattered = gap(trace_of(X) + signs, estimate)
    assert not scattered.bias_significant
    assert scattered.squared_significant
    assert abs(scattered.squared.errors_from(4 / float(np.mean(trace_of(X) ** 2)))) < 4
    assert "not those of the Hessian" in scattered.verdict


def test_rounding_is_no_gap() -> None:
    """With a diagonal Hessian probes leave no error: only finite differences do."""
    density = Density(
        dimension=2, energy=lambda x: np.cosh(x).sum(axis=1), score=lambda x: -np.sinh(x), dtype=np.float32
    )
    x = np.random.default_rng(3).normal(size=(200, 2))
    truth = np.cosh(x).sum(axis=1)
    assert not gap(truth, hutchinson_trace(density, x, 4)).significant
    assert gap(1.02 * truth, hutchinson_trace(density, x, 4)).significant


def test_student() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in (5, 10, 30, 1000):
        assert student(3, freedom) == pytest.approx(stats.t.isf(stats.norm.sf(3), freedom), rel=0.03)


def test_fisher_divergence() -> None:
    """Ŝcore 0 and the true one; and a shifted Gaussian: the divergence is ½‖P a‖²."""
    known = gaussian(4)
    x = known.draw(2000, np.random.default_rng(4))
    truth = known.density.score(x)
    exact = fisher_divergence(known.density, x, truth)
    assert (exact.divergence.value, exact.divergence.error, exact.relative.value) == (0, 0, 0)
    zero = fisher_divergence(replace(known.density, score=np.zeros_like), x, known.density.score)
    assert zero.relative.value == pytest.approx(1)
    assert zero.relative.error == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(5)
    wrong = replace(known.density, score=lambda x: known.density.score(x) + rng.normal(size=x.shape))
    result = fisher_divergence(wrong, x, truth)
    assert abs(result.divergence.errors_from(2)) < 4
    assert result.samples == 2000
    assert result.relative.value == pytest.approx(2 * result.divergence.value / (truth**2).sum(axis=1).mean())


def test_bad_arguments() -> None:
    density = gaussian(3).density
    x = np.zeros((4, 3))
    with pytest.raises(EvaluationError, match=r"hutchinson_trace\(density\): is 'density'"):
        hutchinson_trace("density", x)  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match=r"hutchinson_trace\(x\): has shape \(4, 2\)"):
        hutchinson_trace(density, x[:, :2])
    with pytest.raises(EvaluationError, match=r"probes\): is 1\n.*at least 2"):
        hutchinson_trace(density, x, 1)
    with pytest.raises(EvaluationError, match=r"rng\): is -1"):
        hutchinson_trace(density, x, 2, -1)
    with pytest.raises(EvaluationError, match="row"):
        fisher_divergence(density, x, x[:3])
    with pytest.raises(EvaluationError, match="1 of 4 rows not finite, the first at 2"):
        fisher_divergence(density, np.where(np.arange(4)[:, None] == 2, np.nan, x), x)
    with pytest.raises(EvaluationError, match="score: is not finite for 4 samples"):
        fisher_divergence(replace(density, score=lambda x: x * np.nan), x, x)
    with pytest.raises(EvaluationError, match=r"score: returned shape \(4,\), not \(4, 3\)"):
        fisher_divergence(replace(density, score=density.energy), x, x)
    estimate: TraceEstimate = hutchinson_trace(density, x, 2)
    with pytest.raises(EvaluationError, match="3 traces, and estimates at 4 samples"):
        gap(np.ones(3), estimate)
