"""The same step as people write it without smgen, as the source of a program for each library.

A program has `make(params, x, lam)`, which returns a function that begins a step, and `wait(result)`, which returns
what it began once it is there: (J, gradient). `make` of JAX and PyTorch takes `device=` besides. JAX is given jax.jit
of value_and_grad of the δ/δ′ recursion, PyTorch the same loss under autograd, NumPy the equations of the paper
literally. λ is an argument of JAX's compiled step, or a constant of it if 0: as it is for smgen's modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from smgen.bench.autodiff import program
from smgen.bench.functions import JAX, JAX_WAIT, TORCH, TORCH_WAIT, nonlinearities, nonlinearity
from smgen.bench.literal import literal
from smgen.bench.recursion import loss
from smgen.hessians import Method
from smgen.network import Network, Vertex

_JAX_STEP: Final = """

def make(params, x, lam, device="cpu"):
    device = jax.devices(device)[0]
    params = {key: jax.device_put(value, device) for key, value in params.items()}
    x = jax.device_put(x, device)
    if lam:
        compiled, lam = jax.jit(jax.value_and_grad(loss)), x.dtype.type(lam)
        return lambda: compiled(params, x, lam)
    compiled = jax.jit(jax.value_and_grad(lambda params, x: loss(params, x, 0.0)))
    return lambda: compiled(params, x)
"""

_TORCH_STEP: Final = """

def make(params, x, lam, device="cpu"):
    params = {{key: torch.tensor(value, device=device, requires_grad=True) for key, value in params.items()}}
    x = torch.tensor(x, device=device)
    lam = torch.tensor(lam, device=device, dtype=x.dtype) if lam else 0.0
    function = {function}

    def step():
        J = function(params, x, lam)
        gradient = torch.autograd.grad(J, list(params.values()), allow_unused=True, materialize_grads=True)
        return J.detach(), dict(zip(params, gradient))

    return step
"""


def peer(library: str, network: Network, method: Method | None = None) -> str:
    """The program of one contender in a hessian mode. Raises `BuildError` for what it cannot express."""
    if method is None or method.hessian == "diagonal":
        return _PROGRAMS[library](network)
    return program(library, network, method)


def _jax(network: Network) -> str:
    """f′ and f″ by jax.grad of f: nobody writes them out."""
    functions = "".join(
        f"{nonlinearity(name, f, 0)}\n\nslope_{name} = jax.vmap(jax.vmap(jax.grad(f_{name})))"
        f"\nbend_{name} = jax.vmap(jax.vmap(jax.grad(jax.grad(f_{name}))))\n"
        for name, f in network.nonlinear.items()
    )

    def pointwise(v: Vertex) -> str:
        g = f"g_{v.inputs[0]}"
        return f"g_{v.name}, f1_{v.name}, f2_{v.name} = f_{v.name}({g}), slope_{v.name}({g}), bend_{v.name}({g})"

    return JAX + functions + loss(network, "jnp", "jnp.concatenate", pointwise) + _JAX_STEP + JAX_WAIT


def _torch(network: Network, function: str = "loss") -> str:
    """f, f′ and f″ as formulas: autograd's own higher derivatives of each layer cost several times as much."""
    functions = nonlinearities(network, 2)

    def pointwise(v: Vertex) -> str:
        return f"g_{v.name}, f1_{v.name}, f2_{v.name} = f_{v.name}(g_{v.inputs[0]})"

    step = _TORCH_STEP.format(function=function)
    return TORCH + functions + loss(network, "torch", "torch.cat", pointwise) + step + TORCH_WAIT


_PROGRAMS: Final[Mapping[str, Callable[[Network], str]]] = {
    "jax": _jax,
    "torch": _torch,
    "torch.compile": lambda network: _torch(network, "torch.compile(loss)"),
    "literal": literal,
}
PEERS: Final = tuple(_PROGRAMS)
