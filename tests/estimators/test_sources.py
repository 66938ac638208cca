"""The closed form of a source's score: its nonlinearities, its loss against a generated module's, and its slopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sympy as sp
from scipy.linalg import expm

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.errors import BuildError
from smgen.estimators.rotation import minimise, random_rotation
from smgen.estimators.sources import NONLINEARITIES, ORDERS, S, Sources, U, derivatives
from smgen.loader import load_source
from smgen.network import Network

Array = npt.NDArray[Any]


def whitened(size: int = 3, count: int = 4000) -> Array:
    """Laplacian, uniform and skewed sources (D, N), exactly white."""
    rng = np.random.default_rng(0)
    s = np.stack([rng.laplace(size=count), rng.uniform(size=count), rng.exponential(size=count)])[:size]
    s -= s.mean(axis=1, keepdims=True)
    values, axes = np.linalg.eigh(s @ s.T / count)
    return np.asarray(axes / np.sqrt(values) @ axes.T @ s)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_nonlinearities_are_those_of_smgen(name: str) -> None:
    stated = NONLINEARITIES[name]
    assert sp.simplify(sp.diff(stated.u, S) - stated.slope_of_u.subs(U, stated.u)) == 0
    truth = getattr(sm, name)(S)
    points = np.linspace(-3, 3, 7)
    computed = derivatives(name)[1](points)
    for order in range(ORDERS):
        truth = sp.diff(truth, S)
        assert np.allclose(computed[order], [float(truth.subs(S, p)) for p in points], atol=1e-12)
    assert all(np.allclose(a, b, atol=1e-14) for a, b in zip(derivatives(name)[0](points), computed[:3], strict=True))


def test_an_unknown_nonlinearity() -> None:
    with pytest.raises(BuildError, match=r"nonlinearity: 'logcos' is unknown \(did you mean 'logcosh'\?\)"):
        derivatives("logcos")


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_the_closed_form_is_the_loss_of_a_generated_module(name: str) -> None:
    """Of E(z) = Σ_j α_j f + δ_j f′ + ½ β_j s_j² + γ_j s_j: J, its slopes along rotations, and none by α to γ."""
    z, rotation = whitened(), random_rotation(3, np.random.default_rng(1))
    slope = sp.diff(getattr(sm, name)(S), S)
    s = sm.linear(sm.input(3), 3, bias=False, name="filters")
    terms = getattr(sm, name)(s), sm.pointwise(s, lambda g: slope.subs(S, g)), 0.5 * sm.square(s), s
    network = Network(energy=[sm.scale(t, name=n) for t, n in zip(terms, ("a", "b", "c", "d"), strict=True)])
    info = build_info(network, Path("net.py"), Options(backend="numpy", dtype="float64"))
    module = load_source(source(network, info), info.name)
    sources = Sources(z, name)
    fitted = sources.fit(rotation)
    params = {"filters.weight": rotation}
    params |= {f"{n}.gain": fitted.experts[:, k].copy() for k, n in enumerate(("a", "b", "c", "d"))}
    loss, gradient = module.loss_and_grad(params, np.ascontiguousarray(z.T), 0.0)
    assert float(loss) == pytest.approx(fitted.loss.sum(), abs=1e-6)
    assert all(np.abs(gradient[f"{n}.gain"]).max() < 1e-6 for n in ("a", "b", "c", "d"))
    turned = gradient["filters.weight"] @ rotation.T
    slopes, _ = sources.slopes(rotation, fitted)
    assert np.allclose(slopes, turned - turned.T, atol=1e-8)


def test_the_slopes_are_those_of_the_loss() -> None:
    """The remainder of the linear approximation is of second order: half the angle leaves a quarter."""
    sources, rotation = Sources(whitened(), "logcosh"), random_rotation(3, np.random.default_rng(2))
    fitted = sources.fit(rotation)
    slopes, _ = sources.slopes(rotation, fitted)
    a = np.random.default_rng(3).standard_normal((3, 3))
    a = 0.02 * (a - a.T)

    def remainder(share: float) -> float:
        moved = sources.fit(expm(share * a) @ rotation).loss.sum()
        return float(moved - fitted.loss.sum() - share * (slopes * a).sum() / 2)

    assert remainder(1.0) / remainder(0.5) == pytest.approx(4, rel=0.15)


def test_the_curvatures_at_independent_sources_are_those_of_the_loss() -> None:
    sources = Sources(whitened(3, 200_000), "logcosh")
    at_sources = np.eye(3)
    fitted = sources.fit(at_sources)
    _, curvatures = sources.slopes(at_sources, fitted)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        a = np.zeros((3, 3))
        a[i, j], a[j, i] = 0.02, -0.02
        there, back = (sources.fit(expm(sign * a)).loss.sum() for sign in (1, -1))
        assert (there + back - 2 * fitted.loss.sum()) / 0.02**2 == pytest.approx(curvatures[i, j], rel=0.1)


def test_gaussian_sources_have_the_greatest_loss() -> None:
    rng = np.random.default_rng(0)
    gaussian = rng.standard_normal((1, 100_000))
    gaussian = (gaussian - gaussian.mean()) / gaussian.std()
    assert Sources(gaussian, "logcosh").fit(np.eye(1)).loss[0] == pytest.approx(-0.5, abs=1e-3)
    assert (Sources(whitened(), "logcosh").fit(np.eye(3)).loss < -0.52).all()


def test_the_search_ends_at_a_minimum_and_reports_too_few_steps() -> None:
    sources = Sources(whitened(), "logcosh")
    reached = minimise(sources, random_rotation(3, np.random.default_rng(0)), 100, 1e-6)
    assert reached.converged
    assert np.allclose(reached.rotation @ reached.rotation.T, np.eye(3), atol=1e-12)
    assert np.abs(sources.slopes(reached.rotation, reached.fitted)[0]).max() < 1e-5
    assert np.allclose(np.sort(np.abs(reached.rotation))[:, -1], 1, atol=0.01)
    assert not minimise(sources, random_rotation(3, np.random.default_rng(0)), 1, 1e-6).converged
