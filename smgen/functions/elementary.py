"""sympy's own functions that every target has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Literal

import mpmath
import sympy as sp

from smgen.functions.base import FARTHEST, Machine, exp_reference


@dataclass(frozen=True, slots=True)
class Elementary:
    """The attributes of `ScalarFunction` for a class of sympy, which has the derivative.

    Without a `reference`, mpmath's function of the same name is the definition.
    """

    machine: Machine
    reference: Callable[[Any], Any] | None
    monotone: Literal["", "rising", "even"] = ""
    limits: tuple[float, float] = (-inf, inf)


def _tanh(u: Any) -> Any:
    return mpmath.tanh(u) if abs(u) < FARTHEST else mpmath.sign(u)


def _sinh(u: Any) -> Any:
    return mpmath.sinh(u) if abs(u) < 1 else (exp_reference(u) - exp_reference(-u)) / 2


def _cosh(u: Any) -> Any:
    return (exp_reference(u) + exp_reference(-u)) / 2


def _wave(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A periodic function in mpmath; 0 for arguments so large that computing the phase takes too long."""
    return lambda u: function(u) if abs(u) < mpmath.mpf(10) ** 400 else mpmath.mpf(0)


ELEMENTARY: Final[Mapping[type[sp.Function], Elementary]] = {
    sp.exp: Elementary(Machine(name="exp", simd=True), exp_reference, "rising", (0.0, inf)),
    sp.log: Elementary(Machine(name="log", simd=True), None, "rising", (-inf, inf)),
    sp.sin: Elementary(Machine(name="sin"), _wave(mpmath.sin)),
    sp.cos: Elementary(Machine(name="cos"), _wave(mpmath.cos)),
    sp.tan: Elementary(Machine(name="tan"), _wave(mpmath.tan)),
    sp.sinh: Elementary(Machine(name="sinh"), _sinh, "rising"),
    sp.cosh: Elementary(Machine(name="cosh"), _cosh, "even", (inf, inf)),
    sp.tanh: Elementary(Machine(name="tanh", simd=True), _tanh, "rising", (-1.0, 1.0)),
    sp.asinh: Elementary(Machine(name="arcsinh", c="asinh"), None, "rising"),
    sp.atan: Elementary(Machine(name="arctan", c="atan"), None, "rising", (-1.5707963267948966, 1.5707963267948966)),
}
"""sympy's functions; a call is evaluated once per element."""
