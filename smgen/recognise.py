"""Rewrite what users write into what computes well: log(1 + exp(g)) becomes softplus(g), and so on.

One bottom-up walk over the expression. Every rule is an identity of real functions; none changes a value, only how it
is computed. What no rule knows stays as it is, is evaluated at build time, and warned about where it fails.
"""

from __future__ import annotations

import sympy as sp

from smgen import primitives as p


def recognise(expr: sp.Expr) -> sp.Expr:
    """Return an expression equal to `expr` on the reals, in terms of stable primitives where one is known."""
    if not expr.args:
        return expr
    args = [recognise(arg) for arg in expr.args]
    rebuilt = expr.func(*args)
    if rebuilt.func is not expr.func:
        return recognise(rebuilt)  # sympy's own simplification made something else of it
    match rebuilt:
        case sp.log():
            return _log(rebuilt.args[0])
        case sp.Pow():
            return _power(*rebuilt.as_base_exp())
        case sp.Mul():
            return _product(rebuilt)
        case sp.Add():
            return _sum(rebuilt)
        case sp.Abs():
            return p.absolute(rebuilt.args[0])
        case sp.sign():
            return p.signum(rebuilt.args[0])
        case sp.Heaviside():
            return p.step(rebuilt.args[0])
        case sp.Max():
            return _maximum(list(rebuilt.args))
        case sp.Min():
            return -_maximum([-arg for arg in rebuilt.args])
        case sp.sech():
            return p.sech(rebuilt.args[0])
        case sp.erf():
            return p.erf(rebuilt.args[0])
        case sp.erfc():
            return 1 - p.erf(rebuilt.args[0])
        case sp.exp():
            return _exponential(rebuilt)
        case _:
            return rebuilt


def _maximum(args: list[sp.Expr]) -> sp.Expr:
    """max(a, b) = b + relu(a − b), folded over the arguments, numbers last."""
    first, *rest = sorted(args, key=lambda a: (a.is_number, sp.default_sort_key(a)))
    for other in rest:
        first = other + p.relu(first - other)
    return first


def _log(u: sp.Expr) -> sp.Expr:
    """log(c·v) = log c + log v, then the stable form of log v."""
    scale, v = u.as_coeff_Mul()
    if scale.is_positive and scale != 1:
        return sp.log(scale) + _log(v)
    match v:
        case p.sigmoid():
            return -p.softplus(-v.args[0])
        case p.sech():
            return -p.logcosh(v.args[0])
        case sp.cosh():
            return p.logcosh(v.args[0])
        case sp.Pow() if v.exp.is_number and v.base.is_positive:
            return v.exp * _log(v.base)
        case sp.Add():
            return _log_of_sum(v)
        case _:
            return sp.log(v)


def _log_of_sum(v: sp.Add) -> sp.Expr:
    """log(c + exp(a)) is a softplus, log(exp(a) + exp(−a)) a logcosh, log(c + w) with c > 0 a log1p."""
    constant, rest = v.as_coeff_Add()
    if constant.is_positive:
        scaled = sp.expand_mul(rest / constant)
        exponent = _as_exponential(scaled)
        head = p.softplus(exponent) if exponent is not None else p.log1p(scaled)
        return sp.log(constant) + head
    terms = [_as_exponential(term) for term in v.args]
    exponents = [term for term in terms if term is not None]
    if constant == 0 and len(exponents) == len(terms) == 2:
        a, b = sorted(exponents, key=sp.default_sort_key)
        return sp.log(2) + p.logcosh(a) if a == -b else a + p.softplus(b - a)
    return sp.log(v)


def _exponential(call: sp.exp) -> sp.Expr:
    """exp(−u²) and exp(−u²/2) are Gaussians, whose u² is not to be rounded."""
    scale, square = call.args[0].as_coeff_Mul()
    if -scale in (sp.S.Half, sp.S.One) and square.is_Pow and square.exp == 2:
        return p.gaussian(square.base, -scale)
    return call


def _as_exponential(term: sp.Expr) -> sp.Expr | None:
    """Return a with `term` = exp(a), taking a positive factor into the exponent; None if it is no exponential."""
    scale, core = term.as_coeff_Mul()
    if isinstance(core, sp.exp) and scale.is_positive:
        return core.args[0] + sp.log(scale)
    return None


def _power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """1/(c + exp(a)) is a sigmoid and 1/cosh(a) a sech, to any integer power."""
    scale, core = base.as_coeff_Mul()
    if exponent.is_Integer and exponent < 0:
        if scale != 1:
            return scale**exponent * _power(core, exponent)
        if isinstance(base, sp.cosh):
            return p.sech(base.args[0]) ** -exponent
        if isinstance(base, sp.Add):
            constant, rest = base.as_coeff_Add()
            inner = _as_exponential(sp.expand_mul(rest / constant)) if constant.is_positive else None
            if inner is not None:
                return (p.sigmoid(-inner) / constant) ** -exponent
    return base**exponent


def _product(product: sp.Mul) -> sp.Expr:
    """exp(a)·σ(−a) = σ(a), expm1(a)·σ(−a) = tanh(a/2) and sinh(a)·sech(a) = tanh(a), as often as they occur."""
    factors = dict(product.as_powers_dict())

    def merge(base: sp.Expr, partner: sp.Expr, result: sp.Expr) -> None:
        if factors.get(partner, 0) >= 1:
            del factors[base]
            factors[partner] -= 1
            factors[result] = factors.get(result, 0) + 1

    for base in sorted(factors, key=sp.default_sort_key):
        power = factors[base]
        if base is sp.E or isinstance(base, sp.exp):
            a = power if base is sp.E else base.args[0] * power
            merge(base, p.sigmoid(-a), p.sigmoid(a))
        elif isinstance(base, p.expm1) and power == 1:
            merge(base, p.sigmoid(-base.args[0]), sp.tanh(base.args[0] / 2))
        elif isinstance(base, sp.sinh) and power == 1:
            merge(base, p.sech(base.args[0]), sp.tanh(base.args[0]))
    return sp.Mul(*(base**power for base, power in factors.items()))


def _sum(total: sp.Add) -> sp.Expr:
    """exp(a) − 1 is an expm1; exp(a) ± exp(−a) is 2·cosh(a) or 2·sinh(a)."""
    if len(total.args) != 2:
        return total
    constant, rest = total.as_coeff_Add()
    scale, core = rest.as_coeff_Mul()
    if isinstance(core, sp.exp) and constant == -scale:
        return scale * p.expm1(core.args[0])
    (s1, e1), (s2, e2) = (term.as_coeff_Mul() for term in total.args)
    if isinstance(e1, sp.exp) and isinstance(e2, sp.exp) and e1.args[0] == -e2.args[0]:
        if s1 == s2:
            return 2 * s1 * sp.cosh(e1.args[0])
        if s1 == -s2:
            return 2 * s1 * sp.sinh(e1.args[0])
    return total
