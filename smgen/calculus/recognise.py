"""Rewrites users' formulas into forms that compute accurately: log(1 + exp(g)) becomes softplus(g), and so on.

It walks over the expression from the bottom up until a walk changes nothing. Every rule is an identity on the reals.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from smgen.calculus import primitives as p
from smgen.calculus.logarithms import as_exponential, log_of_exponentials, logarithm
from smgen.calculus.symbolic import brief
from smgen.errors import UnsupportedNonlinearity


def recognise(expr: sp.Expr) -> sp.Expr:
    """An expression that equals `expr` on the reals, with stable primitives where a rule applies."""
    while (better := _walk(expr)) != expr:
        expr = better
    return expr


@lru_cache(maxsize=4096)
def _walk(expr: sp.Expr) -> sp.Expr:
    """Rewrite the arguments, then the expression itself. Numbers are left to sympy."""
    if expr.is_Symbol or not expr.free_symbols:
        return expr
    if isinstance(expr, sp.Piecewise):
        return _piecewise(expr)
    rebuilt = expr.func(*map(_walk, expr.args))
    match rebuilt:
        case sp.log():
            return logarithm(rebuilt.args[0])
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
            return 2 * p.ndtr(-sp.sqrt(2) * rebuilt.args[0])
        case sp.exp():
            return _exponential(rebuilt)
        case _:
            return rebuilt


def _maximum(args: list[sp.Expr]) -> sp.Expr:
    """max(a, b) folded over the arguments, numbers last; max(a, 0) is a relu."""
    first, *rest = sorted(args, key=lambda a: (a.is_number, sp.default_sort_key(a)))
    for other in rest:
        first = p.relu(first) if other == 0 else p.maximum(first, other)
    return first


def _piecewise(expr: sp.Piecewise) -> sp.Expr:
    """Turn the branches of a Piecewise into nested choices."""
    *branches, (value, condition) = [(_walk(value), condition) for value, condition in expr.args]
    if condition != sp.true:
        raise UnsupportedNonlinearity(
            what=f"{brief(expr)} has no last branch (…, True)", hint="say what f is everywhere"
        )
    for branch, condition in reversed(branches):
        value = _choice(condition, branch, value)
    return value


def _choice(condition: sp.Basic, x: sp.Expr, y: sp.Expr) -> sp.Expr:
    """A choice: x where the condition holds, else y."""
    match condition:
        case sp.StrictLessThan() | sp.StrictGreaterThan():
            return p.choose(_walk(condition.lts), _walk(condition.gts), x, y)
        case sp.LessThan() | sp.GreaterThan():
            return p.choose(_walk(condition.gts), _walk(condition.lts), y, x)
        case sp.And():
            for part in sorted(condition.args, key=sp.default_sort_key):
                x = _choice(part, x, y)
            return x
        case sp.Or():
            for part in sorted(condition.args, key=sp.default_sort_key):
                y = _choice(part, x, y)
            return y
        case sp.Not():
            return _choice(condition.args[0], y, x)
    if condition in (sp.true, sp.false):
        return x if condition == sp.true else y
    raise UnsupportedNonlinearity(
        what=f"a branch of Piecewise holds where {brief(condition)}, which is no interval",
        hint="conditions are inequalities such as g < 0, joined by &, | and ~",
    )


def _exponential(call: sp.exp) -> sp.Expr:
    """exp(−c·u²) becomes a Gaussian, whose u² is not rounded if c is a power of two."""
    scale, square = call.args[0].as_coeff_Mul()
    if scale.is_negative and square.is_Pow and square.exp == 2:
        bell = p.gaussian(square.base, -scale)
        if bell.args[1] in (sp.S.Half, sp.S.One):
            return bell
    return call


def _power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """1/(c + exp(a)) is a sigmoid and 1/cosh(a) a sech, to any integer power; other powers of sums of exponentials and
    of numbers are exponentials.
    """
    if base.is_positive and not base.free_symbols and base != sp.E:
        return _exponential(sp.exp(exponent * sp.log(base)))
    scale, core = base.as_coeff_Mul()
    if exponent.is_Integer and exponent < 0:
        if scale != 1:
            return scale**exponent * _power(core, exponent)
        if isinstance(base, sp.cosh):
            return p.sech(base.args[0]) ** -exponent
        if isinstance(base, sp.Add):
            constant, rest = base.as_coeff_Add()
            inner = as_exponential(rest / constant) if constant.is_positive else None
            if inner is not None:
                return (p.sigmoid(-inner) / constant) ** -exponent
    if exponent.is_Rational and not (exponent.is_Integer and exponent.is_positive):
        logarithm = None
        if isinstance(base, sp.Add):
            logarithm = log_of_exponentials(base)
        elif isinstance(base, p.sigmoid):
            logarithm = -p.softplus(-base.args[0])
        if logarithm is not None:
            return sp.exp(sp.expand_mul(exponent * logarithm))
    return base**exponent


def _product(product: sp.Mul) -> sp.Expr:
    """exp(a)·σ(−a) = σ(a), expm1(a)·σ(−a) = tanh(a/2) and sinh(a)·sech(a) = tanh(a), as often as they occur."""
    factors = dict(product.as_powers_dict())

    def merge(base: sp.Expr, partner: sp.Expr, result: sp.Expr) -> None:
        m, n = factors[base], factors.get(partner, sp.S.Zero)
        if m.is_Integer and n.is_Integer and min(m, n) > 0:
            factors[base], factors[partner] = m - min(m, n), n - min(m, n)
            factors[result] = factors.get(result, sp.S.Zero) + min(m, n)

    exponent = sp.S.Zero
    for base in sorted(factors, key=sp.default_sort_key):
        match base:
            case p.expm1():
                merge(base, p.sigmoid(-base.args[0]), sp.tanh(base.args[0] / 2))
            case sp.sinh():
                merge(base, p.sech(base.args[0]), sp.tanh(base.args[0]))
            case sp.exp():
                exponent += base.args[0] * factors.pop(base)
            case sp.E:
                exponent += factors.pop(base)
    for partner in sorted((base for base in factors if isinstance(base, p.sigmoid)), key=sp.default_sort_key):
        a, n = partner.args[0], factors[partner]
        times = sp.cancel(-exponent / a)
        if times.is_Integer and n.is_Integer and min(times, n) > 0:
            factors[partner] -= min(times, n)
            factors[p.sigmoid(-a)] = factors.get(p.sigmoid(-a), sp.S.Zero) + min(times, n)
            exponent += min(times, n) * a
    return sp.Mul(sp.exp(exponent), *(base**power for base, power in factors.items()))


def _sum(total: sp.Add) -> sp.Expr:
    """exp(a) − 1 is an expm1; exp(a) ± exp(−a) 2·cosh(a) or 2·sinh(a); 1 ± erf(a), 1 − Φ(a), 1 − σ(a) are tails."""
    total = _smooth_ramps(total)
    if not total.is_Add or len(total.args) != 2:
        return total
    constant, rest = total.as_coeff_Add()
    scale, core = rest.as_coeff_Mul()
    match core:
        case sp.exp() if scale == -constant:
            return scale * p.expm1(core.args[0])
        case p.erf() if abs(scale) == abs(constant):
            return 2 * constant * p.ndtr(scale / constant * sp.sqrt(2) * core.args[0])
        case p.ndtr() | p.sigmoid() if scale == -constant:
            return constant * core.func(-core.args[0])
    (s1, e1), (s2, e2) = (term.as_coeff_Mul() for term in total.args)
    if isinstance(e1, sp.exp) and isinstance(e2, sp.exp) and e1.args[0] == -e2.args[0]:
        if s1 == s2:
            return 2 * s1 * sp.cosh(e1.args[0])
        if s1 == -s2:
            return 2 * s1 * sp.sinh(e1.args[0])
    return total


def _smooth_ramps(total: sp.Add) -> sp.Expr:
    """c·u + c·softplus(−u) is c·softplus(u)."""
    for term in total.args:
        c, core = term.as_coeff_Mul()
        if isinstance(core, p.softplus):
            ramp = sp.Add.make_args(sp.expand_mul(-c * core.args[0]))
            if set(ramp) <= set(total.args):
                rest = (other for other in total.args if other != term and other not in ramp)
                return sp.Add(c * p.softplus(-core.args[0]), *rest)
    return total
