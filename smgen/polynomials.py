"""Polynomials of g in a form that neither overflows nor underflows before the result does.

With m = max(1, |v|), r = v/m and s = 1/m, a polynomial of degree d is P(v) = m^d Σ_k c_k r^k s^(d−k). Quotients and roots
of polynomials so become quotients and roots of numbers of moderate size times a power of m: 4v/(3 + v²) is
4rs/(3s² + r²), whatever v is. v = 2^j (a g + b), with j such that the coefficients are about 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import sympy as sp

from smgen.constants import binary_exponent
from smgen.primitives import G, absolute, inverse, kept, maximum, minimum, unit

ROOM: Final = 4
"""Constants from 2^−4 on are no reason to rescale: what they save lies within a factor 16 of the largest number."""
_MOST_DEGREE: Final = 40


def is_polynomial(e: sp.Expr) -> bool:
    """Whether `e` is a polynomial of g of degree at least 1."""
    return G in e.free_symbols and bool(e.is_polynomial(G))


@lru_cache(maxsize=2048)
def coefficients(e: sp.Expr) -> tuple[sp.Expr, ...]:
    """c_0, c_1, …, c_d of a polynomial in g."""
    return tuple(reversed(sp.Poly(e, G).all_coeffs()))


def scaled(v: sp.Expr, exponent: int) -> sp.Expr:
    """2^exponent · v as one value."""
    return kept(sp.S(2) ** exponent * v) if exponent else v


def bounded(v: sp.Expr, low: sp.Expr | None, high: sp.Expr | None) -> sp.Expr:
    """V within its bounds, each said once."""
    if isinstance(v, maximum) and v.args[1] == low:
        v = v.args[0]
    if isinstance(v, minimum) and v.args[1] == high:
        v = v.args[0]
    v = v if high is None else minimum(v, high)
    return v if low is None else maximum(v, low)


def centre(polynomials: list[sp.Expr]) -> sp.Expr:
    """The a g + b whose powers occur in the polynomials, if it is one; g otherwise."""
    found = {
        power.base
        for e in polynomials
        for power in (e, *e.atoms(sp.Pow))
        if isinstance(power, sp.Pow) and power.base.is_Add and power.exp.is_Integer and power.exp > 1
        if is_polynomial(power.base) and len(coefficients(power.base)) == 2
    }
    return found.pop() if len(found) == 1 else G


@dataclass(frozen=True, slots=True)
class Variable:
    """v = 2^exponent · u for the affine u = a g + b."""

    u: sp.Expr
    exponent: int

    @property
    def value(self) -> sp.Expr:
        """V itself."""
        return scaled(self.u, self.exponent)

    def coefficients(self, e: sp.Expr) -> tuple[sp.Expr, ...]:
        """Those of a polynomial in g as one in v."""
        b, a = coefficients(self.u) if self.u != G else (sp.S.Zero, sp.S.One)
        if (a, b) != (1, 0):
            e = e.xreplace({G: (G - b) / a})
        return tuple(c / sp.S(2) ** (self.exponent * k) for k, c in enumerate(coefficients(sp.expand(e))))

    def homogeneous(self, e: sp.Expr) -> tuple[sp.Expr, int]:
        """(Σ_k c_k r^k s^(d−k), d): what remains of a polynomial when m^d is taken out."""
        cs = self.coefficients(e)
        d = len(cs) - 1
        r, s = unit(self.value), inverse(self.value)
        return sp.Add(*(c * r**k * s ** (d - k) for k, c in enumerate(cs))), d

    @property
    def magnitude(self) -> sp.Expr:
        """M = max(1, |v|)."""
        return maximum(absolute(self.value), sp.S.One)


def variable(polynomials: list[sp.Expr]) -> Variable:
    """The v in which the polynomials, first of all the first, have coefficients of about one size."""
    u = centre(polynomials)
    cs = Variable(u, 0).coefficients(polynomials[0])
    sizes = [(k, binary_exponent(c)) for k, c in enumerate(cs) if c != 0]
    (low, first), (high, last) = sizes[0], sizes[-1]
    exponent = round((last - first) / (high - low)) if high > low else 0
    return Variable(u, exponent if abs(exponent) > 2 else 0)


def quotient(powers: list[tuple[sp.Expr, sp.Expr]], bounds: dict[sp.Expr, sp.Expr]) -> sp.Expr | None:
    """Π P_i^e_i, rational exponents of either sign, as moderate numbers times a power of m; None if degrees are too high.

    `bounds` are put for g in the power of m.
    """
    below = sorted((base for base, e in powers if e.is_negative or not e.is_Integer), key=_degree, reverse=True)
    if any(_degree(base) > _MOST_DEGREE for base, _ in powers):
        return None
    others = [base for base, _ in powers if base not in below]
    v = variable([*below, *others])
    total: sp.Expr = sp.S.Zero
    factors: list[sp.Expr] = []
    for base, e in powers:
        form, degree = v.homogeneous(base)
        size = max(binary_exponent(c) for c in v.coefficients(base) if c != 0)
        content = sp.S(2) ** size if abs(size) > ROOM else sp.S.One
        factors += [content**e, sp.expand_mul(form / content) ** e]
        total += degree * e
    if total > 0:
        factors.append(v.magnitude.xreplace(bounds) ** total)
    elif total < 0:
        factors.append(inverse(v.value) ** -total)
    return sp.Mul(*factors)


def _degree(e: sp.Expr) -> int:
    return len(coefficients(e)) - 1


def falls(w: sp.Expr, by: int) -> tuple[sp.Expr | None, sp.Expr | None]:
    """Where a polynomial is below −`by` for good: to the left of the first, to the right of the second."""
    cs = coefficients(w)
    d = len(cs) - 1
    sizes = [abs(c).evalf(10) for c in cs]
    exponent = -400
    while sizes[d] * sp.Float(2) ** (exponent * d) / 2 < by + sum(
        size * sp.Float(2) ** (exponent * k) for k, size in enumerate(sizes[:d])
    ):
        exponent += 1
    bound = sp.S(2) ** exponent
    left = cs[d].is_negative if d % 2 == 0 else cs[d].is_positive
    return (-bound if left else None), (bound if cs[d].is_negative else None)
