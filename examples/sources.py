"""Independent components: sources found again from their mixtures, complete and overcomplete.

    pip install '.[sklearn]' && python examples/sources.py [--quick]

With as many mixtures as sources, FastICA does it too. With fewer mixtures than sources no unmixing matrix exists; the
atoms of the dictionary can be learned all the same.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.decomposition import FastICA

import smgen as sm


def main() -> None:
    """Mix, and find the sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it runs")
    quick = parser.parse_args().quick
    rng = np.random.default_rng(0)
    count = 2_000 if quick else 20_000

    sources = np.concatenate([rng.laplace(size=(count, 3)), rng.uniform(-1, 1, (count, 3))], axis=1)
    mixed = sources @ rng.standard_normal((6, 6))
    for name, model in (("smgen.ICA", sm.ICA()), ("FastICA", FastICA(whiten="unit-variance", random_state=0))):
        found = model.fit_transform(mixed)
        correlation = np.abs(np.corrcoef(sources.T, found.T)[:6, 6:]).max(axis=1)
        print(f"{name}: correlation of each source with the nearest component {np.round(correlation, 3).tolist()}")

    atoms = rng.standard_normal((10, 5))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    overcomplete = sm.ICA(10, max_iter=200 if quick else None).fit(rng.laplace(size=(5 * count, 10)) @ atoms)
    learned = overcomplete.mixing_.T / np.linalg.norm(overcomplete.mixing_.T, axis=1, keepdims=True)
    print(f"ten atoms from five mixtures: |cosine| {np.round(np.abs(atoms @ learned.T).max(axis=1), 2).tolist()}")


if __name__ == "__main__":
    main()
