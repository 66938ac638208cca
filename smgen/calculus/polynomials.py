"""Polynomials of g in a form that neither overflows nor underflows before the result does.

With m = max(t, |u|), r = u/m and s = t/m, a polynomial of degree d is P(u) = m^d Σ_k c_k r^k (s/t)^(d−k). Quotients and
roots of polynomials so become quotients and roots of numbers of moderate size times a power of m: for t = 1,
4u/(3 + u²) is 4rs/(3s² + r²), whatever u is. t is the size at which the terms are about equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import mpmath
import sympy as sp

from smgen.calculus.primitives import G, absolute, guarded, inverse, kept, maximum, minimum, references, unit
from smgen.calculus.symbolic import varies
from smgen.constants import binary_exponent

ROOM: Final = 4
"""Constants of at least 2^−4 are no reason to rescale: it would help only within a factor 16 of the largest number."""
_MOST_DEGREE: Final = 40


def is_polynomial(e: sp.Expr) -> bool:
    """Whether `e` is a polynomial of g of degree at least 1."""
    return varies(e) and bool(e.is_polynomial(G))


@lru_cache(maxsize=2048)
def coefficients(e: sp.Expr) -> tuple[sp.Expr, ...]:
    """c_0, c_1, …, c_d of a polynomial in g."""
    return tuple(reversed(sp.Poly(e, G).all_coeffs()))


def scaled(v: sp.Expr, exponent: int) -> sp.Expr:
    """2^exponent · v as one value."""
    return kept(sp.S(2) ** exponent * v) if exponent else v


def bounded(v: sp.Expr, low: sp.Expr | None, high: sp.Expr | None) -> sp.Expr:
    """v, clipped to its bounds. A bound that v already has is not repeated."""
    if isinstance(v, maximum) and v.args[1] == low:
        v = v.args[0]
    if isinstance(v, minimum) and v.args[1] == high:
        v = v.args[0]
    v = v if high is None else minimum(v, high)
    return v if low is None else maximum(v, low)


def centre(polynomials: list[sp.Expr]) -> sp.Expr:
    """The g + b whose powers occur in the polynomials, if there is exactly one; otherwise g."""
    bases = {
        power.base
        for e in polynomials
        for power in (e, *e.atoms(sp.Pow))
        if isinstance(power, sp.Pow) and power.base.is_Add and power.exp.is_Integer and power.exp > 1
        if is_polynomial(power.base) and len(coefficients(power.base)) == 2
    }
    if len(bases) != 1:
        return G
    b, a = coefficients(bases.pop())
    return G + b / a


@dataclass(frozen=True, slots=True)
class Variable:
    """A shifted u = g + b and the size t at which the terms of polynomials in u are about equal, a power of two."""

    u: sp.Expr
    t: sp.Expr

    def coefficients(self, e: sp.Expr) -> tuple[sp.Expr, ...]:
        """The coefficients of a polynomial in g, as a polynomial in u."""
        return coefficients(sp.expand(e if self.u == G else e.xreplace({G: G - (self.u - G)})))

    def homogeneous(self, e: sp.Expr) -> tuple[sp.Expr, int]:
        """(Σ_k c_k r^k (s/t)^(d−k), d): a polynomial divided by m^d, and d."""
        cs = self.coefficients(e)
        d = len(cs) - 1
        return sp.Add(*(c / self.t ** (d - k) * self.r**k * self.s ** (d - k) for k, c in enumerate(cs) if c != 0)), d

    @property
    def r(self) -> sp.Expr:
        """The quotient u/m."""
        return unit(self.u, self.t)

    @property
    def s(self) -> sp.Expr:
        """The quotient t/m."""
        return inverse(self.u, self.t)

    @property
    def m(self) -> sp.Expr:
        """The larger of t and |u|."""
        return maximum(absolute(self.u), self.t)


def variable(polynomials: list[sp.Expr]) -> Variable:
    """The u and t for which the terms are about equal, above all those of the first polynomial."""
    u = centre(polynomials)
    cs = Variable(u, sp.S.One).coefficients(polynomials[0])
    sizes = [(k, binary_exponent(c)) for k, c in enumerate(cs) if c != 0]
    (low, first), (high, last) = sizes[0], sizes[-1]
    exponent = round((first - last) / (high - low)) if high > low else 0
    return Variable(u, sp.S(2) ** exponent if abs(exponent) > 2 else sp.S.One)


def quotient(powers: list[tuple[sp.Expr, sp.Expr]], bounds: dict[sp.Expr, sp.Expr]) -> sp.Expr | None:
    """Π P_i^e_i for rational e_i, as moderate numbers times a power of m; None if degrees are too high.

    In the power of m, g is clipped to `bounds`. The coefficients of P_i may be symbols if e_i is a whole number.
    """
    below = sorted((base for base, e in powers if e.is_negative or not e.is_Integer), key=_degree, reverse=True)
    if any(_degree(base) > _MOST_DEGREE for base, _ in powers):
        return None
    v = variable([*below, *(base for base, _ in powers if base not in below)])
    total: sp.Expr = sp.S.Zero
    factors: list[sp.Expr] = []
    for base, e in powers:
        form, degree = v.homogeneous(base)
        terms = [term.as_coeff_Mul()[0] for term in sp.Add.make_args(form)]
        size = max(map(binary_exponent, terms))
        content = sp.S(2) ** size if abs(size) > 3 * ROOM else sp.S.One
        factors += [content**e, sp.expand_mul(form / content) ** e]
        total += degree * e
    if total > 0:
        factors.append(v.m.xreplace(bounds) ** total)
    elif total < 0:
        factors += [v.t**total, v.s**-total]
    return sp.Mul(*factors)


def _degree(e: sp.Expr) -> int:
    return len(coefficients(e)) - 1


def falls(w: sp.Expr, by: int) -> tuple[sp.Expr | None, sp.Expr | None]:
    """Two places: a polynomial is below −`by` everywhere to the left of the first and to the right of the second."""
    cs = coefficients(w)
    d = len(cs) - 1
    sizes = {k: binary_exponent(c) for k, c in enumerate(cs) if c != 0}
    # For |g| = 2^j, c_d g^d is at least 2^(size + j d), every other term less than 2^(size + 1 + j k): sum them up.
    spare = (d + 2).bit_length()
    exponents = [-((sizes[d] - spare - by.bit_length()) // d)]
    exponents += [-((sizes[d] - spare - 1 - sizes[k]) // (d - k)) for k in sizes if k != d]
    bound = sp.S(2) ** max(exponents)
    left = cs[d].is_negative if d % 2 == 0 else cs[d].is_positive
    return (-bound if left else None), (bound if cs[d].is_negative else None)


@lru_cache(maxsize=512)
def seen_to_fall(w: sp.Expr, by: int) -> tuple[sp.Expr | None, sp.Expr | None]:
    """`falls` for other expressions, from values at powers of two. It is a guess, which the accuracy check judges."""
    if w.has(sp.sin, sp.cos, sp.tan):
        return None, None
    f = sp.lambdify(G, guarded(w), [references(), "mpmath"])
    ends = []
    for sign in (-1, 1):
        fallen = None
        for exponent in range(60, 3, -1):
            try:
                if not f(mpmath.mpf(sign * 2**exponent)) < -by:
                    break
            except (ValueError, ZeroDivisionError, TypeError):
                break
            fallen = sp.Integer(sign * 2**exponent)
        ends.append(fallen)
    return ends[0], ends[1]
