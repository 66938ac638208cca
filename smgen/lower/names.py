"""The names and letters of the values that the sweeps compute, and the numbers of their equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from smgen.ir import LAMBDA, SAMPLES, Buffer, Layout, Letter, Name
from smgen.layers.letters import G, Quantity, fixed_buffer, parameter_buffer
from smgen.layers.protocol import Equations
from smgen.network import Network
from smgen.objectives import Given


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerm:
    """The term of the loss that the adjoint sweeps differentiate, with the numbers of their equations.

    `mu_start` and `nu_start` are the numbers at the input, `mu`, `nu` and `gamma` those at a layer, by its kind.
    """

    letter: str
    mu_start: str
    nu_start: str
    mu: Mapping[Equations, str]
    nu: Mapping[Equations, str]
    gamma: Mapping[Equations, str]
    weights: str


K: Final = LossTerm(
    letter="K",
    mu_start="(3)",
    nu_start="",
    mu={"linear": "(11)", "pointwise": "(18)", "general": "(4)"},
    nu={"linear": "", "pointwise": "", "general": ""},
    gamma={"linear": "(14)", "pointwise": "(21)", "general": "(9)"},
    weights="(16)",
)
L: Final = LossTerm(
    letter="L",
    mu_start="(5)",
    nu_start="(7)",
    mu={"linear": "(12)", "pointwise": "(19)", "general": "(6)"},
    nu={"linear": "(13)", "pointwise": "(20)", "general": "(8)"},
    gamma={"linear": "(15)", "pointwise": "(22)", "general": "(10)"},
    weights="(17)",
)


def _both(first: Mapping[Equations, str], second: Mapping[Equations, str]) -> Mapping[Equations, str]:
    return {kind: "+".join(filter(None, (number, second[kind]))) for kind, number in first.items()}


J: Final = LossTerm(
    letter="J",
    mu_start="(3)+(5)",
    nu_start="(7)",
    mu=_both(K.mu, L.mu),
    nu=L.nu,
    gamma=_both(K.gamma, L.gamma),
    weights="(16)+(17)",
)
"""K and L in one sweep: every sweep is linear in the adjoints ([+] 1)."""


def loss_term_of(letter: str, *, has_delta: bool, has_delta_prime: bool) -> LossTerm:
    """A term of this letter with the equations of K if it depends on δ, of L if on δ′, and of both if on both."""
    return replace(J if has_delta and has_delta_prime else L if has_delta_prime else K, letter=letter)


DELTA: Final = Quantity("delta", "δ", 5)
DELTA_PRIME: Final = Quantity("delta_prime", "δ′", 6)
TANGENT: Final = Quantity("tangent", "ġ", 10)
DELTA_TANGENT: Final = Quantity("delta_tangent", "δ̇", 8)
WEIGHTED: Final = Quantity("weighted_tangent", "ĝ", 9)
DELTA_WEIGHTED: Final = Quantity("delta_weighted_tangent", "δ̂", 8)


def d_dg(letter: str) -> Quantity:
    """γ = ∂K/∂g, ∂L/∂g or ∂J/∂g."""
    return Quantity(f"d{letter}_dg", f"∂{letter}/∂g", 2)


def d_ddelta(letter: str) -> Quantity:
    """μ = ∂K/∂δ, ∂L/∂δ or ∂J/∂δ."""
    return Quantity(f"d{letter}_ddelta", f"∂{letter}/∂δ", 3)


def d_ddelta_prime(letter: str) -> Quantity:
    """ν = ∂L/∂δ′ or ∂J/∂δ′."""
    return Quantity(f"d{letter}_ddelta_prime", f"∂{letter}/∂δ′", 4)


def gradient_of(letter: str, parameter: Buffer) -> Name:
    """`dJ_dW_filters`, ∂J/∂W_filters."""
    assert parameter.letter is not None
    text, family = f"∂{letter}/∂{parameter.letter.text}", f"∂{letter}/∂{parameter.letter.family}"
    return Name(f"d{letter}_d{parameter.name}", Letter(text, family=family), f"d{letter}_d{parameter.role}")


def input_buffers(network: Network, *, is_place: bool = True) -> tuple[Buffer, ...]:
    """The buffers that every schedule may read: x with its conditions, a row a sample, λ, N and the parameters.

    `is_place` says that derivatives are taken at x itself.
    """
    x, units = G.of(network.input.name), sum(v.units for v in network.given)
    plain = is_place and network.input.layout.places is None and len(network.given) == 1
    name = x if plain else Name(f"{x.code}_rows", Letter("x", family="x"), x.role)
    data = Buffer(name.code, Layout(batch=True, units=(units,)), name.letter, role=name.role)
    fixed = (fixed_buffer(key, array.shape) for key, array in network.fixed.items())
    return (data, LAMBDA, SAMPLES, *(parameter_buffer(k, s) for k, s in network.parameters.items()), *fixed)


def given_buffer(network: Network, given: Given) -> Buffer:
    """An array that comes with the data: a row a sample like x, or one number."""
    layout = Layout(batch=True, units=(network.input.units if given.is_like_x else 1,))
    return Buffer(given.name, layout, Letter(given.letter, 1, given.letter), role=given.name)
