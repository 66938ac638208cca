"""An objective: an expression of δ and δ′ of an input unit, as a sum of named terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sympy as sp

from smgen.constants import readable
from smgen.errors import InternalError

DELTA: Final = sp.Symbol("δ", real=True)
DELTA_PRIME: Final = sp.Symbol("δ′", real=True)
LAM: Final = sp.Symbol("λ", real=True)


@dataclass(frozen=True, slots=True)
class Parts:
    """A term a(δ) + b δ′ + c δ′², where b and c are numbers or expressions of λ."""

    of_delta: sp.Expr
    first: sp.Expr
    second: sp.Expr


@dataclass(frozen=True, slots=True)
class Objective:
    """J = the mean over the batch of Σ_d ℓ(δ_d, δ′_d), ℓ the sum of `terms`, each with its letter.

    A term is a polynomial in δ′ of at most the second degree, because modes compute only Σ δ′ and Σ δ′². λ is the
    argument that weighs a regulariser. (3), (5) and (7) are ∂ℓ/∂δ and ∂ℓ/∂δ′. `prefix` begins the names of the
    functions for the objective. Raises `ValueError` for equal letters, and for a term called J.
    """

    name: str
    prefix: str
    terms: tuple[tuple[str, sp.Expr], ...]

    def __post_init__(self) -> None:
        if not self.terms or len({"J", *self.letters}) <= len(self.letters):
            letters = ", ".join(self.letters)
            raise ValueError(
                f"objective {self.name}: terms have letters of their own, and J is their sum; got {letters}"
            )

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the terms."""
        return tuple(letter for letter, _ in self.terms)

    def term(self, letter: str) -> sp.Expr:
        """The expression of one term, or of J, their sum."""
        return dict(self.terms).get(letter, sp.Add(*(expr for _, expr in self.terms)))

    def parts(self, letter: str, lam: sp.Expr) -> Parts:
        """A term for this λ, by powers of δ′. Raises `InternalError` if it is no such polynomial."""
        expr = sp.expand(self.term(letter)).xreplace({LAM: lam})
        coefficients = [expr.coeff(DELTA_PRIME, n) for n in range(3)]
        rest = sp.expand(expr - sum(c * DELTA_PRIME**n for n, c in enumerate(coefficients)))
        if rest != 0 or any(c.has(DELTA) for c in coefficients[1:]):
            raise InternalError(f"objective {self.name}: {self.term(letter)} is no polynomial in δ′ as modes know it")
        return Parts(*coefficients)

    def equation(self, letter: str) -> str:
        """A term in mathematical notation: ½ Σ δ²."""
        return _text(self.term(letter))

    @property
    def sum_of_equations(self) -> str:
        """J, term by term."""
        return " + ".join(map(self.equation, self.letters)).replace("+ −", "− ")


def _text(expr: sp.Expr) -> str:
    """Σ (…) of a unit's expression."""
    terms = sorted(expr.as_ordered_terms(), key=lambda t: (t.has(LAM), t.has(DELTA_PRIME), str(t)))
    if len(terms) == 1:
        number, rest = terms[0].as_coeff_Mul()
        return f"{'−' if number < 0 else ''}{_number(abs(number))}Σ {_power(rest)}"
    return f"Σ ({_sum(terms)})"


def _sum(terms: list[sp.Expr]) -> str:
    text = ""
    for term in terms:
        number, rest = term.as_coeff_Mul()
        sign = "−" if number < 0 else "+"
        text += (f" {sign} " if text else sign.strip("+")) + f"{_number(abs(number))}{_power(rest)}"
    return text


def _number(number: sp.Expr) -> str:
    return {sp.S.One: "", sp.S.Half: "½ "}.get(number, f"{_decimal(number)} ")


def _decimal(number: sp.Expr) -> str:
    return repr(float(number)) if number.is_Float else str(readable(number))


def _power(expr: sp.Expr) -> str:
    factors = sorted(expr.as_ordered_factors(), key=lambda f: (not f.has(LAM), str(f)))
    return " ".join(str(f).replace("**2", "²").replace("**3", "³").replace("**4", "⁴") for f in factors)
