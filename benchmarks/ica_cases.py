"""What benchmarks/ica.py measures: sources, mixtures, contenders, and how near an answer is to the truth."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

Rng = np.random.Generator


def _mixed(rng: Rng, shape: tuple[int, int]) -> Array:
    sources = rng.laplace(size=shape)
    sources[:, ::2] = rng.uniform(size=sources[:, ::2].shape)
    return sources


SOURCES: Final[dict[str, Callable[[Rng, tuple[int, int]], Array]]] = {
    "laplace": lambda rng, shape: rng.laplace(size=shape),
    "logistic": lambda rng, shape: rng.logistic(size=shape),
    "student": lambda rng, shape: rng.standard_t(5, size=shape),
    "uniform": lambda rng, shape: rng.uniform(size=shape),
    "mixed": _mixed,
    "gamma": lambda rng, shape: rng.gamma(3.0, size=shape),
    "sparse": lambda rng, shape: rng.laplace(size=shape) * (rng.random(shape) < 0.2),
}
"""Independent samples (N, D) by name: peaked, flat, every second one flat, skewed, and a fifth of them not 0."""

NOISE: Final = 0.01
"""The deviation of the noise on overcomplete mixtures, whose atoms have length 1."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Samples x = A s, (N, D), and the mixing matrix A, (D, M)."""

    x: Array
    mixing: Array


def mixture(sources: str, dimensions: int, components: int, samples: int, seed: int) -> Mixture:
    """Sources mixed by Gaussian numbers; overcomplete, by atoms of length 1, with some noise."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((dimensions, components))
    s = SOURCES[sources](rng, (samples, components))
    if components == dimensions:
        return Mixture(s @ mixing.T, mixing)
    mixing /= np.linalg.norm(mixing, axis=0)
    return Mixture(s @ mixing.T + NOISE * rng.standard_normal((samples, dimensions)), mixing)


def amari(product: Array) -> float:
    """How far W A (D, D) is from a scaled permutation, from 0 to 1, whatever the scales of rows and columns.

    (Σ_i (Σ_j |p_ij| / max_j |p_ij| − 1) + Σ_j (Σ_i |p_ij| / max_i |p_ij| − 1)) / 2 D (D − 1), Amari et al. 1996.
    """
    p, size = np.abs(product), len(product)
    rows = (p / p.max(axis=1, keepdims=True)).sum() - size
    columns = (p / p.max(axis=0, keepdims=True)).sum() - size
    return float((rows + columns) / (2 * size * (size - 1)))


def cosine(estimated: Array, true: Array) -> float:
    """The mean over true atoms, columns (D, M), of the best |cosine| with an estimated one."""
    estimated, true = (a / np.linalg.norm(a, axis=0) for a in (estimated, true))
    return float(np.abs(estimated.T @ true).max(axis=0).mean())


def _smgen(x: Array, seed: int) -> Array:
    from smgen.estimators import ICA

    return np.asarray(ICA(random_state=seed).fit(x).components_)


def _picard(x: Array, seed: int) -> Array:
    from picard import picard

    whitening, rotation, _ = picard(x.T, random_state=seed)
    return np.asarray(rotation @ whitening)


def _fastica(x: Array, seed: int) -> Array:
    from sklearn.decomposition import FastICA

    return np.asarray(FastICA(whiten="unit-variance", max_iter=1000, random_state=seed).fit(x).components_)


CONTENDERS: Final[dict[str, tuple[str, Callable[[Array, int], Array]]]] = {
    "smgen": ("sklearn", _smgen),
    "picard": ("picard", _picard),
    "FastICA": ("sklearn", _fastica),
}
"""By name: the package that is needed, and the unmixing matrix (D, D) of samples (N, D), each with its own defaults."""


def there(names: list[str]) -> dict[str, Callable[[Array, int], Array]]:
    """The contenders whose package is installed."""
    return {name: CONTENDERS[name][1] for name in names if find_spec(CONTENDERS[name][0])}


def unmixed(solve: Callable[[Array, int], Array], x: Array, seed: int) -> Array:
    """What a contender answers; that it has not converged, the distance will show."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*(converge|rotation still turned).*")
        return solve(x, seed)
