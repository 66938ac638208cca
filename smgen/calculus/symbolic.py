"""Differentiates pointwise expressions. Every subexpression is differentiated once, however often it occurs."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import sympy as sp

from smgen.calculus.primitives import G, choose, kept, sech, softmax
from smgen.constants import readable
from smgen.errors import shortened

READABLE: Final = 150
"""The most different parts of a formula that is shown to people."""
SPELLED: Final = 1_000
"""The most parts of a formula that is shown to people, counted as often as they are written."""


@lru_cache(maxsize=1024)
def formula(expr: sp.Basic) -> str:
    """The text of an expression for people, or the number of its parts if it is too long to read."""
    return str(readable(expr)) if is_readable(expr) else f"a formula of {len(subexpressions(expr)):,} parts"


def is_readable(expr: sp.Basic) -> bool:
    """Whether an expression is short enough to read."""
    return len(subexpressions(expr)) <= READABLE and _spelled(expr) <= SPELLED


def brief(expr: sp.Basic) -> str:
    """The text of a formula in errors."""
    return shortened(expr, formula)


def _spelled(expr: sp.Basic) -> int:
    """The number of parts of an expression, each counted as often as it is written."""
    known: dict[sp.Basic, int] = {}
    waiting = [expr]
    while waiting:
        missing = [arg for arg in waiting[-1].args if arg not in known]
        waiting.extend(missing)
        if not missing:
            e = waiting.pop()
            known[e] = 1 + sum(known[arg] for arg in e.args)
    return known[expr]


def subexpressions(expr: sp.Basic) -> set[sp.Basic]:
    """All parts of `expr`, itself included, each once."""
    seen: set[sp.Basic] = set()
    waiting = [expr]
    while waiting:
        e = waiting.pop()
        if e not in seen:
            seen.add(e)
            waiting.extend(e.args)
    return seen


@lru_cache(maxsize=1 << 16)
def varies(e: sp.Basic) -> bool:
    """Whether g occurs in an expression. The result is cached for every part."""
    return e == G or any(map(varies, e.args))


def calls_in(e: sp.Expr, *functions: type[sp.Basic]) -> set[sp.Expr]:
    """The calls of some functions, each once. `atoms` would visit a part as often as it occurs."""
    return {part for part in subexpressions(e) if isinstance(part, functions)}


class Calculus:
    """d/dg. A part that occurs in many places, or in several of f, f′ and f″, is differentiated once."""

    def __init__(self) -> None:
        self._known: dict[sp.Expr, sp.Expr] = {}

    def derivative(self, e: sp.Expr) -> sp.Expr:
        """The derivative of `e`. tanh′ is sech², and the derivative of a choice is a choice."""
        if e == G:
            return sp.S.One
        if not varies(e):
            return sp.S.Zero
        if e not in self._known:
            self._known[e] = self._derivative(e)
        return self._known[e]

    def _derivative(self, e: sp.Expr) -> sp.Expr:
        match e:
            case sp.Add():
                return sp.Add(*map(self.derivative, e.args))
            case sp.Mul():
                return self._product(e)
            case sp.Pow() if e.exp.is_number:
                return e.exp * e.base ** (e.exp - 1) * self.derivative(e.base)
            case sp.Pow():
                slope = self.derivative(e.exp) * sp.log(e.base) + e.exp * self.derivative(e.base) / e.base
                return e * slope
            case choose():
                a, b, x, y = e.args
                return choose(a, b, self.derivative(x), self.derivative(y))
            case kept():
                return self.derivative(e.args[0])
            case softmax():
                return self._softmax(e)
            case sp.tanh():
                return sech(e.args[0]) ** 2 * self.derivative(e.args[0])
            case _:
                slopes = ((k, self.derivative(arg)) for k, arg in enumerate(e.args, start=1))
                return sp.Add(*(e.fdiff(k) * slope for k, slope in slopes if slope != 0))

    def _softmax(self, e: softmax) -> sp.Expr:
        """p_k′ = p_k Σ_j p_j (r_k′ − r_j′) with r_0 = 0. A factor 1 − p would be 0 where p_k is almost 1."""
        *exponents, k = e.args
        slopes = [sp.S.Zero, *map(self.derivative, exponents)]
        return e * sp.Add(*(softmax(*exponents, j) * (slopes[int(k)] - slope) for j, slope in enumerate(slopes)))

    def _product(self, e: sp.Mul) -> sp.Expr:
        """Σ_k (Π_{j≠k} a_j) a_k′."""
        terms = []
        for k, factor in enumerate(e.args):
            slope = self.derivative(factor)
            if slope != 0:
                terms.append(sp.Mul(*e.args[:k], slope, *e.args[k + 1 :]))
        return sp.Add(*terms)
