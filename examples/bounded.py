"""Data that are not negative: the generalised loss, and samples that stay within the bounds.

    python examples/bounded.py [--quick]

x is Gamma distributed with shape 3: log p = 2 log x − x + const, so that the score is known.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console

import smgen as sm
from smgen.network import Network


def main() -> None:
    """Learn, compare with the truth, sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples and steps, to see that it runs")
    quick = parser.parse_args().quick

    data = np.random.default_rng(0).gamma(3.0, size=(2_000 if quick else 50_000, 1))
    network = Network(energy=sm.linear(sm.softplus(sm.linear(sm.softplus(sm.linear(sm.input(1), 32)), 32)), 1))
    options = {"objective": "generalised:x", "hessian": "exact"}
    model = sm.fit(network, data, steps=100 if quick else 4000, console=Console(), **options)

    x = np.array([[0.5], [1.0], [2.0], [4.0], [6.0]])
    print("score, learned:", np.round(model.score(x)[:, 0], 2))
    print("score, true:   ", np.round(2 / x[:, 0] - 1, 2))
    samples = sm.sample(model, 1000, bounds=(0, None), data=data).values
    print(
        f"samples: least {samples.min():.3f}, mean {samples.mean():.2f} (3), spread {samples.std():.2f} ({3**0.5:.2f})"
    )


if __name__ == "__main__":
    main()
