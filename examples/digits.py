"""Handwritten digits: an energy that tells them from the same pixels in another order.

    pip install '.[sklearn]' && python examples/digits.py [--quick]

The pixels are whole numbers from 0 to 16. Whole numbers have no density, so noise that fills their steps is added.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from sklearn.datasets import load_digits

import smgen as sm
from smgen.network import Network


def main() -> None:
    """Learn, and measure the area under the ROC curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few steps, to see that it runs")
    quick = parser.parse_args().quick

    rng = np.random.default_rng(0)
    digits = rng.permutation(load_digits().data.astype(np.float32))
    learned, new = digits[:1400], digits[1400:]

    network = Network(energy=sm.scale(sm.logcosh(sm.linear(sm.input(64), 128))))
    model = sm.fit(network, learned, levels=1.0, lam=0.01, steps=100 if quick else 2000, console=Console())

    shuffled = np.stack([row[rng.permutation(64)] for row in new])
    for what, value, note in sm.evaluate(model, new, anomalies=shuffled).rows():
        print(f"{what:35} {value:20} {note}")


if __name__ == "__main__":
    main()
