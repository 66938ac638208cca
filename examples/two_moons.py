"""Two moons: learn the score exactly, compare it with the truth, draw samples.

    python examples/two_moons.py [--quick]

The known density: two half circles with Gaussian noise of 0.1. Half a minute on two cores.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

import smgen as sm
from smgen.network import Network

Array = npt.NDArray[Any]
NOISE = 0.1


def arcs(angles: Array) -> tuple[Array, Array]:
    """The points of both half circles."""
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return upper, np.array([1.0, 0.5]) - upper


def moons(count: int, seed: int) -> Array:
    """Samples of the density, (count, 2)."""
    rng = np.random.default_rng(seed)
    upper, lower = arcs(np.pi * rng.random(count))
    return np.where(rng.random((count, 1)) < 0.5, upper, lower) + NOISE * rng.standard_normal((count, 2))


def true_score(x: Array) -> Array:
    """∂ log p/∂x: p is the mean over the arcs of normal densities."""
    centres = np.concatenate(arcs(np.pi * (np.arange(1000) + 0.5) / 1000))
    apart = x[:, None] - centres
    log_weights = -(apart**2).sum(axis=2) / (2 * NOISE**2)
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(-(weights[..., None] * apart).sum(axis=1) / NOISE**2)


def main() -> None:
    """Learn, measure, sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples and steps, to see that it runs")
    quick = parser.parse_args().quick

    h = sm.softplus(sm.linear(sm.input(2), 128))
    h = sm.softplus(sm.linear(h, 128))
    network = Network(energy=sm.linear(h, 1))

    data = moons(5_000 if quick else 200_000, seed=0)
    # The network is deep, so that the diagonal recursion would be wrong: δ′ is computed exactly.
    model = sm.fit(network, data, hessian="exact", steps=200 if quick else 20_000, console=Console())

    # Tempering changes between the moons.
    few = {"warmup": 50, "chains": 8} if quick else {}
    samples = sm.sample(model, 100 if quick else 1000, method="tempering", **few)
    fresh = moons(1000, seed=1)
    for what, value, note in sm.evaluate(model, fresh, true_score=true_score, samples=samples.values).rows():
        print(f"{what:35} {value:20} {note}")


if __name__ == "__main__":
    main()
