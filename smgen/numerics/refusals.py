"""Errors for functions that smgen refuses, with hints for their authors."""

from __future__ import annotations

from typing import Final, NoReturn

import sympy as sp

from smgen.calculus.symbolic import brief
from smgen.constants import OutOfRange, in_range
from smgen.errors import UnsupportedNonlinearity
from smgen.network import Vertex

SPELLING: Final = {"choose": "Piecewise", "maximum": "max"}
"""The names of smgen's own functions for people."""

KINK: Final = "has no f″ at {}, where it jumps: the loss is right, its gradient does not see the jump"

MEND: Final = {
    "has a pole": "a nonlinearity must be finite everywhere: put what is divided by away from 0, or give its domain=",
    "is infinite": "a nonlinearity must have three finite derivatives: √(g² + ε) is a smooth |g|, for example; "
    "domain=(1e-3, None), of sm.pointwise or of sm.condition, says that its argument is never smaller",
    "jumps": "a nonlinearity must be continuous",
    "0/0": "a formula without the quotient is needed: smgen does not take limits",
    "not real": "a nonlinearity must be real and have three derivatives everywhere; domain=(1e-3, None), of "
    "sm.pointwise or of sm.condition, says that its argument is never smaller",
}


def refuse(vertex: Vertex, what: str, hint: str) -> NoReturn:
    """Raise `UnsupportedNonlinearity` for a vertex's function."""
    raise UnsupportedNonlinearity(origin=vertex.origin, what=f"'{vertex.name}': {what}", hint=hint)


def mend(text: str, hints: dict[str, str]) -> str:
    """The hint for a fault that `text` describes."""
    return next(hint for key, hint in hints.items() if key in text)


def check_constants(vertex: Vertex, mark: str, written: sp.Expr, form: sp.Expr, dtype: str) -> None:
    """Raise `UnsupportedNonlinearity` for a form with a number that the dtype cannot hold."""
    try:
        for constant in sorted(_constants(form), key=sp.default_sort_key):
            in_range(constant, dtype)
    except OutOfRange as error:
        refuse_constant(vertex, mark, written, error)


def refuse_constant(vertex: Vertex, mark: str, written: sp.Expr, error: OutOfRange) -> NoReturn:
    """Raise `UnsupportedNonlinearity` for a number that the dtype cannot hold."""
    refuse(vertex, f"{mark} of {brief(written)} has {error}", f"rescale the function{error.wider}")


def _constants(form: sp.Expr) -> set[sp.Expr]:
    """The numbers a formula is computed with: coefficients, terms and arguments, but no exponents."""
    constants: set[sp.Expr] = set()
    waiting, seen = [form], {form}
    while waiting:
        e = waiting.pop()
        if e.is_number:
            constants.add(e)
            continue
        numbers = sp.Mul(*(arg for arg in e.args if arg.is_number)) if e.is_Mul else sp.S.One
        args = e.args[:1] if e.is_Pow and e.exp.is_number else e.args
        inner = {numbers, *(arg for arg in args if not (e.is_Mul and arg.is_number))}
        waiting += inner - seen
        seen |= inner
    return constants
