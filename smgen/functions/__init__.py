"""The scalar functions of smgen, one class each, closed under differentiation, and tables of them.

Derivatives are products that keep their relative accuracy in every tail: σ′ is σ(u) σ(−u), not σ (1 − σ), which is 0
from u = 17 on in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sympy as sp

from smgen.functions.base import Machine, ScalarFunction
from smgen.functions.elementary import ELEMENTARY, Elementary
from smgen.functions.exponentials import expm1, log1p, logsumexp, softmax
from smgen.functions.hyperbolic import logcosh, sech
from smgen.functions.kinks import absolute, choose, maximum, relu, signum, step
from smgen.functions.logistic import sigmoid, softplus
from smgen.functions.machine import erfcx, inverse, kept, minimum, nearest, unit
from smgen.functions.normal import erf, gaussian, ndtr

__all__ = [
    "FUNCTIONS", "Elementary", "Machine", "ScalarFunction", "absolute", "choose", "definite", "erf", "erfcx", "expm1",
    "facts_of", "gaussian", "inverse", "is_definite", "kept", "kinked", "known", "log1p", "logcosh", "logsumexp",
    "machines", "maximum", "minimum", "ndtr", "nearest", "references", "relu", "saved", "sech", "sigmoid", "signum",
    "softmax", "softplus", "step", "unit",
]  # fmt: skip

FUNCTIONS: Final[dict[str, type[ScalarFunction]]] = {f.__name__: f for f in (
    absolute, choose, erf, erfcx, expm1, gaussian, inverse, kept, log1p, logcosh, logsumexp, maximum, minimum, ndtr,
    nearest, relu, sech, sigmoid, signum, softmax, softplus, step, unit,
)}  # fmt: skip
"""smgen's own functions, by name. `ELEMENTARY` has the functions of sympy."""


def saved() -> tuple[type[sp.Function], ...]:
    """Functions that are expensive, so that a call is evaluated once per element for f, f′, f″ and f‴."""
    return (*ELEMENTARY, *(f for f in FUNCTIONS.values() if f.saved))


def kinked() -> tuple[type[sp.Function], ...]:
    """Functions whose derivative jumps somewhere."""
    return tuple(f for f in FUNCTIONS.values() if f.kinked)


def known() -> tuple[type[sp.Function], ...]:
    """Every function that may stand in a pointwise expression."""
    return (*ELEMENTARY, *(f for f in FUNCTIONS.values() if not f.internal))


def references() -> dict[str, Callable[..., Any]]:
    """Each function's definition in arbitrary precision, by its name, for `sympy.lambdify`."""
    of_sympy = {f.__name__: facts.reference for f, facts in ELEMENTARY.items() if facts.reference is not None}
    return of_sympy | {name: f.reference for name, f in FUNCTIONS.items()}


def facts_of(function: type[sp.Function]) -> type[ScalarFunction] | Elementary | None:
    """The record or class of a function; None for an unknown one."""
    return ELEMENTARY.get(function) or (function if issubclass(function, ScalarFunction) else None)


def is_definite(function: type[sp.Function]) -> bool:
    """Whether a function has a fixed number of arguments."""
    return bool(function.nargs.is_FiniteSet)


def definite(expr: sp.Expr) -> sp.Expr:
    """The expression with functions of any number of arguments written out, for libraries that lack them."""
    return expr.replace(lambda e: isinstance(e, ScalarFunction) and not is_definite(e.func), lambda e: e.plain())


def machines() -> dict[str, Machine]:
    """The functions that targets have, by the name of the elementary operation."""
    stated = [*(facts.machine for facts in ELEMENTARY.values()), *(f.machine for f in FUNCTIONS.values())]
    return {machine.name: machine for machine in stated if machine is not None}
