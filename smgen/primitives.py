"""The functions that may stand in a pointwise expression, and their spelling in machine functions."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import sympy as sp

from smgen.functions import (
    absolute,
    choose,
    erf,
    erfcx,
    expm1,
    gaussian,
    inverse,
    kept,
    log1p,
    logcosh,
    logsumexp,
    maximum,
    minimum,
    ndtr,
    nearest,
    relu,
    sech,
    sigmoid,
    signum,
    softmax,
    softplus,
    step,
    unit,
)
from smgen.references import REFERENCE

__all__ = [
    "KINKED", "KNOWN", "MARKS", "REFERENCE", "SAVED", "G", "absolute", "choose", "erf", "erfcx", "expm1", "gaussian",
    "guarded", "inverse", "kept", "log1p", "logcosh", "logsumexp", "maximum", "minimum", "ndtr", "nearest", "relu",
    "sech", "sigmoid", "signum", "softmax", "softplus", "stable", "step", "unit",
]  # fmt: skip

G: Final = sp.Symbol("g", real=True)
"""The one symbol of a pointwise expression: the value of the vertex below it."""

MARKS: Final = ("f", "f′", "f″", "f‴")
"""How people write a nonlinearity and its derivatives."""

KINKED: Final = (absolute, relu, signum, step, maximum, choose)
"""Functions whose derivative jumps somewhere."""

SAVED: Final = (sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.atan, erf,
                log1p, expm1, sigmoid, softplus, logcosh, sech, gaussian, ndtr, logsumexp, softmax)  # fmt: skip
"""Functions dear enough to be evaluated once per element and kept for f, f′, f″ and f‴."""

KNOWN: Final = (*SAVED, *KINKED)
"""Every function that may stand in a pointwise expression."""

_COMPOSED: Final = (softplus, sigmoid, logcosh, sech, gaussian, ndtr, inverse, unit, logsumexp, softmax)


def guarded(expr: sp.Expr) -> sp.Expr:
    """`expr` with every branch of a choice computed beyond its border as at the border, so that it does no harm there.

    All branches are computed everywhere.
    """

    def guard(call: sp.Expr) -> sp.Expr:
        a, b, x, y = call.args
        if a != G or not b.is_number:
            return call
        return choose(a, b, x.xreplace({G: minimum(G, b)}), y.xreplace({G: maximum(G, b)}))

    return expr.replace(lambda e: isinstance(e, choose), guard) if expr.has(choose) else expr


@lru_cache(maxsize=8192)
def stable(expr: sp.Expr) -> sp.Expr:
    """Rewrite primitives into machine functions that do not overflow or cancel, with one exp for an argument."""
    return expr.replace(lambda e: isinstance(e, _COMPOSED), _machine)


def _machine(call: sp.Expr) -> sp.Expr:
    u = call.args[0]
    match call:
        case softplus():
            return relu(u) + log1p(kept(sp.exp(-absolute(u))))
        case sigmoid():
            # The numerator is exp(−|u|) below zero and 1 above it: one exp, no overflow, small tails exact.
            decay = kept(sp.exp(-absolute(u)))
            return maximum(decay, signum(u)) / (1 + decay)
        case logcosh():
            # −½ log(1 − tanh²) is exact near 0, |u| + log(1 + exp(−2|u|)) − log 2 away from it: one log1p for both.
            inside = log1p(choose(absolute(u), 1, -(sp.tanh(u) ** 2), kept(sp.exp(-absolute(u))) ** 2))
            return choose(absolute(u), 1, -inside / 2, (absolute(u) - sp.log(2)) + inside)
        case sech():
            decay = kept(sp.exp(-absolute(u)))
            return 2 * decay / (1 + decay**2)
        case gaussian():
            return _gaussian(u, call.args[1])
        case ndtr():
            tail = _gaussian(u, sp.S.Half) * erfcx(absolute(u) / sp.sqrt(2)) / 2
            return tail + step(u) * (1 - 2 * tail)
        case inverse():
            t = call.args[1]
            return kept(t * kept(1 / maximum(absolute(u), t)))
        case unit():
            return kept(u * kept(1 / maximum(absolute(u), call.args[1])))
        case logsumexp():
            most, total = _shifted(call.args)
            return most + log1p(expm1(-most) + total)
        case _:
            *exponents, k = call.args
            most, total = _shifted(tuple(exponents))
            exponent = kept(exponents[int(k) - 1]) if k > 0 else sp.S.Zero
            return sp.exp(exponent - most) / kept(sp.exp(-most) + total)


def _gaussian(u: sp.Expr, c: sp.Expr) -> sp.Expr:
    """exp(−c u²). For c = 1 or ½, u² is not rounded, which exp would amplify by u².

    For z = u to the nearest 1/16, z² is exact, and u² = z² + (u − z)(u + z). Beyond |u| = 40 the result is 0 in every
    dtype.
    """
    if c not in (sp.S.Half, sp.S.One):
        return sp.exp(-c * minimum(absolute(u), sp.S(2) ** 40) ** 2)
    u = minimum(absolute(u), 40)
    z = nearest(16 * u) / 16
    return sp.exp(-c * z**2) * sp.exp(-c * (u - z) * (u + z))


def _shifted(exponents: tuple[sp.Expr, ...]) -> tuple[sp.Expr, sp.Expr]:
    """The largest of 0 and the exponents r, and Σ exp(r − largest)."""
    first, *others = map(kept, exponents)
    most: sp.Expr = relu(first)
    for exponent in others:
        most = maximum(most, exponent)
    return most, sp.Add(*(sp.exp(exponent - most) for exponent in (first, *others)))
