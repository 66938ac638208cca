"""How buffers are called and what their equations say, in one place: code names in ASCII, mathematics in Unicode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sympy as sp

from smgen.ir import BATCH, LAMBDA, SAMPLES, Buffer
from smgen.lower.labels import label
from smgen.network import Network

DERIVATIVE_NAMES: Final = ("f", "f_prime", "f_second", "f_third")


@dataclass(frozen=True, slots=True)
class Adjoint:
    """Which term of the loss the adjoint sweeps differentiate, with the numbers of the equations that do."""

    of: str
    start: str
    start_curvature: str
    linear_forward: str
    linear_curvature: str
    pointwise_forward: str
    pointwise_curvature: str
    linear_backward: str
    pointwise_backward: str
    weights: str
    general_forward: str
    general_backward: str


K: Final = Adjoint("K", "(3)", "", "(11)", "", "(18)", "", "(14)", "(21)", "(16)", "(4)", "(9)")
L: Final = Adjoint("L", "(5)", "(7)", "(12)", "(13)", "(19)", "(20)", "(15)", "(22)", "(17)", "(6)", "(10)")
J: Final = Adjoint(
    "J",
    "(3)+(5)",
    "(7)",
    "(11)+(12)",
    "(13)",
    "(18)+(19)",
    "(20)",
    "(14)+(15)",
    "(21)+(22)",
    "(16)+(17)",
    "(4)+(6)",
    "(9)+(10)",
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A family of buffers, one for each vertex: δ, δ′, ∂J/∂δ, …"""

    code: str
    math: str

    def name(self, vertex: str) -> str:
        """`delta_filters`."""
        return f"{self.code}_{vertex}"

    def text(self, vertex: str, value: sp.Expr | None = None) -> str:
        """`δ_filters`, or the number where the value is one."""
        if value is not None and not value.free_symbols:
            return f"(−{-value})" if value.is_negative else str(value)
        return f"{self.math}_{vertex}"


G: Final = Quantity("g", "g")
DELTA: Final = Quantity("delta", "δ")
DELTA_PRIME: Final = Quantity("delta_prime", "δ′")
TANGENT: Final = Quantity("tangent", "ġ")
DELTA_TANGENT: Final = Quantity("delta_tangent", "δ̇")
WEIGHTED: Final = Quantity("weighted_tangent", "ĝ")
DELTA_WEIGHTED: Final = Quantity("delta_weighted_tangent", "δ̂")


def d_ddelta(of: str) -> Quantity:
    """∂K/∂δ and its like: μ."""
    return Quantity(f"d{of}_ddelta", f"∂{of}/∂δ")


def d_ddelta_prime(of: str) -> Quantity:
    """∂L/∂δ′: ν."""
    return Quantity(f"d{of}_ddelta_prime", f"∂{of}/∂δ′")


def d_dg(of: str) -> Quantity:
    """∂K/∂g and its like: γ."""
    return Quantity(f"d{of}_dg", f"∂{of}/∂g")


def times(*factors: str) -> str:
    """A product as text, without its ones."""
    return " ".join(f for f in factors if f != "1") or "1"


_LETTERS: Final = {"weight": "W", "bias": "b", "gain": "s"}


def parameter_buffer(key: str, shape: tuple[int, ...]) -> Buffer:
    """`filters.weight` → W_filters."""
    group, kind = key.rsplit(".", 1)
    name = f"{_LETTERS[kind]}_{label(group)}"
    return Buffer(name, shape, name)


def input_buffers(network: Network) -> tuple[Buffer, ...]:
    """x, λ, N and the parameters: what every schedule may read."""
    data = Buffer(G.name(network.input.name), (BATCH, network.input.units), "x, the data")
    return (data, LAMBDA, SAMPLES, *(parameter_buffer(k, s) for k, s in network.parameters.items()))


Contribution = tuple[Callable[[str, str], sp.Expr], str]
"""A term of a sum: a function of the name and equation its buffer would get, and the term as text."""
