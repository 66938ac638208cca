"""Differences that vanish with g, in a form that does not cancel: 1 − exp(−g²/2), √(1 + g²) − 1, cosh g − 1, …"""

from __future__ import annotations

import sympy as sp

from smgen.calculus import primitives as p
from smgen.calculus.polynomials import is_polynomial, variable
from smgen.calculus.primitives import G
from smgen.calculus.symbolic import varies


def tidy(total: sp.Add) -> sp.Expr:
    """`total` with the constant and the first term that cancels it merged into one term; `total` if none cancels it."""
    constant = sp.Add(*(term for term in total.args if not varies(term)))
    if constant == 0:
        return total
    for term in sorted(sp.Add.make_args(total - constant), key=sp.default_sort_key):
        scale, core = term.as_independent(G, as_Add=False)
        form = _minus_limit(core, -constant / scale)
        if form is not None:
            return sp.Add(*(other for other in total.args if other != term and varies(other))) + scale * form
    return total


def _minus_limit(core: sp.Expr, value: sp.Expr) -> sp.Expr | None:
    """`core` − `value` without cancellation; None if no rule applies."""
    if isinstance(core, sp.Pow) and core.base != sp.E and core.exp.is_Rational and is_polynomial(core.base):
        return _power_minus(core.base, core.exp, value)
    if isinstance(core, sp.Pow) and isinstance(core.base, p.sech) and core.exp == 2 and value == 1:
        return -(sp.tanh(core.base.args[0]) ** 2)
    if value != 1:
        return None
    match core:
        case sp.exp():
            return p.expm1(core.args[0])
        case p.gaussian():
            u, c = core.args
            return p.expm1(-c * p.minimum(p.absolute(u), 64) ** 2) if c >= sp.Rational(1, 4) else None
        case sp.cosh():
            return 2 * sp.sinh(core.args[0] / 2) ** 2
        case sp.cos():
            return -2 * sp.sin(core.args[0] / 2) ** 2
        case p.sech():
            return -sp.tanh(core.args[0]) * sp.tanh(core.args[0] / 2)
        case _:
            return None


def _power_minus(base: sp.Expr, exponent: sp.Expr, value: sp.Expr) -> sp.Expr | None:
    """P^e − p^e, where p is the constant term of P: with P = p (1 + W), p^e ((1 + W)^e − 1)."""
    constant = sp.Poly(base, G).nth(0)
    if not constant.is_positive or (exponent.is_Integer and exponent > 0) or constant**exponent != value:
        return None
    whole = sp.expand(base / constant)
    w = whole - 1
    if exponent == -1:
        return -value * w / whole
    if abs(exponent) != sp.S.Half:
        return value * p.expm1(exponent * p.log1p(w))
    # With m = max(t, |u|), 1 + W = (m/t)^d h and W = (m/t)^d w: √(1 + W) − 1 = W / (1 + √(1 + W)) does not overflow.
    v = variable([whole])
    h, d = v.homogeneous(whole)
    h = sp.expand_mul(h * v.t**d)
    root, half = p.kept(sp.sqrt(h)), sp.Rational(d, 2)
    below = v.s**half + root
    if exponent > 0:
        return value * v.t**-half * v.m**half * (h - v.s**d) / below
    return -value * (h - v.s**d) / (root * below)
