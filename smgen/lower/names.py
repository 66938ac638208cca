"""What the sweeps compute, by name and letter, and the numbers of the equations that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from smgen.ir import LAMBDA, SAMPLES, Buffer, Layout, Letter, Name
from smgen.layers.letters import G, Quantity, parameter_buffer
from smgen.layers.protocol import Equations
from smgen.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjoint:
    """Which term of the loss the adjoint sweeps differentiate, with the numbers of the equations that do.

    `forward` of μ, `curvature` of ν and `backward` of γ are by the kind of layer that they pass.
    """

    of: str
    start: str
    start_curvature: str
    forward: Mapping[Equations, str]
    curvature: Mapping[Equations, str]
    backward: Mapping[Equations, str]
    weights: str


K: Final = Adjoint(
    of="K",
    start="(3)",
    start_curvature="",
    forward={"linear": "(11)", "pointwise": "(18)", "general": "(4)"},
    curvature={"linear": "", "pointwise": "", "general": ""},
    backward={"linear": "(14)", "pointwise": "(21)", "general": "(9)"},
    weights="(16)",
)
L: Final = Adjoint(
    of="L",
    start="(5)",
    start_curvature="(7)",
    forward={"linear": "(12)", "pointwise": "(19)", "general": "(6)"},
    curvature={"linear": "(13)", "pointwise": "(20)", "general": "(8)"},
    backward={"linear": "(15)", "pointwise": "(22)", "general": "(10)"},
    weights="(17)",
)


def _both(first: Mapping[Equations, str], second: Mapping[Equations, str]) -> Mapping[Equations, str]:
    return {kind: "+".join(filter(None, (number, second[kind]))) for kind, number in first.items()}


J: Final = Adjoint(
    of="J",
    start="(3)+(5)",
    start_curvature="(7)",
    forward=_both(K.forward, L.forward),
    curvature=L.curvature,
    backward=_both(K.backward, L.backward),
    weights="(16)+(17)",
)
"""Both at once: every sweep is linear in the adjoints ([+] 1)."""


def adjoint_of(letter: str, *, slopes: bool, bends: bool) -> Adjoint:
    """The sweeps of a term that depends on δ (`slopes`) as K does, on δ′ (`bends`) as L does, or on both."""
    return replace(J if slopes and bends else L if bends else K, of=letter)


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


def gradient_of(of: str, parameter: Buffer) -> Name:
    """`dJ_dW_filters`, ∂J/∂W_filters."""
    assert parameter.letter is not None
    letter = Letter(f"∂{of}/∂{parameter.letter.text}", family=f"∂{of}/∂{parameter.letter.family}")
    return Name(f"d{of}_d{parameter.name}", letter, f"d{of}_d{parameter.role}")


def input_buffers(network: Network) -> tuple[Buffer, ...]:
    """x, λ, N and the parameters: what every schedule may read."""
    x = G.of(network.input.name)
    data = Buffer(x.code, Layout(batch=True, units=network.input.shape), x.letter, role=x.role)
    return (data, LAMBDA, SAMPLES, *(parameter_buffer(k, s) for k, s in network.parameters.items()))
