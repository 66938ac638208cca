"""Nonlinearities as text for JAX, PyTorch and NumPy, as one writes them by hand: what f, f′, … share is named once.

How a library spells a function is said by the function, in `smgen.functions`.
"""

from __future__ import annotations

from typing import Any, Final

import sympy as sp
from sympy.printing.str import StrPrinter

from smgen.calculus.derivatives import Nonlinearity
from smgen.functions import definite, facts_of, is_definite, known
from smgen.network import Network

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


class _Printer(StrPrinter):
    """Python text; numbers that are no integers become literals, which leave an array's dtype as it is."""

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if isinstance(expr, sp.Expr) and not expr.free_symbols and not expr.is_Integer:
            value = repr(float(expr))
            return f"({value})" if value.startswith("-") else value
        return str(super()._print(expr, **kwargs))


_MODULES: Final = {"numpy": "np", "jax": "jnp", "torch": "torch"}


def _definition(function: type[sp.Function], library: str) -> str:
    """`def softplus(u)`: the library's own function, or the formula that people write for it."""
    facts = facts_of(function)
    assert facts is not None
    machine, spelled = facts.machine, getattr(facts, "spelled", {})
    arguments = machine.arguments if machine is not None else "ucbd"[: next(iter(function.nargs))]
    names = ", ".join(arguments)
    lines = []
    if library in spelled:
        body = spelled[library]
    elif machine is None:
        body = _Printer().doprint(function(*(sp.Symbol(a, real=True) for a in arguments)).plain())
    elif library == "numpy":
        lines += [f"from scipy import {machine.call.partition('.')[0]}"] if machine.scipy else []
        body = f"{machine.call.format(names)})"
    else:
        body = f"{_MODULES[library]}.{machine.name}({names})"
    return "\n    ".join([f"\n\ndef {function.__name__}({names}):", *lines, f"return {body}"]) + "\n"


def _prelude(library: str, imports: str) -> str:
    """The imports, and every function that may stand in an expression but for those of any number of arguments."""
    functions = sorted((f for f in known() if is_definite(f)), key=lambda f: f.__name__)
    root = f"\n\ndef sqrt(u):\n    return {_MODULES[library]}.sqrt(u)\n"
    return imports + root + "".join(_definition(f, library) for f in functions)


NUMPY: Final = _prelude("numpy", "import numpy as np\n")
TORCH: Final = _prelude("torch", "import torch\n")
JAX: Final = _prelude(
    "jax",
    'import jax\nimport jax.numpy as jnp\nimport jax.scipy.special\n\njax.config.update("jax_enable_x64", True)\n',
)


def nonlinearities(network: Network, orders: int) -> str:
    """`f_name(g)` of every function of one unit: f, or the tuple of f and its first `orders` derivatives.

    Of a function of parameters it is f: no derivative by x goes through it.
    """
    return "".join(
        nonlinearity(name, f, orders if network[name].inputs else 0) for name, f in network.nonlinear.items()
    )


def nonlinearity(name: str, f: Nonlinearity, orders: int) -> str:
    """`f_name(g)` of one vertex."""
    derivatives = [definite(derivative) for derivative in f.derivatives[: orders + 1]]
    shared, reduced = sp.cse(derivatives, symbols=sp.numbered_symbols("t"), list=True)
    text = _Printer().doprint
    lines = [f"{part} = {text(expr)}" for part, expr in shared]
    # A constant has a value for every sample all the same.
    results = [text(expr) if expr.free_symbols else f"{text(expr)} + 0 * g" for expr in reduced]
    body = "\n    ".join([*lines, f"return {', '.join(results)}"])
    return f"\n\ndef f_{name}(g):\n    {body}\n"
