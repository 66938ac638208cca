"""log Z by annealed importance sampling, against closed forms; the errors cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smgen.evaluation import EvaluationError, log_normaliser_ais
from smgen.evaluation.gaussians import Gaussian
from smgen.evaluation.hamiltonian import Path
from tests.evaluation.densities import Known, gaussian, mixture


@pytest.mark.parametrize("known", [gaussian(2), gaussian(10), gaussian(50)], ids=["2", "10", "50"])
def test_gaussian(known: Known) -> None:
    """From few samples, whose variances are all that is fitted, and from N(0, I)."""
    rng, dimension = np.random.default_rng(0), known.density.dimension
    exact = known.draw(200, rng)
    for settings in (
        {"data": known.draw(4 * dimension, rng), "exact_samples": exact},
        {"mean": np.zeros(dimension), "covariance": 1.0},
    ):
        result = log_normaliser_ais(known.density, chains=200, rng=rng, **settings)
        assert abs(result.log_z.errors_from(known.log_z)) < 4
        assert result.log_z.error < 0.15
        assert result.reliable
        if result.upper is not None:
            assert abs(result.upper.errors_from(known.log_z)) < 4


@pytest.mark.parametrize("dimension", [2, 10])
def test_mixture(dimension: int) -> None:
    known, rng = mixture(dimension), np.random.default_rng(1)
    x = known.draw(1000, rng)
    result = log_normaliser_ais(known.density, data=x, exact_samples=x, rng=rng)
    assert abs(result.log_z.errors_from(known.log_z)) < 4
    assert result.upper is not None
    assert abs(result.upper.errors_from(known.log_z)) < 4
    assert result.reliable


def test_errors_cover() -> None:
    """30 runs of few chains: z has about unit variance."""
    known = gaussian(5)
    z = [
        log_normaliser_ais(
            known.density, mean=np.zeros(5), covariance=1.0, chains=60, temperatures=30, rng=seed
        ).log_z.errors_from(known.log_z)
        for seed in range(30)
    ]
    assert abs(np.mean(z)) < 0.8
    assert 0.6 < np.std(z) < 1.5


def test_a_gaussian_that_is_the_model_needs_no_annealing() -> None:
    density = replace(gaussian(3).density, energy=lambda x: (x**2).sum(axis=1) / 2, score=lambda x: -x)
    result = log_normaliser_ais(density, mean=np.zeros(3), covariance=np.eye(3), chains=10, temperatures=1)
    assert result.log_z.value == pytest.approx(1.5 * np.log(2 * np.pi))
    assert result.effective == pytest.approx(10)


def test_float32_and_fused() -> None:
    known = gaussian(4, dtype=np.float32)
    density = replace(known.density, fused=lambda x: (known.density.energy(x), known.density.score(x)))
    result = log_normaliser_ais(density, mean=np.zeros(4), covariance=np.ones(4))
    assert abs(result.log_z.errors_from(known.log_z)) < 4


def test_a_lost_mode_shows_in_the_upper_bound() -> None:
    """Chains start in the smaller of two far modes, and see a third of the mass."""
    known = mixture(2, distance=60.0)
    rng = np.random.default_rng(2)
    result = log_normaliser_ais(
        known.density, mean=np.zeros(2), covariance=1.0, exact_samples=known.draw(200, rng), rng=rng
    )
    assert result.log_z.value == pytest.approx(0, abs=0.05)
    assert not result.reliable


def test_energies_that_overflow_are_densities_of_zero() -> None:
    """E = ∞ outside a ball: chains that start there have no weight, and none leaves the ball."""
    density = replace(
        gaussian(2).density,
        energy=lambda x: np.where((x**2).sum(axis=1) < 4, 0.0, np.inf),
        score=np.zeros_like,
    )
    result = log_normaliser_ais(density, mean=np.zeros(2), covariance=1.0, chains=1000)
    assert abs(result.log_z.errors_from(np.log(4 * np.pi))) < 4


def test_exact_samples_must_be_possible() -> None:
    density = replace(
        gaussian(2).density,
        energy=lambda x: np.where(x[:, 0] > 0, 0.5 * (x**2).sum(axis=1), np.inf),
        score=lambda x: -x,
    )
    x = np.array([[1.0, 0.0], [-1.0, 0.0]])
    with pytest.raises(EvaluationError, match=r"exact_samples\): have an energy of \+∞ in 1 of 2 rows"):
        log_normaliser_ais(density, mean=np.zeros(2), covariance=1.0, temperatures=5, exact_samples=x)


def test_hamiltonian_leaves_the_target_alone() -> None:
    """Draws of a correlated Gaussian stay such draws, whatever the step."""
    known = gaussian(3)
    path = Path(known.density, Gaussian(np.zeros(3), np.ones(3)))
    rng = np.random.default_rng(3)
    x = known.draw(20_000, rng)
    chains = path.at(x)
    for step in (0.2, 0.5, 0.5, 0.2):
        chains, acceptance = path.transition(chains, 1.0, step, rng)
        assert 0.2 < acceptance < 1
    assert np.abs(chains.z.mean(axis=0) - x.mean(axis=0)).max() < 6 * x.std() / np.sqrt(len(x))
    np.testing.assert_allclose(np.cov(chains.z.T), np.cov(x.T), atol=0.06 * x.var())
    np.testing.assert_allclose(chains.energy, known.density.energy(chains.z))
    np.testing.assert_allclose(chains.slope, -known.density.score(chains.z))


def test_coordinates_of_a_gaussian() -> None:
    rng = np.random.default_rng(4)
    for base in (Gaussian.fit(rng.normal(size=(100, 3)), ""), Gaussian.fit(rng.normal(size=(5, 3)), "")):
        x = rng.normal(size=(7, 3))
        np.testing.assert_allclose(base.place(base.whiten(x)), x)
        jacobian = base.place(np.eye(3)) - base.mean
        np.testing.assert_allclose(base.pull(x), x @ jacobian.T, atol=1e-14)
        assert base.log_volume == pytest.approx(np.log(abs(np.linalg.det(jacobian))))


def test_bad_arguments() -> None:
    density = gaussian(2).density
    zero = np.zeros(2)
    for settings, said in (
        ({}, "not one Gaussian to start from"),
        ({"mean": zero}, "not one Gaussian"),
        ({"mean": zero, "covariance": -1.0}, "variances not above 0"),
        ({"mean": zero, "covariance": [[1, 2], [2, 1]]}, "is not positive"),
        ({"mean": zero, "covariance": [[1, 0.5], [0, 1]]}, "is not symmetric"),
        ({"mean": [0.0], "covariance": 1.0}, "a mean of shape"),
        ({"data": [[0, 1], [1, 1]]}, "column 1 of 2 is constant"),
        ({"data": np.eye(2), "chains": 1}, r"chains\): is 1"),
        ({"data": np.eye(2), "temperatures": 2.5}, r"temperatures\): is 2.5"),
        ({"data": np.eye(2), "exact_samples": np.eye(3)}, r"exact_samples\): has shape"),
    ):
        with pytest.raises(EvaluationError, match=said):
            log_normaliser_ais(density, **settings)
    with pytest.raises(EvaluationError, match="not finite at 64 of 64 draws"):
        log_normaliser_ais(replace(density, energy=lambda x: x[:, 0] * np.nan), mean=zero, covariance=1.0)
    with pytest.raises(EvaluationError, match="is −∞ at x"):
        log_normaliser_ais(replace(density, energy=lambda x: x[:, 0] * 0 - np.inf), mean=zero, covariance=1.0)
    with pytest.raises(EvaluationError, match="energy and score returned shapes"):
        log_normaliser_ais(replace(density, energy=lambda x: x), mean=zero, covariance=1.0)
