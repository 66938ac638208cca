"""The programs that benchmarks/exact.py compares: smgen's modules by hessian mode, and autodiff's of the same loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import smgen as sm
from benchmarks.exact_trace import installed, programs
from benchmarks.networks import mlp
from smgen.bench.contenders import OURS
from smgen.build import Options, build_info, sources
from smgen.layers.nodes import Node
from smgen.network import Network

Programs: TypeAlias = dict[str, Mapping[str, str]]
"""By the names of the contenders, the texts of each by the extensions of its files."""

SAMPLES: Final = {
    "16-128-128-1": 1024,
    "64-256-256-1": 1024,
    "784-512-512-256-1": 128,
    "64-1024-1024-1": 128,
    "2-128-128-1": 1024,
}
"""The networks that are measured, and N."""

THEIRS: Final = {
    "jax": "jax.jit vmap(jvp(grad))",
    "folx": "folx forward Laplacian",
    "torch": "PyTorch double backward",
}
"""The peers on the command line, and in what is printed and kept."""

DTYPE: Final = "float32"
DIAGONAL: Final = "diagonal"

_SIGNS: Final = """
import numpy as np


def signs(x):
    return np.where(np.random.default_rng(0).random((len(x), {probes}, x.shape[1])) < 0.5, -1, 1).astype(x.dtype)
"""

# The first step is compared with the others', on the same probes; those that are timed draw their own.
_OURS_STEP: Final = """

def make(params, x, lam):
    rng, given = np.random.default_rng(0), [signs(x)]

    def step():
        how = {"probes": given.pop()} if given else {"rng": rng}
        return loss_and_grad(params, x, lam, **how)

    return step


def wait(result):
    return result
"""

_JAX_STEP: Final = """

def of_sample(params, sample, lam):
    x, probes = sample
    slope = jax.grad(energy, argnums=1)

    def curvature(v):
        return v @ jax.jvp(lambda x: slope(params, x), (x,), (v,))[1]

    return 0.5 * (slope(params, x) ** 2).sum() - jax.vmap(curvature)(probes).mean()


def make(params, x, lam):
    params, sample = jax.tree.map(jnp.asarray, params), (jnp.asarray(x), jnp.asarray(signs(x)))
    compiled = jax.jit(jax.value_and_grad(lambda params, sample: loss(params, sample, lam)))
    return lambda: compiled(params, sample)
"""


def network_of(name: str, nonlinearity: Callable[[Node], Node] = sm.softplus) -> Network:
    """The network of these widths, the input's first. Raises `ValueError` for what is no such name."""
    units, *widths = (int(width) for width in name.split("-"))
    if not widths:
        raise ValueError(f"{name} has no layer")
    return mlp(units, tuple(widths), nonlinearity)


def ours(backend: str, name: str, samples: int, hessian: str, **more: Any) -> dict[str, str]:
    """The texts of smgen's module in a hessian mode."""
    network = network_of(name)
    options = Options(backend=backend, dtype=DTYPE, hessian=hessian, batch_size=samples, **more)
    return sources(network, build_info(network, Path(f"{name}.py"), options))


def exact(name: str, samples: int, contenders: Sequence[str]) -> Programs:
    """The exact loss at λ = 0 by each contender."""
    found: Programs = {c: ours(c, name, samples, "exact") for c in contenders if c in OURS}
    theirs = programs(network_of(name), 0.0)
    return found | {THEIRS[c]: {".py": theirs[THEIRS[c]]} for c in contenders if c in THEIRS}


def hutchinson(name: str, samples: int, lam: float, probes: int, contenders: Sequence[str]) -> Programs:
    """The stochastic loss on the same probes by smgen's backends, the C module first, and at λ = 0 by JAX."""
    signs = _SIGNS.format(probes=probes)
    found: Programs = {}
    for backend in (c for c in ("c", "numpy") if c in contenders):
        texts = ours(backend, name, samples, "hutchinson", probes=probes)
        found[called(backend, probes)] = texts | {".py": texts[".py"] + signs + _OURS_STEP}
    if lam == 0 and "jax" in contenders:
        jax = programs(network_of(name), lam)[THEIRS["jax"]]
        found[called("jax", probes)] = {".py": jax + signs + _JAX_STEP}
    return found


def called(contender: str, probes: int) -> str:
    """The name of a contender of the stochastic loss."""
    return f"{contender} hutchinson {probes}"


def probes_of(name: str) -> int:
    """How many probes a contender of that name takes."""
    return int(name.split()[-1])


def peers(contenders: Sequence[str]) -> list[str]:
    """Those of the peers whose library is there; the others are named."""
    kept = installed({THEIRS[c]: "" for c in contenders if c in THEIRS})
    return [c for c in contenders if THEIRS.get(c) in kept]
