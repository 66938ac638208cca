"""Rows of unit length: projection, and training on the sphere by both optimisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.errors import BuildError
from smgen.network import Network
from smgen.training import fit
from smgen.training.spheres import Spheres


def test_projection() -> None:
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal((5, 2, 3)), "b": np.ones(5)}
    gradient = {"w": rng.standard_normal((5, 2, 3)), "b": np.ones(5)}
    spheres = Spheres.of(("w",), {"w": (5, 2, 3), "b": (5,)})
    lengths = spheres.lengths(params)["w"]
    assert lengths.shape == (5, 1, 1)
    spheres.normalise(params)
    assert np.allclose((params["w"] ** 2).sum(axis=(1, 2)), 1)
    spheres.project(params, gradient)
    assert np.allclose((params["w"] * gradient["w"]).sum(axis=(1, 2)), 0)
    assert np.array_equal(gradient["b"], np.ones(5))


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_training_keeps_the_rows_and_finds_the_sources(optimiser: str) -> None:
    """Two Laplacian sources, mixed by a rotation: the rows are its rows."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    data = (rng.laplace(size=(20_000, 2)) @ rotation / np.sqrt(2)).astype(np.float32)
    h = sm.scale(sm.logcosh(sm.linear(sm.input(2), 2, bias=False, name="w")))
    options: dict[str, Any] = {"steps": 1500, "rate": 0.02, "optimiser": optimiser, "whiten": "none"}
    model = fit(Network(energy=h), data, backend="numpy", unit_rows="w.weight", **options)
    w = model.params["w.weight"]
    assert np.allclose((w**2).sum(axis=1), 1, atol=1e-5)
    found = np.abs(w @ rotation.T)
    assert np.allclose(np.sort(found.max(axis=1)), 1, atol=0.01)
    assert set(found.argmax(axis=1)) == {0, 1}
    assert model.record.training["unit_rows"] == ("w.weight",)


def test_what_has_no_rows() -> None:
    network = Network(energy=sm.logcosh(sm.linear(sm.input(2), 2, name="w")))
    for name, what in (("w", "no parameter 'w'"), ("w.bias", "no rows")):
        with pytest.raises(BuildError, match=what):
            fit(network, np.random.default_rng(0).standard_normal((100, 2)), backend="numpy", unit_rows=name, steps=1)
