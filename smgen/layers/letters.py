"""The names of values and parameters: ASCII in code, Unicode letters in equations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import sympy as sp

from smgen.calculus.primitives import MARKS
from smgen.ir import Buffer, Layout, Letter, Name

WORDS: Final = frozenset({
    "above", "adjoint", "arg", "at", "bent", "by", "column", "copy", "curvature", "db", "ddelta", "dE", "delta", "dg",
    "diagonal", "dJ", "dK", "dL", "ds", "dS", "dT", "dtheta", "dW", "energy", "factor", "forms", "given", "gram",
    "hessian", "identity", "inside", "its", "lam", "laplacian", "mean", "minus", "noise", "of", "ones", "pairs",
    "part", "parts", "prime", "probed", "probes", "product", "products", "quadratic", "row", "rows", "score",
    "second", "sigma", "square", "squared", "squares", "sum", "tangent", "tangents", "term", "terms", "third",
    "total", "transposed", "unbiased", "weighted", "weights",
})  # fmt: skip
"""The words that names of buffers consist of, together with names of layers: `W_filters_squared_rows`."""


def label(name: str) -> str:
    """A layer's name in names of buffers: `prime__x` for `prime_x`, so that its δ differs from δ′ of x."""
    parts = re.split("(?<!_)_(?!_)", name)
    return "__".join(parts) if len(parts) > 1 and WORDS & set(parts) else name


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
        return Name(f"{self.code}_{vertex}", Letter(f"{self.letter}_{vertex}", self.place, self.letter), self.code)

    def of_array(self, vertex: str, shape: tuple[int, ...]) -> Name:
        """The same with a capital letter for a matrix: G_exp_1, a function of parameters that is a layer's weights."""
        capital = self.letter[:-1] + self.letter[-1].upper()
        return (replace(self, letter=capital) if len(shape) == 2 else self).of(vertex)


G: Final = Quantity("g", "g", 7)
"""Values of vertices."""


def derivative_of(
    vertex: str, operands: Mapping[str, str], orders: Sequence[int], formula: sp.Expr | None = None
) -> Name:
    """`f_second_softplus_1`, f″(g_layer_1): the name of a derivative of a nonlinearity, at the vertex that it reads.

    `operands` are the vertices that it reads, each with the letter of its value. For a function of several operands the
    name is `f_by_a_by_b_gate`, ∂²f_gate/∂a∂b.
    """
    order = len(orders)
    if len(operands) == 1:
        code = ("f", "f_prime", "f_second", "f_third")[order]
        (argument,) = operands.values()
        text, apart = f"{MARKS[order]}({argument})", f"{MARKS[order]}_{vertex}({argument})"
        return Name(f"{code}_{vertex}", Letter(text, 20 + order, MARKS[order], formula, apart=apart), code)
    by = [list(operands)[n].replace(".", "_") for n in orders]
    power = ("", "", "²", "³")[order]
    letter = f"∂{power}f_{vertex}/" + "".join(f"∂{name}" for name in by)
    code = "f_" + "_".join(f"by_{name}" for name in by)
    return Name(f"{code}_{vertex}", Letter(letter, 20 + order, "∂f", formula), "f_by" + str(order) * (order > 1))


_ROLES: Final = {"weight": ("W", 0), "bias": ("b", 40), "gain": ("s", 0)}
"""The letters of parameters that layers own, with their places among factors and terms: W g + b."""


def fixed_buffer(key: str, shape: tuple[int, ...]) -> Buffer:
    """`pool` → constant_pool, C_pool: a fixed array."""
    letter = "C" if len(shape) == 2 else "c"
    return Buffer(
        f"constant_{label(key)}", Layout(units=shape), Letter(f"{letter}_{label(key)}", 0, letter), role="constant"
    )


def parameter_buffer(key: str, shape: tuple[int, ...]) -> Buffer:
    """`filters.weight` → W_filters; `shape`, a parameter that no layer owns → theta_shape."""
    group, _, role = key.partition(".")
    letter, place = _ROLES.get(role, ("Θ" if len(shape) == 2 else "θ", 0))
    letter = "w" if letter == "W" and len(shape) == 1 else letter  # the weight of a norm
    code = "theta" if letter in "θΘ" else letter
    text = f"{letter}_{label(group)}"
    return Buffer(f"{code}_{label(group)}", Layout(units=shape), Letter(text, place, letter), role=code)
