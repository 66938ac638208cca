"""The exact loss, and its estimate from random probes, as people write them with automatic differentiation.

JAX: δ by jax.grad of the energy of a sample, a column or a product of its Hessian by jax.jvp of that, batches by
jax.vmap. PyTorch: δ by a backward pass that keeps its graph, a column or a product of the Hessian by another one. Both
compute the same loss as smgen's modules in mode `exact`, or on the same probes in mode `hutchinson`.
"""

from __future__ import annotations

from typing import Final

from smgen.bench.functions import JAX, JAX_WAIT, TORCH, TORCH_WAIT, nonlinearities
from smgen.bench.recursion import forward
from smgen.errors import BuildError, counted
from smgen.hessians import Method
from smgen.network import Network, Vertex

PROBES: Final = """
import numpy as np


def probes_of(x):
    shape = len(x), {probes}, x.shape[1]
    rng = np.random.default_rng(0)
    return (rng.standard_normal(shape) if {gaussian} else rng.choice([-1.0, 1.0], shape)).astype(x.dtype)
"""
"""The vectors that everybody is given; they are drawn once."""

OURS: Final = """

def make(params, x, lam):
    probes = probes_of(x)
    return lambda: loss_and_grad(params, x, lam, probes=probes)


def wait(result):
    return result
"""

_JAX: Final = """

def of_sample(params, x, vectors, lam):
    slope = lambda x: jax.grad(energy, argnums=1)(params, x)
    z = jax.vmap(lambda v: v * jax.jvp(slope, (x,), (v,))[1])(vectors)
    return 0.5 * (slope(x) ** 2).sum() + {terms}


def loss(params, x, vectors, lam):
    return jax.vmap(of_sample, (None, 0, {axis}, None))(params, x, vectors, lam).mean()


def make(params, x, lam, device="cpu"):
    vectors = {vectors}
    device = jax.devices(device)[0]
    params = {{key: jax.device_put(value, device) for key, value in params.items()}}
    x, vectors = jax.device_put(x, device), jax.device_put(vectors, device)
    compiled, lam = jax.jit(jax.value_and_grad(loss)), x.dtype.type(lam)
    return lambda: compiled(params, x, vectors, lam)
"""

_TORCH: Final = """

def make(params, x, lam, device="cpu"):
    vectors = torch.tensor({vectors}, device=device)
    params = {{key: torch.tensor(value, device=device, requires_grad=True) for key, value in params.items()}}
    x = torch.tensor(x, device=device, requires_grad=True)

    def step():
        slope = torch.autograd.grad(energy(params, x), x, create_graph=True)[0]
        products = []
        for v in {each}:
            if slope.requires_grad:
                product = torch.autograd.grad((slope * v).sum(), x, create_graph=True, materialize_grads=True)[0]
            else:
                product = torch.zeros_like(x)
            products.append(v * product)
        z = torch.stack(products, 1)
        J = (0.5 * (slope ** 2).sum(1) + {terms}).mean()
        gradient = torch.autograd.grad(J, list(params.values()), allow_unused=True, materialize_grads=True)
        return J.detach(), dict(zip(params, gradient))

    return step
"""


def statement(method: Method) -> str:
    """What the peers compute, in a sentence."""
    match method.hessian:
        case "diagonal":
            return "All compute the loss of the diagonal recursion."
        case "exact":
            return (
                "All compute the exact loss; JAX by vmap(jvp(grad)) of the energy, PyTorch by double backward passes."
            )
        case _:
            probes = counted(method.probes, "probe")
            return (
                f"All compute the loss on the same {probes} a sample, drawn once; "
                "JAX by jvp(grad) of the energy, PyTorch by double backward passes."
            )


def program(library: str, network: Network, method: Method) -> str:
    """The source for `jax` or `torch`. Raises `BuildError` for what cannot differentiate twice."""
    exact = method.hessian == "exact"
    # z holds (H e_d)_d e_d of every column d, or v ∘ H v of every probe.
    one = "(lam * z.sum(0) ** 2 - z.sum(0)).sum()"
    pairs = "((z.sum(0) ** 2 - (z**2).sum(0)).sum() * lam / (count * (count - 1)) - z.sum() / count)"
    terms = one if exact else pairs.replace("count", str(method.probes))
    if method.probes == 1 and not exact:
        terms = "(-z.sum())"
    if library == "jax":
        vectors = "np.eye(x.shape[1], dtype=x.dtype)" if exact else "probes_of(x)"
        text = JAX + _probes(method) + _energy(network, "jnp.concatenate", "g_{x}[None]")
        return text + _JAX.format(terms=terms, vectors=vectors, axis="None" if exact else "0") + JAX_WAIT
    if library == "torch":
        vectors = "np.eye(x.shape[1], dtype=x.dtype)" if exact else "probes_of(x)"
        by_sample = terms.replace("sum(0)", "sum(1)").replace(".sum()", ".sum(1)") if exact else _by_sample(method)
        text = TORCH + _probes(method) + _energy(network, "torch.cat", "g_{x}")
        each = "vectors" if exact else "vectors.unbind(1)"
        return text + _TORCH.format(terms=by_sample, vectors=vectors, each=each) + TORCH_WAIT
    if library == "literal":
        raise BuildError(what="the literal NumPy program is of the diagonal recursion", hint="--hessian diagonal")
    raise BuildError(what=f"{library} does not differentiate a gradient", hint="take torch")


def _by_sample(method: Method) -> str:
    count = method.probes
    if count == 1:
        return "(-z.sum((1, 2)))"
    pairs = "(z.sum(1) ** 2 - (z**2).sum(1)).sum(1)"
    return f"({pairs} * lam / {count * (count - 1)} - z.sum((1, 2)) / {count})"


def _probes(method: Method) -> str:
    gaussian = method.distribution == "gaussian"
    return PROBES.format(probes=method.probes, gaussian=gaussian)


def ours(method: Method) -> str:
    """What smgen's module with probes is given, to end its source."""
    return _probes(method) + OURS


def _energy(network: Network, concatenate: str, start: str) -> str:
    """`energy(params, x)`: the sum over the samples, of which `start` makes a batch."""
    x = network.input.name

    def pointwise(v: Vertex) -> str:
        return f"g_{v.name} = f_{v.name}(g_{v.inputs[0]})"

    functions = nonlinearities(network, 0)
    total = " + ".join(f"{count} * g_{name}.sum()" for name, count in network.energies)
    lines = [f"g_{x} = {start.format(x=x)}", *forward(network, concatenate, pointwise), f"return {total}"]
    body = "\n    ".join(lines)
    return f"{functions}\n\ndef energy(params, g_{x}):\n    {body}\n"
