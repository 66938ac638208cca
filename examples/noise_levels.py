"""One network for all noise levels: the denoising loss with σ as a condition, annealed samples, denoising.

    python examples/noise_levels.py [--quick]

The data are eight Gaussians on a circle. Langevin steps at falling noise levels find all of them.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console

import smgen as sm
from smgen.network import Network


def main() -> None:
    """Learn, sample, denoise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples and steps, to see that it runs")
    quick = parser.parse_args().quick

    rng = np.random.default_rng(0)
    angles = np.pi / 4 * rng.integers(0, 8, 2_000 if quick else 50_000)
    circle = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    data = circle + 0.2 * rng.standard_normal(circle.shape)

    sigma = sm.condition(name="sigma", domain=(1e-3, None))
    h = sm.concat(sm.input(2), sm.pointwise(sigma, lambda s: s, name="level"))
    h = sm.softplus(sm.linear(h, 64))
    h = sm.softplus(sm.linear(h, 64))
    network = Network(energy=sm.linear(h, 1) / sigma)

    # whiten="scale" divides both columns by one number, so that noise of one size stays that.
    options = {"objective": "denoising", "sigma": (0.03, 2.0), "whiten": "scale"}
    model = sm.fit(network, data, steps=200 if quick else 8000, console=Console(), **options)

    samples = sm.sample(model, 800, method="annealed").values
    share = np.bincount(np.round(np.arctan2(samples[:, 1], samples[:, 0]) / (np.pi / 4)).astype(int) % 8, minlength=8)
    print(f"samples near each of the eight: {share.tolist()}")
    print(f"distance from the centre: {np.linalg.norm(samples, axis=1).mean():.2f}, of the data {4.0:.2f}")

    noisy = data[:1000] + 0.5 * rng.standard_normal((1000, 2))
    restored = sm.denoise(model, noisy, sigma=0.5)
    for name, points in (("noisy", noisy), ("restored", restored)):
        print(f"{name}: mean squared error {((points - data[:1000]) ** 2).mean():.4f}")


if __name__ == "__main__":
    main()
