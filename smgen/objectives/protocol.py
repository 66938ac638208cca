"""An objective: an expression of the energy's derivatives at an input unit, as a sum of named terms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import sympy as sp

from smgen.calculus.primitives import G
from smgen.calculus.symbolic import Calculus
from smgen.constants import readable
from smgen.errors import InternalError

E: Final = sp.Symbol("E", real=True)
DELTA: Final = sp.Symbol("δ", real=True)
DELTA_PRIME: Final = sp.Symbol("δ′", real=True)
LAM: Final = sp.Symbol("λ", real=True)
X: Final = sp.Symbol("x", real=True)

Total: TypeAlias = Literal["mean", "sum"]


@dataclass(frozen=True, slots=True)
class Given:
    """An array that comes with the data: one number a sample, or an array of the shape of x, and its letter."""

    name: str
    letter: str
    is_like_x: bool = False

    @property
    def symbol(self) -> sp.Symbol:
        """What stands for it in an objective."""
        return sp.Symbol(self.letter, real=True)


SIGMA: Final = Given("sigma", "σ")
NOISE: Final = Given("noise", "ε", is_like_x=True)
VECTOR: Final = Given("v", "v", is_like_x=True)
SAMPLE_WEIGHTS: Final = Given("weights", "w")
WEIGHTS: Final = Given("weights", "w", is_like_x=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A term e E + a(δ, x) + b δ′ + c δ′², where e, b and c have no derivatives of the energy in them."""

    of_energy: sp.Expr
    of_delta: sp.Expr
    first: sp.Expr
    second: sp.Expr

    @property
    def has_delta_prime(self) -> bool:
        """Whether it depends on δ′."""
        return (self.first, self.second) != (0, 0)

    def times(self, factor: sp.Expr) -> Parts:
        """All parts times a factor."""
        return Parts(
            of_energy=factor * self.of_energy,
            of_delta=factor * self.of_delta,
            first=factor * self.first,
            second=factor * self.second,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """J = the mean over the batch of Σ_d ℓ(δ_d, δ′_d), ℓ the sum of `terms`, each with its letter.

    A term is a polynomial in δ′ of at most the second degree, because modes compute only Σ δ′ and Σ δ′²; E may be added
    to it. λ is the argument that weighs a regulariser, and `given` are arrays that come with the data. (3), (5) and (7)
    are ∂ℓ/∂δ and ∂ℓ/∂δ′. Derivatives are taken at `place`, an expression of x and what is given. `prefix` begins the
    names of the functions for the objective. `total` says whether J is a mean over the batch or a sum, and `domain`
    bounds x. `texts` are the terms for people, with what `where` defines. Raises `ValueError` for equal letters, and
    for a term called J beside others.
    """

    name: str
    prefix: str
    terms: tuple[tuple[str, sp.Expr], ...]
    given: tuple[Given, ...] = ()
    place: sp.Expr = X
    total: Total = "mean"
    domain: tuple[float | None, float | None] = (None, None)
    texts: tuple[str, ...] = ()
    where: str = ""

    def __post_init__(self) -> None:
        letters = self.letters if len(self.terms) == 1 else ("J", *self.letters)
        if not self.terms or len(set(letters)) < len(letters):
            raise ValueError(
                f"objective {self.name}: terms have letters of their own, and J is their sum; "
                f"got {', '.join(self.letters)}"
            )

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the terms."""
        return tuple(letter for letter, _ in self.terms)

    @property
    def has_terms(self) -> bool:
        """Whether there are several terms, which can be had apart."""
        return len(self.terms) > 1

    @property
    def takes_lam(self) -> bool:
        """Whether a term depends on λ."""
        return any(expr.has(LAM) for _, expr in self.terms)

    @property
    def is_curved(self) -> bool:
        """Whether a term depends on δ′."""
        return any(expr.has(DELTA_PRIME) for _, expr in self.terms)

    @property
    def rests_on_curvature(self) -> bool:
        """Whether a constant energy is its minimum, whatever the data, where δ′ is 0: its slope by δ is 0 at δ = 0."""
        flat = self.term("J").subs(DELTA_PRIME, 0)
        return self.is_curved and sp.diff(flat, DELTA).subs(DELTA, 0) == 0

    def term(self, letter: str) -> sp.Expr:
        """The expression of one term, or of J, their sum."""
        return dict(self.terms).get(letter, sp.Add(*(expr for _, expr in self.terms)))

    def parts(self, letter: str, lam: sp.Expr) -> Parts:
        """A term for this λ, by powers of δ′. Raises `InternalError` if it is no such polynomial."""
        return _parts(self.name, self.term(letter), lam)

    def equation(self, letter: str) -> str:
        """A term in mathematical notation: ½ Σ δ²."""
        return self.texts[self.letters.index(letter)] if self.texts else _text(self.term(letter))

    @property
    def sum_of_equations(self) -> str:
        """J, term by term."""
        return " + ".join(map(self.equation, self.letters)).replace("+ −", "− ")


@lru_cache(maxsize=256)
def _parts(name: str, term: sp.Expr, lam: sp.Expr) -> Parts:
    if not term.has(DELTA_PRIME, E):
        return Parts(of_energy=sp.S.Zero, of_delta=term.xreplace({LAM: lam}), first=sp.S.Zero, second=sp.S.Zero)
    expr = sp.expand(term).xreplace({LAM: lam})
    energy = expr.coeff(E, 1)
    rest = sp.expand(expr - energy * E)
    coefficients = [rest.coeff(DELTA_PRIME, n) for n in range(3)]
    left = sp.expand(rest - sum(c * DELTA_PRIME**n for n, c in enumerate(coefficients)))
    unknown = {E, DELTA, DELTA_PRIME}
    if left != 0 or coefficients[0].has(E) or any(unknown & c.free_symbols for c in (energy, *coefficients[1:])):
        raise InternalError(f"objective {name}: {term} is no polynomial in δ′ as modes know it")
    return Parts(of_energy=energy, of_delta=coefficients[0], first=coefficients[1], second=coefficients[2])


def by_x(expr: sp.Expr) -> sp.Expr:
    """The derivative by x of an expression in which x stands, with δ and δ′ held."""
    return Calculus().derivative(expr.xreplace({X: G})).xreplace({G: X})


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
    return " ".join(map(_factor, factors))


def _factor(expr: sp.Expr) -> str:
    base, exponent = expr.as_base_exp()
    text = f"({_sum(list(base.as_ordered_terms()))})" if base.is_Add else str(base)
    powers = {1: "", 2: "²", 3: "³", 4: "⁴"}
    return f"{text}{powers[int(exponent)]}" if exponent in powers else str(expr)
