"""Logarithms, above all of sums of exponentials, in forms that neither overflow nor cancel."""

from __future__ import annotations

import sympy as sp

from smgen.calculus import primitives as p


def logarithm(u: sp.Expr) -> sp.Expr:
    """log(c·v) = log c + log v for c > 0, then the stable form of log v."""
    scale, v = u.as_coeff_Mul()
    if scale.is_positive and scale != 1:
        return sp.log(scale) + logarithm(v)
    match u:
        case p.sigmoid():
            return -p.softplus(-u.args[0])
        case p.sech():
            return -p.logcosh(u.args[0])
        case p.gaussian():
            return -u.args[1] * u.args[0] ** 2
        case sp.cosh():
            return p.logcosh(u.args[0])
        case sp.Pow() if u.exp.is_number and u.base.is_positive:
            return u.exp * logarithm(u.base)
        case sp.Add():
            return _log_of_sum(u)
        case _:
            return sp.log(u)


def _log_of_sum(v: sp.Add) -> sp.Expr:
    """The logarithm of a sum: of exponentials, or log(c + w) as a log1p."""
    stable = log_of_exponentials(v)
    if stable is not None:
        return stable
    constant, rest = v.as_independent(*v.free_symbols, as_Add=True)
    return sp.log(constant) + p.log1p(sp.expand_mul(rest / constant)) if constant.is_positive else sp.log(v)


def log_of_exponentials(v: sp.Add) -> sp.Expr | None:
    """log(c + exp(a)) is a softplus, log(exp(a) + exp(−a)) a logcosh, log Σ exp(a) a logsumexp; None for other sums."""
    halves = {call: (sp.exp(call.args[0]) + sp.exp(-call.args[0])) / 2 for call in v.atoms(sp.cosh)}
    v = sp.expand_mul(v.xreplace(halves)) if halves else v
    constant, rest = v.as_independent(*v.free_symbols, as_Add=True)
    if constant.is_positive:
        exponent = as_exponential(rest / constant)
        if exponent is not None:
            return sp.log(constant) + p.softplus(exponent)
    terms = [as_exponential(term) for term in v.args]
    exponents = [term for term in terms if term is not None]
    if constant == 0 and len(exponents) == len(terms) == 2:
        a, b = sorted(exponents, key=sp.default_sort_key)
        return sp.log(2) + p.logcosh(a) if a == -b else a + p.softplus(sp.expand(b - a))
    if constant.is_positive and len(exponents) == len(terms) - 1 == 2:
        a, b = sorted(exponents, key=sp.default_sort_key)
        if sp.expand_log(sp.expand(a + b - 2 * sp.log(constant / 2)), force=True) == 0:
            # c + (c/2) (exp(u) + exp(−u)) is 2c cosh²(u/2).
            return sp.log(2 * constant) + 2 * p.logcosh(sp.expand((a - b) / 4))
    if constant.is_positive and len(exponents) == len(terms) - 1 and len(exponents) > 1:
        return sp.log(constant) + p.logsumexp(
            *(r - sp.log(constant) for r in sorted(exponents, key=sp.default_sort_key))
        )
    if constant == 0 and len(exponents) == len(terms):
        first, *rest = sorted(exponents, key=_leading)
        return first + p.logsumexp(*(sp.expand(r - first) for r in rest))
    return None


def _leading(exponent: sp.Expr) -> tuple[float, sp.Expr]:
    """The sort key of an exponent. The one that dominates far from 0 is first: relative to it, no other overflows."""
    poly = sp.Poly(exponent, min(exponent.free_symbols, key=str)) if exponent.is_polynomial() else None
    return (-float(poly.LC()) if poly is not None and poly.degree() % 2 == 0 else 0.0), sp.default_sort_key(exponent)


def as_exponential(term: sp.Expr) -> sp.Expr | None:
    """The a with `term` = exp(a), with a positive factor taken into the exponent; None if `term` is no exponential."""
    scale, core = term.as_independent(*term.free_symbols, as_Add=False)
    if not scale.is_positive:
        return None
    match core:
        case sp.exp():
            return core.args[0] + sp.log(scale)
        case p.gaussian():
            return -core.args[1] * core.args[0] ** 2 + sp.log(scale)
        case _:
            return None
