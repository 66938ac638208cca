"""The programs that benchmarks/objectives.py compares: smgen's modules, and what people write with autodiff."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import smgen as sm
from benchmarks.exact_programs import Programs, network_of
from benchmarks.exact_trace import energy_text, installed
from benchmarks.networks import NETWORKS
from smgen.bench.contenders import OURS
from smgen.bench.functions import JAX, JAX_WAIT
from smgen.build import Options, build_info, sources
from smgen.network import Network

DENOISING: Final = {"jax": "jax.jit value_and_grad"}
LAPLACIAN: Final = {
    "folx": "folx forward Laplacian",
    "jax": "jax.jit collapsed Taylor mode",
    "jvp": "jax.jit vmap(jvp(grad))",
}
"""The peers of both comparisons on the command line, and in what is printed and kept."""

_NOISE: Final = """

import numpy as np


def noise_of(x):
    return np.random.default_rng(2).standard_normal(x.shape).astype(x.dtype)
"""

_OUR_DENOISING: Final = """

def make(params, x, lam):
    noise = noise_of(x)
    return lambda: denoising_loss_and_grad(params, x, 0.5, noise=noise, weighting=None)


def wait(result):
    return result
"""

_JAX_DENOISING: Final = """

def loss(params, x, noise):
    slope = jax.grad(energy, argnums=1)(params, x + 0.5 * noise)
    return 0.5 * ((slope - noise / 0.5) ** 2).sum(1).mean()


def make(params, x, lam):
    params, x, noise = jax.tree.map(jnp.asarray, params), jnp.asarray(x), jnp.asarray(noise_of(x))
    compiled = jax.jit(jax.value_and_grad(loss))
    return lambda: compiled(params, x, noise)
"""

# The comparison of results takes a number and arrays by name.
_OUR_LAPLACIAN: Final = """

def make(params, x, lam):
    return lambda: score_and_laplacian(params, x)


def wait(result):
    return result[1].sum(), {"score": result[0], "laplacian": result[1]}
"""

_JAX_LAPLACIAN: Final = """

def make(params, x, lam):
    params, x = jax.tree.map(jnp.asarray, params), jnp.asarray(x)
    compiled = jax.jit(jax.vmap(of_sample, (None, 0)))
    return lambda: compiled(params, x)


def wait(result):
    score, laplacian = jax.block_until_ready(result)
    return laplacian.sum(), {"score": score, "laplacian": laplacian}
"""

_FOLX: Final = """
import folx


def of_sample(params, x):
    found = folx.forward_laplacian(lambda x: energy(params, x))(x)
    return -found.jacobian.dense_array, found.laplacian
"""

_JVP: Final = """

def of_sample(params, x):
    slope = jax.grad(energy, argnums=1)

    def curvature(direction):
        return direction @ jax.jvp(lambda x: slope(params, x), (x,), (direction,))[1]

    return -slope(params, x), jax.vmap(curvature)(jnp.eye(len(x), dtype=x.dtype)).sum()
"""

_COLLAPSED: Final = """

def of_sample(params, x):
    g, slopes, laplacian = x, jnp.eye(len(x), dtype=x.dtype), jnp.zeros_like(x)
    for k in range(1, {layers} + 1):
        weight, bias = params[f"linear_{{k}}.weight"], params[f"linear_{{k}}.bias"]
        g, slopes, laplacian = weight @ g + bias, slopes @ weight.T, weight @ laplacian
        f = jnp.tanh(g)
        first = 1 - f**2
        second = -2 * f * first
        g, slopes, laplacian = f, first * slopes, first * laplacian + second * (slopes**2).sum(0)
    return -slopes[:, 0], laplacian[0]
"""


def tanh_network(name: str) -> Network:
    """The tanh network of these widths, the input's first."""
    return network_of(name, sm.tanh)


def _ours(backend: str, network: Network, name: str, samples: int, **options: str) -> dict[str, str]:
    chosen = Options(backend=backend, batch_size=samples, **options)  # type: ignore[arg-type]
    return sources(network, build_info(network, Path(f"{name}.py"), chosen))


def denoising(name: str, samples: int, contenders: Sequence[str], dtype: str) -> Programs:
    """The denoising loss and its gradient, with the same noise."""
    network = NETWORKS[name]()
    found: Programs = {}
    for backend in (c for c in OURS if c in contenders):
        texts = _ours(
            backend, network, name, samples, dtype=dtype, objective="denoising", functions="denoising_loss_and_grad"
        )
        found[backend] = texts | {".py": texts[".py"] + _NOISE + _OUR_DENOISING}
    if "jax" in contenders:
        found[DENOISING["jax"]] = {".py": JAX + energy_text(network) + _NOISE + _JAX_DENOISING + JAX_WAIT}
    return found


def laplacian(name: str, samples: int, contenders: Sequence[str], dtype: str) -> Programs:
    """Score and Laplacian at once."""
    network = tanh_network(name)
    found: Programs = {}
    for backend in (c for c in OURS if c in contenders):
        texts = _ours(backend, network, name, samples, dtype=dtype, hessian="exact", functions="score_and_laplacian")
        found[backend] = texts | {".py": texts[".py"] + _OUR_LAPLACIAN}
    energy, layers = JAX + energy_text(network), len(name.split("-")) - 1
    theirs = {
        "folx": energy + _FOLX + _JAX_LAPLACIAN,
        "jax": energy + _COLLAPSED.format(layers=layers) + _JAX_LAPLACIAN,
        "jvp": energy + _JVP + _JAX_LAPLACIAN,
    }
    return found | {LAPLACIAN[c]: {".py": theirs[c]} for c in contenders if c in theirs}


def there(contenders: Sequence[str]) -> list[str]:
    """Those whose library is there; the others are named."""
    kept = installed({"folx": "", "jax": ""})
    return [c for c in contenders if c in OURS or ("folx" if c == "folx" else "jax") in kept]
