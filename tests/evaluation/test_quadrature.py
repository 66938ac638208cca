"""log Z by quadrature, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smgen.evaluation import EvaluationError, log_normaliser_quadrature
from smgen.evaluation.quadrature import power_tail
from tests.evaluation.densities import gaussian, mixture, of_energy


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_gaussian(dimension: int) -> None:
    known = gaussian(dimension)
    x = known.draw(500, np.random.default_rng(0))
    result = log_normaliser_quadrature(known.density, data=x)
    assert abs(result.log_z.value - known.log_z) <= result.log_z.error <= 2e-6
    assert result.converged
    assert not result.edge_warning
    np.testing.assert_allclose(result.log_density(x), -known.density.energy(x) - known.log_z, atol=1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("width", [0.5, 1e-3])
def test_mixture_with_a_narrow_mode(dimension: int, width: float) -> None:
    """Two thirds of the mass lie within some thousandths of a point: the samples show the grid where."""
    known = mixture(dimension, width=width)
    result = log_normaliser_quadrature(known.density, data=known.draw(300, np.random.default_rng(1)))
    assert abs(result.log_z.value - known.log_z) <= result.log_z.error <= 2e-6


def test_float32_has_a_tolerance_of_its_own() -> None:
    known = gaussian(2, dtype=np.float32)
    result = log_normaliser_quadrature(known.density, data=known.draw(100, np.random.default_rng(2)))
    assert result.converged
    assert abs(result.log_z.value - known.log_z) <= result.log_z.error <= 1.3e-4


@pytest.mark.parametrize("shift", [-1e5, 1e5])
def test_large_energies_do_not_overflow(shift: float) -> None:
    result = log_normaliser_quadrature(gaussian(1, shift=shift).density, centre=[0.0], scale=[1.0])
    assert result.log_z.value == pytest.approx(gaussian(1, shift=shift).log_z, abs=1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize(("freedom", "warned"), [(1, False), (3, False), (0.3, True)])
def test_heavy_tails_widen_the_box(dimension: int, freedom: float, warned: bool) -> None:
    """Student's t: what remains outside is in the error."""
    power = (freedom + dimension) / 2
    density = of_energy(dimension, lambda x: power * np.log1p((x**2).sum(axis=1) / freedom))
    truth = dimension / 2 * math.log(freedom * math.pi) + math.lgamma(freedom / 2) - math.lgamma(power)
    result = log_normaliser_quadrature(density, centre=[0.3] * dimension, scale=[1.0] * dimension, tolerance=1e-4)
    assert result.high[0] > 20
    assert abs(result.log_z.value - truth) < 1.3 * result.log_z.error
    assert result.edge_warning is (warned or (dimension == 3 and freedom == 1))


def test_kinks_are_refined() -> None:
    result = log_normaliser_quadrature(of_energy(2, lambda x: np.abs(x).sum(axis=1)), centre=[0.2, 0.3], scale=[1, 1])
    assert abs(result.log_z.value - 2 * math.log(2)) <= result.log_z.error < 1e-5


def test_what_has_no_normaliser_has_no_finite_error() -> None:
    result = log_normaliser_quadrature(of_energy(1, lambda x: 0 * x[:, 0]), centre=[0.0], scale=[1.0])
    assert result.edge_warning
    assert result.log_z.error == math.inf


def test_bounds_are_kept() -> None:
    """The integral over the box, and a note that the density goes on."""
    result = log_normaliser_quadrature(of_energy(2, lambda x: -x[:, 0]), bounds=[[0, 1], [0, 2]])
    assert abs(result.log_z.value - math.log(2 * (math.e - 1))) <= result.log_z.error < 1e-6
    assert result.edge_warning


def test_an_energy_of_infinity_is_a_density_of_zero() -> None:
    density = of_energy(2, lambda x: np.where((np.abs(x) < 1).all(axis=1), 0.0, np.inf))
    result = log_normaliser_quadrature(density, centre=[0.1, 0.2], scale=[1, 1], most=500_000)
    assert not result.converged  # the edge of the square takes too many cells
    assert abs(result.log_z.value - math.log(4)) <= result.log_z.error < 0.02


def test_power_tail() -> None:
    """The mass outside f is f^−α: what is within the two outer layers of 8 determines α."""
    for alpha in (0.5, 2.0, 7.0):
        outer, inner = 0.75**-alpha - 1, 0.5**-alpha - 0.75**-alpha
        assert power_tail(outer, inner, 8) == pytest.approx(1)
    assert power_tail(0.0, 0.0, 8) == 0
    assert power_tail(0.1, 0.1, 8) == math.inf


def test_bad_arguments() -> None:
    density = gaussian(2).density
    with pytest.raises(EvaluationError, match=r"4 dimensions, not 1 to 3\n.*log_normaliser_ais"):
        log_normaliser_quadrature(gaussian(4).density)
    with pytest.raises(EvaluationError, match="no box"):
        log_normaliser_quadrature(density, centre=[0, 0])
    with pytest.raises(EvaluationError, match="give one of them"):
        log_normaliser_quadrature(density, bounds=[[0, 1], [0, 1]], scale=[1, 1])
    with pytest.raises(EvaluationError, match=r"is no box: \[\[0.0, 1.0\], \[1.0, 1.0\]\]"):
        log_normaliser_quadrature(density, bounds=[[0, 1], [1, 1]])
    with pytest.raises(EvaluationError, match="no column may be constant"):
        log_normaliser_quadrature(density, data=[[0, 1], [1, 1]])
    with pytest.raises(EvaluationError, match="tolerance"):
        log_normaliser_quadrature(density, data=[[0, 1], [1, 2]], tolerance=0)
    with pytest.raises(EvaluationError, match=r"energy: is nan for \d+ points, first at x = \["):
        log_normaliser_quadrature(of_energy(1, lambda x: x[:, 0] * np.nan), bounds=[[0, 1]])
    with pytest.raises(EvaluationError, match=r"is \+∞ at all"):
        log_normaliser_quadrature(of_energy(1, lambda x: x[:, 0] * 0 + np.inf), bounds=[[0, 1]])
