"""Minima known in advance: Gaussian energies in closed form, independent component analysis up to its 1/T law."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import sympy
from scipy.optimize import least_squares, linear_sum_assignment, minimize

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests.support import Array, Params, module_of


def half_square(source: Node) -> Node:
    return sm.pointwise(source, lambda g: g**2 / 2)


def minimise(module: ModuleType, x: Array, start: Array, lam: float = 0.0, gtol: float = 1e-5) -> tuple[float, Array]:
    """The smallest J that BFGS finds from `start`, and the flat parameters there."""

    def loss(theta: Array) -> tuple[float, Array]:
        J, gradient = module.loss_and_grad(module.unflatten(theta), x, lam)
        return J, module.flatten(gradient)

    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": gtol, "maxiter": 5000})
    return float(found.fun), np.asarray(found.x)


def minimum(module: ModuleType, x: Array, lam: float = 0.0) -> Params:
    """The best of eight ends of BFGS, polished to a zero of the gradient by Levenberg–Marquardt.

    Several starts, because a unit ½(wᵀx + b)² has J = ½ b² wᵀw − wᵀw + … near w = 0, a local minimum for b² > 2; and
    Levenberg–Marquardt, because W is determined only up to a rotation.
    """

    def gradient(theta: Array) -> Array:
        return np.asarray(module.flatten(module.loss_and_grad(module.unflatten(theta), x, lam)[1]))

    starts = [module.flatten(module.init_params(seed)) for seed in range(8)]
    near = min((minimise(module, x, start, lam, gtol=1e-7) for start in starts), key=lambda end: end[0])[1]
    assert np.max(np.abs(gradient(near))) < 1e-4
    exact = least_squares(gradient, near, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert np.max(np.abs(exact.fun)) < 1e-10
    found: Params = module.unflatten(exact.x)
    return found


def correlated(units: int, seed: int, samples: int = 200) -> Array:
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(units, units)))[0] * rng.uniform(0.5, 2.0, size=units)
    return rng.normal(size=(samples, units)) @ axes.T + 0.5 * rng.normal(size=units)


@pytest.mark.parametrize("units", [3, 4, 5])
def test_gaussian_precision_is_the_inverse_second_moment(units: int) -> None:
    """E = ½‖Wx‖² has J = ½ tr(P² S) − tr P, P = WᵀW, S the second moment; dJ/dP = ½(PS + SP) − 1 = 0 at P = S⁻¹."""
    module = module_of(Network(energy=half_square(sm.linear(sm.input(units), units, bias=False, name="W"))))
    x = correlated(units, seed=units)
    W = minimum(module, x)["W.weight"]
    second_moment = x.T @ x / len(x)
    np.testing.assert_allclose(W.T @ W @ second_moment, np.eye(units), rtol=0, atol=1e-8)
    best = -0.5 * np.trace(np.linalg.inv(second_moment))
    assert module.loss({"W.weight": W}, x) == pytest.approx(best, rel=1e-10)


@pytest.mark.parametrize("units", [3, 4, 5])
def test_gaussian_with_bias_finds_mean_and_covariance(units: int) -> None:
    """E = ½‖Wx + b‖² = ½(x − m)ᵀ P (x − m) + …, m = −W⁻¹b: m is the mean, P the inverse covariance."""
    module = module_of(Network(energy=half_square(sm.linear(sm.input(units), units, name="W"))))
    x = correlated(units, seed=10 + units)
    found = minimum(module, x)
    W, b = found["W.weight"], found["W.bias"]
    np.testing.assert_allclose(-np.linalg.solve(W, b), x.mean(axis=0), rtol=0, atol=1e-8)
    np.testing.assert_allclose(W.T @ W @ np.cov(x.T, bias=True), np.eye(units), rtol=0, atol=1e-8)


@pytest.mark.parametrize("lam", [0.0, 0.05, 0.7, 3.0])
def test_regularised_gaussian_adds_twice_lambda_to_the_variance(lam: float) -> None:
    """E = ½ Σ (a_i x_i)²: δ_i = p_i x_i and δ′_i = p_i with p = a², so J = Σ ½ p_i² s_i² − p_i + λ p_i².

    dJ/dp_i = p_i s_i² − 1 + 2λ p_i = 0 at p_i = 1/(s_i² + 2λ), s_i² the second moment along axis i.
    """
    module = module_of(Network(energy=half_square(sm.scale(sm.input(4), name="a"))))
    x = correlated(4, seed=1)
    gain = minimum(module, x, lam)["a.gain"]
    np.testing.assert_allclose(gain**2, 1 / (np.mean(x**2, axis=0) + 2 * lam), rtol=1e-8, atol=0)


# Independent component analysis, as in A. Hyvärinen, JMLR 6 (2005), section 3.2

SOURCES = 4
SAMPLES = 500 * 2 ** np.arange(6)


def logistic_ica() -> ModuleType:
    """−log p(s) = 2 log cosh(π s / 2√3) + constant for a logistic variable of variance 1: the model holds the truth.

    So the scale of W's rows is identified, and W A is a signed permutation in the limit.
    """
    h = sm.linear(sm.input(SOURCES), SOURCES, bias=False, name="W")
    expert = sm.pointwise(h, lambda g: 2 * sympy.log(sympy.cosh(sympy.pi * g / (2 * sympy.sqrt(3)))))
    return module_of(Network(energy=expert))


def demixing_error(mixed: Array) -> float:
    """‖P W A − 1‖² with the signed permutation P that brings W A closest to 1."""
    rows, columns = linear_sum_assignment(-np.abs(mixed))
    closest = np.zeros_like(mixed)
    closest[rows, columns] = np.sign(mixed[rows, columns])
    return float(np.sum((mixed - closest) ** 2))


def demixing_errors(module: ModuleType, seed: int, runs: int) -> Array:
    """(runs, len(SAMPLES)): each run has its own mixing matrix A and fresh data for every sample size.

    The data are whitened, as is usual for ICA: the estimate is then the same for every A. The smallest sample has local
    minima, so it takes the best of four random starts; larger ones start at the last estimate.
    """
    rng = np.random.default_rng(seed)
    errors = np.empty((runs, len(SAMPLES)))
    for run in range(runs):
        A = rng.normal(size=(SOURCES, SOURCES))
        starts = [np.linalg.qr(rng.normal(size=(SOURCES, SOURCES)))[0] for _ in range(4)]
        for position, samples in enumerate(SAMPLES):
            x = rng.logistic(scale=np.sqrt(3) / np.pi, size=(samples, SOURCES)) @ A.T
            whiten = np.linalg.inv(np.linalg.cholesky(x.T @ x / samples))
            found = [minimise(module, x @ whiten.T, start.ravel()) for start in starts]
            W = module.unflatten(min(found, key=lambda pair: pair[0])[1])["W.weight"]
            starts = [W]
            errors[run, position] = demixing_error(W @ whiten @ A)
    return errors


def slope(errors: Array) -> float:
    """d log(median error) / d log T."""
    return float(np.polyfit(np.log(SAMPLES), np.log(np.median(errors, axis=0)), 1)[0])


@pytest.mark.slow
def test_ica_error_falls_as_one_over_the_number_of_samples() -> None:
    """The squared error of a consistent estimator is c/T + O(1/T²); at T = 500 the second term still adds a third.

    That puts the expected slope near −1.07; over seeds it spreads by 0.02 (one standard deviation, 100 runs).
    """
    errors = demixing_errors(logistic_ica(), seed=0, runs=100)
    assert slope(errors) == pytest.approx(-1.0, abs=0.15)
    assert np.median(errors[:, -1]) < 0.01
