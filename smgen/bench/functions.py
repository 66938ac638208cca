"""Nonlinearities as text for JAX, PyTorch and NumPy, as one writes them by hand: what f, f′, … share is named once."""

from __future__ import annotations

from typing import Any, Final

import sympy as sp
from sympy.printing.str import StrPrinter

from smgen.derivatives import Nonlinearity
from smgen.network import Network

_ALIKE: Final = """

def ndtr(g):
    return (1 + erf(g / 2**0.5)) / 2


def gaussian(g, c):
    return exp(-c * g * g)


def logsumexp(*exponents):
    return log(1 + sum(exp(r) for r in exponents))


def softmax(*arguments):
    *exponents, k = arguments
    return exp(exponents[k - 1] if k else 0 * exponents[0]) / (1 + sum(exp(r) for r in exponents))
"""
"""What all libraries spell alike."""

JAX_WAIT: Final = """

def wait(result):
    return jax.block_until_ready(result)
"""
TORCH_WAIT: Final = """

def wait(result):
    if result[0].is_cuda:
        torch.cuda.synchronize()
    return result
"""
"""Return what a step began once it is there."""

JAX: Final = (
    """import jax
import jax.numpy as jnp
from jax.nn import relu, sigmoid, softplus
from jax.numpy import abs as absolute, arcsinh as asinh, arctan as atan, sign as signum
from jax.numpy import cos, cosh, exp, expm1, log, log1p, sin, sinh, sqrt, tan, tanh
from jax.scipy.special import erf

jax.config.update("jax_enable_x64", True)


def logcosh(g):
    return absolute(g) + log1p(exp(-2 * absolute(g))) - 0.6931471805599453


def sech(g):
    return 1 / cosh(g)


def step(g):
    return (g > 0).astype(g.dtype)


def maximum(a, b):
    return jnp.maximum(a, b)


def choose(a, b, x, y):
    return jnp.where(a < b, x, y)
"""
    + _ALIKE
)

TORCH: Final = (
    """import torch
from torch import abs as absolute, asinh, atan, cos, cosh, erf, exp, expm1, log, log1p, relu, sigmoid, sign as signum
from torch import sin, sinh, sqrt, tan, tanh
from torch.nn.functional import softplus


def logcosh(g):
    return absolute(g) + log1p(exp(-2 * absolute(g))) - 0.6931471805599453


def sech(g):
    return 1 / cosh(g)


def step(g):
    return (g > 0).to(g.dtype)


def maximum(a, b):
    return torch.maximum(torch.as_tensor(a), torch.as_tensor(b))


def choose(a, b, x, y):
    return torch.where(torch.as_tensor(a < b), x, y)
"""
    + _ALIKE
)

NUMPY: Final = (
    """import numpy as np
from numpy import absolute, arcsinh as asinh, arctan as atan, sign as signum
from numpy import cos, cosh, exp, expm1, log, log1p, sin, sinh, sqrt, tan, tanh


def logcosh(g):
    return absolute(g) + log1p(exp(-2 * absolute(g))) - 0.6931471805599453


def softplus(g):
    return relu(g) + log1p(exp(-absolute(g)))


def sigmoid(g):
    return (1 + tanh(g / 2)) / 2


def sech(g):
    return 1 / cosh(g)


def relu(g):
    return np.maximum(g, 0)


def step(g):
    return (g > 0).astype(g.dtype)


def erf(g):
    from scipy.special import erf

    return erf(g)


def maximum(a, b):
    return np.maximum(a, b)


def choose(a, b, x, y):
    return np.where(a < b, x, y)
"""
    + _ALIKE
)


class _Printer(StrPrinter):
    """Python text; numbers that are no integers become literals, which leave an array's dtype as it is."""

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if isinstance(expr, sp.Expr) and not expr.free_symbols and not expr.is_Integer:
            value = repr(float(expr))
            return f"({value})" if value.startswith("-") else value
        return str(super()._print(expr, **kwargs))


def nonlinearities(network: Network, orders: int) -> str:
    """`f_name(g)` of every function of one unit: f, or the tuple of f and its first `orders` derivatives."""
    return "".join(nonlinearity(name, f, orders) for name, f in network.nonlinear.items())


def nonlinearity(name: str, f: Nonlinearity, orders: int) -> str:
    """`f_name(g)` of one vertex."""
    derivatives = f.derivatives[: orders + 1]
    shared, reduced = sp.cse(derivatives, symbols=sp.numbered_symbols("t"), list=True)
    text = _Printer().doprint
    lines = [f"{part} = {text(expr)}" for part, expr in shared]
    # A constant has a value for every sample all the same.
    results = [text(expr) if expr.free_symbols else f"{text(expr)} + 0 * g" for expr in reduced]
    body = "\n    ".join([*lines, f"return {', '.join(results)}"])
    return f"\n\ndef f_{name}(g):\n    {body}\n"
