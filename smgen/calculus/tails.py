"""Gives a formula the form in which it is computed: accurate from one end of the dtype's range to the other.

`settle` keeps the value and changes the order of operations: quotients and roots of polynomials do not overflow
(`polynomials`), powers take small constants into their bases, growing factors are constant where a decaying factor is
0, and 1 − exp(−g²/2) becomes an expm1. The accuracy check judges the result, which is also the form that is printed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import sympy as sp

from smgen.calculus import primitives as p
from smgen.calculus.differences import tidy
from smgen.calculus.polynomials import (
    ROOM,
    Variable,
    bounded,
    coefficients,
    falls,
    is_polynomial,
    quotient,
    scaled,
    seen_to_fall,
    variable,
)
from smgen.calculus.primitives import G
from smgen.calculus.symbolic import calls_in, varies
from smgen.constants import binary_exponent

UNDERFLOW: Final = 800
"""exp(−800) is 0 in every dtype."""


@lru_cache(maxsize=8192)
def settle(e: sp.Expr) -> sp.Expr:
    """A form of `e` whose intermediate results stay in range. The value is the same, up to underflow."""
    if e == G or not varies(e):
        return e
    match e:
        case sp.Add():
            tidied = tidy(e)
            return settle(tidied) if tidied != e else sp.Add(*map(settle, e.args))
        case sp.Mul() | sp.Pow():
            return _product(e)
        case p.choose():
            return _choice(*e.args)
        case p.log1p() if is_polynomial(e.args[0]):
            return _log1p(e.args[0])
        case p.softmax() if all(r.is_number or is_polynomial(r) for r in e.args):
            # The function is constant long before its arguments overflow.
            far = sp.S(2) ** (100 // max(len(coefficients(r)) - 1 for r in e.args if r.has(G)))
            return e.func(*(settle(r).xreplace({G: bounded(G, -far, far)}) for r in e.args))
        case sp.sin() | sp.cos() if is_polynomial(e.args[0]) and _growth(e.args[0]) > 1:
            # So far from 0, the rounding of g exceeds a period.
            degree = len(coefficients(e.args[0])) - 1
            spare = max(0, *map(binary_exponent, filter(None, coefficients(e.args[0]))))
            far = sp.S(2) ** ((100 - spare) // degree)
            return e.func(settle(e.args[0]).xreplace({G: bounded(G, -far, far)})) if spare < 50 else e
        case p.gaussian():
            u, c = e.args
            half = binary_exponent(c) // 2
            return p.gaussian(scaled(settle(u), half), c / sp.S(4) ** half) if abs(half) > ROOM else e
        case sp.exp() if is_polynomial(e.args[0]) and len(coefficients(e.args[0])) > 2:
            return sp.exp(settle(e.args[0]).xreplace({G: bounded(G, *falls(e.args[0], UNDERFLOW))}))
        case _:
            return e.func(*map(settle, e.args))


def _choice(a: sp.Expr, b: sp.Expr, x: sp.Expr, y: sp.Expr) -> sp.Expr:
    """A choice. Each branch is computed everywhere; beyond the border, it is computed at the border's g."""
    a, b, x, y = map(settle, (a, b, x, y))
    if a == G and b.is_number:
        if not is_polynomial(x):
            x = x.xreplace({G: p.minimum(G, b)})
        if not is_polynomial(y):
            y = y.xreplace({G: p.maximum(G, b)})
    return p.choose(a, b, x, y)


def _log1p(w: sp.Expr) -> sp.Expr:
    """log(1 + w) for a polynomial w of degree d: far from 0 it is d·log|u| + log c_d, as the last term dominates."""
    v = variable([1 + w])
    cs = v.coefficients(1 + w)
    d = len(cs) - 1
    if d < 2:
        return p.log1p(settle(w))
    scale = cs[d] * v.t**d
    others = [k for k, c in enumerate(cs[:-1]) if c != 0]
    places = 112 // d
    far = v.t * 2**places
    if not scale.is_positive or places * (d - max(others)) < 56 or abs(binary_exponent(scale)) > 8 or far < 2**24:
        return _log1p_in_two(v, w)
    a = p.absolute(v.u)
    size = p.minimum(a, far) if all(c == 0 for c in cs[1::2]) else bounded(v.u, -far, far)
    size = size if v.t == 1 else p.kept(size / v.t)
    inside = sp.Add(*(c * v.t**k * size**k for k, c in enumerate(cs))) - 1
    logarithm = p.log1p(p.choose(a, far, inside, a - 1))
    return p.choose(a, far, logarithm, d * logarithm + sp.log(cs[d]))


def _log1p_in_two(v: Variable, w: sp.Expr) -> sp.Expr:
    """log(1 + w) = −d·log s + log1p of a moderate number. 1 is subtracted only from a number that is 1 for |u| < t."""
    form, d = v.homogeneous(1 + w)
    form = sp.expand_mul(form * v.t**d)
    return p.log1p((form - v.s**d) + p.kept(v.s**d - 1)) - d * sp.log(v.s)


def _product(e: sp.Expr) -> sp.Expr:
    coefficient, other = e.as_coeff_Mul()
    factors = sp.Mul.make_args(other)
    constants = sp.Mul(*(factor for factor in factors if not varies(factor)))
    powers = [factor.as_base_exp() for factor in factors if varies(factor)]
    calls: dict[sp.Expr, sp.Expr] = {}
    polynomials = [(base, n) for base, n in powers if n.is_Rational and is_polynomial(base)]
    if any(n.is_negative or not n.is_Integer for _, n in polynomials):
        polynomials = [(frozen, n) for base, n in powers if (frozen := _frozen(base, n, calls)) is not None]
    taken = [(base.xreplace(calls), n) for base, n in polynomials]
    others = [power for power in powers if power not in taken]
    if polynomials and (spread := _spread(e, taken, others)) is not None:
        return spread
    bounds = _bounds(others)
    form = None
    one_line = len(polynomials) == 1 and len(coefficients(polynomials[0][0])) == 2
    if any(n.is_negative or not n.is_Integer for _, n in polynomials):
        form = _line(*polynomials[0]) if one_line else quotient(polynomials, bounds)
    if form is None:
        coefficient, form = _whole(coefficient, taken)
    form = form.xreplace({name: settle(call) for name, call in calls.items()})
    # exp is a power of E for sympy.
    rest = [(base, n) if base == sp.E else (settle(base), settle(n)) for base, n in others]
    if bounds and _growth(form) + sum(_growth(base) * (n if n.is_number else 1) for base, n in rest) > 1:
        form = _bound(form, bounds)
        rest = [(base if base == sp.E else _bound(base, bounds), n) for base, n in rest]
    powered = (settle(sp.Pow(base, n)) if base == sp.E else base**n for base, n in rest)
    return sp.Mul(coefficient, constants, form, *powered)


def _line(base: sp.Expr, n: sp.Expr) -> sp.Expr:
    """(a g + b)^n as a^n (g + b/a)^n: otherwise a g could overflow before the result does."""
    b, a = coefficients(base)
    return a**n * (G + b / a) ** n if a.is_positive else base**n


def _spread(
    e: sp.Expr, polynomials: list[tuple[sp.Expr, sp.Expr]], others: list[tuple[sp.Expr, sp.Expr]]
) -> sp.Expr | None:
    """A product expanded into terms, if these are computed better: a sum with roots, or polynomials of many sizes."""
    below = any(n.is_negative or not n.is_Integer for _, n in polynomials)
    for base, n in others:
        if below and n == 1 and base.is_Add and any(map(varies, calls_in(base, sp.Pow))):
            return sp.Add(*(settle(e / base * term) for term in base.args))
    size = binary_exponent(e.as_coeff_Mul()[0])
    if not others and not below and any(base.is_Add for base, _ in polynomials) and not -ROOM <= size <= 3 * ROOM:
        return settle(sp.expand(e))
    return None


def _frozen(base: sp.Expr, n: sp.Expr, calls: dict[sp.Expr, sp.Expr]) -> sp.Expr | None:
    """A base as a polynomial of g, or None. Coefficients that are functions of g get names, which `calls` collects."""
    if n.is_Rational and is_polynomial(base):
        return base
    if not base.is_Add or not n.is_Integer or n.is_negative:
        return None
    named = {call: sp.Dummy(real=True) for call in _outermost(base)}
    frozen = base.xreplace(named)
    if not is_polynomial(frozen):
        return None
    calls.update({name: call for call, name in named.items()})
    return frozen


def _outermost(e: sp.Expr) -> set[sp.Expr]:
    if isinstance(e, sp.Function):
        return {e} if varies(e) else set()
    return {call for arg in e.args for call in _outermost(arg)}


def _whole(coefficient: sp.Expr, powers: list[tuple[sp.Expr, sp.Expr]]) -> tuple[sp.Expr, sp.Expr]:
    """Take a small or large constant of a product of whole powers into the base of the highest power."""
    factors = {settle(base): n for base, n in powers}
    if factors:
        base, n = max(factors.items(), key=lambda item: (item[1] * (len(coefficients_of(item[0])) - 1), item[1]))
        size = binary_exponent(coefficient)
        if n.is_Integer and n > 1 and (size < -ROOM or size > 3 * ROOM):
            # The constant is divided into n equal parts or, if these would be less than 2, into as many as possible.
            step = -(-abs(size) // int(n))
            times = -(-abs(size) // step) if size < 0 else size // step
            step = step if size > 0 else -step
            del factors[base]
            factors |= {scaled(base, step): times} | ({base: n - times} if times < n else {})
            coefficient /= sp.S(2) ** (step * times)
    return coefficient, sp.Mul(*(base**n for base, n in factors.items()))


def coefficients_of(base: sp.Expr) -> tuple[sp.Expr, ...]:
    """The coefficients of a base that is a polynomial; those of g for any other base, which `settle` keeps whole."""
    return coefficients(base) if is_polynomial(base) else (sp.S.Zero, sp.S.One)


def _bounds(factors: list[tuple[sp.Expr, sp.Expr]]) -> dict[sp.Expr, sp.Expr]:
    """The clipped g for growing factors. It differs from g only where a decaying factor is 0."""
    low: sp.Expr | None = None
    high: sp.Expr | None = None
    for base, n in factors:
        for w in _exponents(base, n):
            left, right = falls(w, UNDERFLOW) if is_polynomial(w) else seen_to_fall(w, UNDERFLOW)
            low = left if low is None or (left is not None and left > low) else low
            high = right if high is None or (right is not None and right < high) else high
    return {} if low is None and high is None else {G: bounded(G, low, high)}


def _exponents(base: sp.Expr, n: sp.Expr) -> list[sp.Expr]:
    """The exponents w for which the factor base^n is bounded by a multiple of exp(w)."""
    if base == sp.E:
        arguments = [n]
    elif not (n.is_number and n.is_positive):
        return []
    else:
        match base:
            case sp.exp() | p.sigmoid() | p.softplus() | p.ndtr():
                arguments = [base.args[0]]
            case p.sech():
                arguments = [base.args[0], -base.args[0]]
            case p.gaussian():
                arguments = [-base.args[1] * base.args[0] ** 2]
            case p.softmax():
                exponents = (sp.S.Zero, *base.args[:-1])
                arguments = [exponents[int(base.args[-1])] - other for other in exponents]
            case _:
                arguments = []
    return [w for w in arguments if varies(w)]


def _growth(e: sp.Expr) -> int:
    """0 for a bounded expression, 1 for g times a number of at most 1, 2 for others. Calls of functions count as 0."""
    if e == sp.E:
        return 0
    closed = {call: sp.Dummy() for call in calls_in(e, sp.Function) if not isinstance(call, _OPEN)}
    open_e = e.xreplace(closed)
    if not varies(open_e):
        return 0
    if not open_e.is_polynomial(G) or len(coefficients(open_e)) > 2:
        return 2
    return 2 if any(abs(term.as_coeff_Mul()[0]) > 1 for term in sp.Add.make_args(e) if varies(term)) else 1


_OPEN: Final = (p.kept, p.maximum, p.minimum, p.absolute, p.choose)


def _bound(e: sp.Expr, bounds: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    if not varies(e) or (isinstance(e, sp.Function) and not isinstance(e, _OPEN)):
        return e
    if e in bounds or e in bounds.values():
        return bounds.get(e, e)
    return e.func(*(_bound(arg, bounds) for arg in e.args))
