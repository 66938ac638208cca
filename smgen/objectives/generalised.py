"""Score matching for data within bounds, weighted by a function h(x) that is 0 at them.

With the Fisher divergence ½ Σ_d E h(x_d) (δ_d − δ*_d)², whose δ* is that of the data, integration by parts gives

    J = mean Σ_d h(x_d) (½ δ_d² − δ′_d) − h′(x_d) δ_d

without δ*: what it has at the bounds is 0 with h. (Hyvärinen 2007, with h = x²; Yu, Drton and Shojaie 2019. They have
s = −δ, and so + h′ s. For E = θ x on x ≥ 0 and h = x, J = ½ θ² mean x − θ, whose minimum is 1 / mean x.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Final

import sympy as sp

from smgen.calculus.primitives import choose, log1p
from smgen.constants import exact
from smgen.errors import BuildError
from smgen.objectives.protocol import DELTA, DELTA_PRIME, Objective, X, by_x

FAMILY: Final = "generalised"


@dataclass(frozen=True, slots=True)
class WeightFunction:
    """h: an expression of x and of some numbers, its text, what the numbers are, and whether they bound x."""

    make: Callable[..., sp.Expr]
    text: str
    numbers: tuple[str, ...] = ()
    is_box: bool = False


_ENDS: Final = ("the least x", "the greatest x")
WEIGHT_FUNCTIONS: Final[dict[str, WeightFunction]] = {
    "x": WeightFunction(lambda: X, "x"),
    "square": WeightFunction(lambda: X**2, "x²"),
    "log1p": WeightFunction(lambda: log1p(X), "log(1 + x)"),
    "min": WeightFunction(lambda c: choose(X, c, X, c), "min(x, {})", ("the greatest h",)),
    "box": WeightFunction(lambda a, b: (X - a) * (b - X), "(x − {}) ({} − x)", _ENDS, is_box=True),
    "tent": WeightFunction(
        lambda a, b: choose(X, (a + b) / 2, X - a, b - X), "min(x − {}, {} − x)", _ENDS, is_box=True
    ),
}
"""h by name. Without bounds of their own they are for x ≥ 0."""


def spelled(name: str) -> str:
    """How a user writes a weight function: `generalised:box:LEAST-X:GREATEST-X`."""
    words = (word.upper().removeprefix("THE ").replace(" ", "-") for word in WEIGHT_FUNCTIONS[name].numbers)
    return ":".join([FAMILY, name, *words])


def generalised(text: str) -> Objective:
    """The objective of a name such as `generalised:box:0:1`. Raises `BuildError` for another."""
    _, *parts = text.split(":")
    hint = "one of " + ", ".join(map(spelled, WEIGHT_FUNCTIONS))
    if not parts or parts[0] not in WEIGHT_FUNCTIONS:
        raise BuildError(what=f"--objective {text}: a weight function h(x) is expected after {FAMILY}:", hint=hint)
    name, *words = parts
    function = WEIGHT_FUNCTIONS[name]
    numbers = [_number(word) for word in words]
    if len(numbers) != len(function.numbers) or None in numbers:
        wanted = f"{' and '.join(function.numbers)}, as finite decimals" if function.numbers else "nothing"
        raise BuildError(what=f"--objective {text}: after {name} comes {wanted}", hint=spelled(name))
    if (function.is_box and not float(words[0]) < float(words[1])) or (name == "min" and float(words[0]) <= 0):
        wanted = "the first number is less than the second" if function.is_box else "the number is above 0"
        raise BuildError(what=f"--objective {text}: {wanted}", hint=spelled(name))
    h = function.make(*numbers)
    slope = by_x(h)
    low, high = (float(word) for word in words) if function.is_box else (0.0, None)
    return Objective(
        name=text,
        prefix=f"{FAMILY}_",
        terms=(("K", h * DELTA**2 / 2), ("L", -h * DELTA_PRIME - slope * DELTA)),
        domain=(low, high),
        texts=("½ Σ h δ²", "−Σ (h δ′ + h′ δ)"),
        where=f"h = {function.text.format(*map(_written, words))}",
    )


def _written(word: str) -> str:
    return f"({word})" if word.startswith("-") else word


def _number(word: str) -> sp.Expr | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return exact(sp.Float(value)) if isfinite(value) else None
