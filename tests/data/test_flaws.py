"""Samples on which the loss has no minimum at λ = 0: seen before anything is trained, and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smgen.data import flaws, unbounded
from tests.commands import run
from tests.support import Array

DEEP = """import smgen as sm
h = sm.softplus(sm.linear(sm.input(4), 8))
network = sm.Network(energy=sm.softplus(sm.linear(h, 6)))
"""
Generator = np.random.Generator


def normal(rng: Generator, samples: int = 120) -> Array:
    return rng.standard_normal((samples, 4))


def replaced(x: Array, column: int, values: object) -> Array:
    x[:, column] = values
    return x


KINDS: dict[str, tuple[Callable[[Generator], Array], str]] = {
    "zeros": (lambda rng: np.zeros((50, 4)), "all values are 0"),
    "equal": (lambda rng: np.tile(normal(rng, 1), (20, 1)), "all samples are equal"),
    "one": (lambda rng: normal(rng, 1), "there is only one sample"),
    "two": (lambda rng: normal(rng, 2), "2 different samples span at most 1 of 4 dimensions"),
    "few": (lambda rng: normal(rng, 6), "6 different samples of 4 values are too few"),
    "constant": (lambda rng: replaced(normal(rng), 2, rng.normal()), "column 2 is constant"),
    "a zero column": (lambda rng: replaced(normal(rng), 0, 0), "column 0 is constant"),
    "combination": (lambda rng: replaced(x := normal(rng), 3, x[:, 0] - rng.normal() * x[:, 2] + rng.normal()),
                    "column 3 is a linear function of columns 0 and 2"),
    "twice": (lambda rng: replaced(x := normal(rng), 2, x[:, 1]), "column 2 is a linear function of column 1"),
    "mean-free": (lambda rng: (x := normal(rng)) - x.mean(axis=1, keepdims=True),
                  "column 3 is a linear function of columns 0, 1 and 2"),
    "rank one": (lambda rng: np.outer(rng.normal(size=99), [1, 2, -1, 0.5]),
                 "column 1 is a linear function of column 0"),
    "whole": (lambda rng: rng.integers(0, 10**6, (60, 4)).astype(float),
              "columns 0, 1, 2 and 3 hold whole numbers only"),
    "grey levels": (lambda rng: replaced(normal(rng, 2000), 1, rng.integers(0, 256, 2000) / 255),
                    "column 1 takes only "),
    "rounded": (lambda rng: np.round(10 * normal(rng), 2),
                "the values of columns 0, 1, 2 and 3 lie on a grid of spacing 0.01"),
    "an atom": (lambda rng: replaced(x := normal(rng), 1, np.maximum(x[:, 1], 0)), "column 1 takes only "),
    "a tenth is 0": (lambda rng: np.where(rng.random((2000, 4)) < 0.05, 0, normal(rng, 2000)),
                     r"\d+ of 2000 samples have .* in column 0"),
    "clipped": (lambda rng: np.clip(normal(rng, 2000), -1.8, 1.8), r"\d+ of 2000 samples have .* in column 0"),
    "sorted by class": (lambda rng: replaced(normal(rng, 60_000), 3, np.arange(60_000) // 20_000 % 3),
                        "column 3 holds whole numbers only"),
    "constant later on": (lambda rng: replaced(x := normal(rng, 50_000), 1,
                                               np.where(np.arange(50_000) > 9000, 1, x[:, 1])), "column 1 takes only "),
    "duplicates": (lambda rng: np.repeat(normal(rng, 60), 2, axis=0), "60 of 120 samples repeat others"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str, dtype: str) -> None:
    make, expected = KINDS[kind]
    for seed in range(5):
        seen = flaws(make(np.random.default_rng(seed)).astype(dtype))
        assert any(re.match(expected, text) for text in seen), seen


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_with_a_density_pass(dtype: str) -> None:
    """Of any scale, size and offset; correlated; with modes; where every number is whole."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        columns = int(rng.integers(1, 9))
        samples = int(rng.integers(max(8, 2 * columns), 400))
        x = rng.standard_normal((samples, columns)) @ rng.standard_normal((columns, columns))
        x += rng.choice([-3.0, 0.0, 3.0], x.shape)
        x = (x * 10.0 ** rng.integers(-3, 4) + rng.normal()).astype(dtype)
        assert flaws(x) == [], seed
    limits = np.finfo(dtype)
    for unit in (1e17, 1e30, float(limits.max) / 8, float(limits.tiny) * 8):
        assert flaws((normal(np.random.default_rng(1), 500) * unit).astype(dtype)) == [], unit


@pytest.mark.parametrize("kind", KINDS)
def test_no_mode_is_recommended(tmp_path: Path, kind: str) -> None:
    make, expected = KINDS[kind]
    net, data = tmp_path / "net.py", tmp_path / "X.npy"
    net.write_text(DEEP)
    np.save(data, make(np.random.default_rng(0)))
    told = run("check", net, "--data", data).stdout
    assert "Recommended: no mode: at λ = 0 the loss has no minimum on these data: " in told
    assert re.search(expected, told)
    assert "Give --lam above 0" in told
    assert "after exact" not in told


def test_the_regulariser_bounds_the_loss(tmp_path: Path) -> None:
    net, data = tmp_path / "net.py", tmp_path / "X.npy"
    net.write_text(DEEP)
    np.save(data, KINDS["constant"][0](np.random.default_rng(0)))
    told = run("check", net, "--data", data, "--lam", "0.05").stdout
    assert "Your data: column 2 is constant. λ > 0 keeps the loss bounded all the same." in told
    assert "Recommended: --hessian " in told


def test_losses_without_bound() -> None:
    x = np.random.default_rng(0).standard_normal((500, 3)) * [1, 1e-3, 10]
    gaussian = -0.5 * np.trace(np.linalg.inv(np.cov(x, rowvar=False)))
    assert not unbounded(gaussian, x)
    assert not unbounded(20 * gaussian, x)
    assert unbounded(1e4 * gaussian, x)
    assert unbounded(-7.7e288, x)
