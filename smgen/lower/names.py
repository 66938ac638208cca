"""How buffers are called, in one place: code names in ASCII, letters of mathematics in Unicode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final

import sympy as sp

from smgen.ir import BATCH, LAMBDA, SAMPLES, Buffer, Letter
from smgen.lower.labels import label
from smgen.network import Network
from smgen.primitives import MARKS


@dataclass(frozen=True, slots=True, kw_only=True)
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


K: Final = Adjoint(
    of="K",
    start="(3)",
    start_curvature="",
    linear_forward="(11)",
    linear_curvature="",
    pointwise_forward="(18)",
    pointwise_curvature="",
    linear_backward="(14)",
    pointwise_backward="(21)",
    weights="(16)",
    general_forward="(4)",
    general_backward="(9)",
)
L: Final = Adjoint(
    of="L",
    start="(5)",
    start_curvature="(7)",
    linear_forward="(12)",
    linear_curvature="(13)",
    pointwise_forward="(19)",
    pointwise_curvature="(20)",
    linear_backward="(15)",
    pointwise_backward="(22)",
    weights="(17)",
    general_forward="(6)",
    general_backward="(10)",
)


def _sum(first: Adjoint, second: Adjoint, of: str) -> Adjoint:
    """Both at once: its equations are the sums of the two terms' equations."""
    numbers = {
        field.name: "+".join(filter(None, (getattr(first, field.name), getattr(second, field.name))))
        for field in fields(Adjoint)
    }
    return Adjoint(**numbers | {"of": of})


J: Final = _sum(K, L, "J")
ADJOINTS: Final[Mapping[str, Adjoint]] = {adjoint.of: adjoint for adjoint in (K, L, J)}


@dataclass(frozen=True, slots=True)
class Name:
    """A buffer's name in code, and its letter if mathematics has one for it."""

    code: str
    letter: Letter | None = None

    def part(self, suffix: str) -> Name:
        """The name of something that this is made of, without a letter."""
        return Name(f"{self.code}_{suffix}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A family of buffers, one for each vertex: δ, δ′, ∂J/∂δ, …

    `place` orders the factors of a product: γ f′, μ δ f″, ν δ′ f′ f″.
    """

    code: str
    letter: str
    place: int

    def of(self, vertex: str) -> Name:
        """`delta_filters`, δ_filters."""
        return Name(f"{self.code}_{vertex}", Letter(f"{self.letter}_{vertex}", self.place, self.letter))


G: Final = Quantity("g", "g", 7)
DELTA: Final = Quantity("delta", "δ", 5)
DELTA_PRIME: Final = Quantity("delta_prime", "δ′", 6)
TANGENT: Final = Quantity("tangent", "ġ", 10)
DELTA_TANGENT: Final = Quantity("delta_tangent", "δ̇", 8)
WEIGHTED: Final = Quantity("weighted_tangent", "ĝ", 9)
DELTA_WEIGHTED: Final = Quantity("delta_weighted_tangent", "δ̂", 8)


def d_dg(of: str) -> Quantity:
    """∂K/∂g and its like: γ."""
    return Quantity(f"d{of}_dg", f"∂{of}/∂g", 2)


def d_ddelta(of: str) -> Quantity:
    """∂K/∂δ and its like: μ."""
    return Quantity(f"d{of}_ddelta", f"∂{of}/∂δ", 3)


def d_ddelta_prime(of: str) -> Quantity:
    """∂L/∂δ′: ν."""
    return Quantity(f"d{of}_ddelta_prime", f"∂{of}/∂δ′", 4)


def derivative_of(vertex: str, argument: str, order: int, formula: sp.Expr | None = None) -> Name:
    """`f_second_softplus_1`, f″(g_layer_1): a derivative of a nonlinearity, at the vertex that it reads."""
    code = ("f", "f_prime", "f_second", "f_third")[order]
    return Name(f"{code}_{vertex}", Letter(f"{MARKS[order]}(g_{argument})", 20 + order, MARKS[order], formula))


_LETTERS: Final = {"weight": ("W", 0), "bias": ("b", 40), "gain": ("s", 0)}
"""Of parameters, with their places: W g + b."""


def parameter_buffer(key: str, shape: tuple[int, ...]) -> Buffer:
    """`filters.weight` → W_filters."""
    group, kind = key.rsplit(".", 1)
    letter, place = _LETTERS[kind]
    name = f"{letter}_{label(group)}"
    return Buffer(name, shape, Letter(name, place, letter))


def gradient_of(of: str, parameter: Buffer) -> Name:
    """`dJ_dW_filters`, ∂J/∂W_filters."""
    assert parameter.letter is not None
    letter = Letter(f"∂{of}/∂{parameter.name}", family=f"∂{of}/∂{parameter.letter.family}")
    return Name(f"d{of}_d{parameter.name}", letter)


def input_buffers(network: Network) -> tuple[Buffer, ...]:
    """x, λ, N and the parameters: what every schedule may read."""
    x = G.of(network.input.name)
    data = Buffer(x.code, (BATCH, network.input.units), x.letter)
    return (data, LAMBDA, SAMPLES, *(parameter_buffer(k, s) for k, s in network.parameters.items()))


Contribution = Callable[[Name, str], sp.Expr]
"""A term of a sum: a function of the name and the equation's number that its buffer would get."""
