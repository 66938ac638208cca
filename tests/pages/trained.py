"""Small models to make pages of."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import smgen as sm
from smgen.models import Model
from smgen.network import Network
from smgen.training import fit
from tests import moons

FAST: dict[str, Any] = {"backend": "numpy", "steps": 40, "batch_size": 64, "evaluations": 8}
MOONS = moons.samples(400, 0)
PATCHES = np.random.default_rng(0).laplace(size=(400, 36)) @ np.random.default_rng(1).standard_normal((36, 36))


@lru_cache(maxsize=1)
def plane() -> Model:
    """Two dimensions; exact."""
    x = sm.input(2)
    h = sm.softplus(sm.linear(x, 8, name="first"))
    return fit(Network(energy=[sm.linear(h, 1), 0.5 * sm.square(x)]), MOONS, **FAST, hessian="exact")


@lru_cache(maxsize=1)
def line() -> Model:
    """One dimension."""
    x = sm.input(1)
    energy = [sm.logcosh(sm.linear(x, 4)), sm.square(x)]
    return fit(Network(energy=energy), np.random.default_rng(0).standard_normal((300, 1)), **FAST)


@lru_cache(maxsize=1)
def patches() -> Model:
    """Square pictures in 35 principal axes."""
    h = sm.linear(sm.input(35), 200, bias=False, name="filters")
    return fit(Network(energy=sm.scale(sm.logcosh(h), name="gains")), PATCHES, **FAST, whiten="pca", without_mean=True)


@lru_cache(maxsize=1)
def images() -> Model:
    """Colour images under a field of experts."""
    x = sm.input((3, 8, 8))
    h = sm.conv2d(x, 6, 3, name="kernels")
    data = np.random.default_rng(0).standard_normal((1200, 3, 8, 8)).astype(np.float32)
    return fit(Network(energy=[sm.logcosh(h), 0.5 * sm.square(x)]), data, **FAST)


@lru_cache(maxsize=1)
def noisy() -> Model:
    """A network with a condition, trained by denoising."""
    sigma = sm.condition(name="sigma", domain=(1e-3, None))
    x = sm.input(2)
    h = sm.concat(x, sm.pointwise(sigma, lambda s: s))
    energy = [sm.linear(sm.softplus(sm.linear(h, 8)), 1), 0.5 * sm.square(x)]
    return fit(Network(energy=energy), MOONS, **FAST, objective="denoising", sigma=(0.1, 1.0))


def from_file(folder: Path, text: str = moons.NET.replace("128", "8"), **options: Any) -> Path:
    """The folder of a model of a net.py."""
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(text, encoding="utf-8")
    fit(folder / "net.py", MOONS, folder=folder / "model", **FAST | {"hessian": "exact"} | options)
    return folder / "model"
