"""The scalar functions smgen computes with, closed under differentiation.

Two kinds. *Smooth primitives* (softplus, sigmoid, logcosh, sech,
gaussian, ndtr) have derivatives made of primitives again, so f‴ is as stable as f: sympy's raw derivatives of log(1 +
exp(g)) are NaN at g = 100 in float32. *Machine functions* (log1p, expm1, absolute, maximum, signum, …) are what every
target has; `stable` rewrites the former into the latter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mpmath
import sympy as sp

G: Final = sp.Symbol("g", real=True)
"""The one symbol of a pointwise expression: the value of the vertex below it."""


class _Real(sp.Function):
    """A real function of real arguments."""

    is_extended_real = True
    is_finite = True


class _Positive(_Real):
    """A function with positive values."""

    is_positive = True


class log1p(_Real):
    """log(1 + u), accurate near u = 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / (1 + self.args[0])


class expm1(_Real):
    """exp(u) − 1, accurate near u = 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.exp(self.args[0])


class sigmoid(_Positive):
    """σ(u) = 1 / (1 + exp(−u)); σ′ = σ(1 − σ)."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (1 - self)


class softplus(_Positive):
    """log(1 + exp(u)); its derivative is σ."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sigmoid(self.args[0])


class logcosh(_Real):
    """log(cosh(u)); its derivative is tanh."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0])


class sech(_Positive):
    """1 / cosh(u); sech′ = −tanh·sech."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -sp.tanh(self.args[0]) * self


class gaussian(_Positive):
    """exp(−c·u²) for a number c; its derivative is −2·c·u times itself.

    Where c·s², u = s·v, is a power of two, it is kept as c = 1 or ½ and s = 2^k, which are exact: exp(−(g/√2)²) is
    exp(−g²/2), and no square root is rounded.
    """

    nargs = 2

    @classmethod
    def eval(cls, u: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        scale, v = u.as_independent(*u.free_symbols, as_Add=False)
        total = c * scale**2
        if not u.free_symbols or not total.is_Rational or total <= 0:
            return None
        exponent = int(total.p).bit_length() - int(total.q).bit_length()
        half = (exponent + 1) // 2
        canonical = (sp.S(2) ** half * v, sp.S(2) ** (exponent - 2 * half))
        return None if total != sp.S(2) ** exponent or canonical == (u, c) else cls(*canonical)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        u, c = self.args
        return -2 * c * u * self


class ndtr(_Positive):
    """Φ(u), the standard normal distribution function; Φ′ = exp(−u²/2)/√(2π)."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return gaussian(self.args[0], sp.S.Half) / sp.sqrt(2 * sp.pi)


class erf(_Real):
    """The error function; erf′ = 2·exp(−u²)/√π."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * gaussian(self.args[0], sp.S.One) / sp.sqrt(sp.pi)


class step(_Real):
    """1 for u > 0, else 0. Its derivative is 0 almost everywhere, and that is what is used."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class signum(_Real):
    """−1, 0 or 1. Its derivative is 0 almost everywhere, and that is what is used."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class absolute(_Real):
    """|u|; its derivative is taken as signum."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return signum(self.args[0])


class relu(_Real):
    """max(u, 0); its derivative is taken as step."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return step(self.args[0])


class nearest(_Real):
    """The nearest whole number, a machine function only."""

    nargs = 1


class erfcx(_Real):
    """exp(u²)·erfc(u), a machine function only."""

    nargs = 1


class maximum(_Real):
    """max(a, b), a machine function only: expressions are written with relu."""

    nargs = 2


KINKED: Final = (absolute, relu, signum, step)
"""Functions whose derivative jumps somewhere."""

SAVED: Final = (sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.atan, erf,
                log1p, expm1, sigmoid, softplus, logcosh, sech, gaussian, ndtr)  # fmt: skip
"""Functions dear enough to be evaluated once per element and kept for f, f′, f″ and f‴."""

KNOWN: Final = (*SAVED, *KINKED)
"""Every function that may stand in a pointwise expression."""


def stable(expr: sp.Expr) -> sp.Expr:
    """Rewrite primitives into machine functions that do not overflow or cancel, one exp or tanh for an argument."""

    def expand(call: sp.Expr) -> sp.Expr:
        u = call.args[0]
        match call:
            case softplus():
                return relu(u) + log1p(sp.exp(-absolute(u)))
            case sigmoid():
                # The numerator is exp(−|u|) below zero and 1 above it: one exp, no overflow, small tails exact.
                decay = sp.exp(-absolute(u))
                return maximum(decay, signum(u)) / (1 + decay)
            case logcosh():
                # 1 + tanh|u| = 2 / (1 + exp(−2|u|)), so the tanh that f′ needs serves f too.
                return absolute(u) - log1p(absolute(sp.tanh(u)))
            case sech():
                decay = sp.exp(-absolute(u))
                return 2 * decay / (1 + decay**2)
            case gaussian():
                # u² rounds, and exp amplifies that by u². For z = u to the nearest 1/16, z² is exact, and
                # u² = z² + (u − z)(u + z). Beyond |u| = 40 the result is 0 in every dtype.
                c = call.args[1]
                if c not in (sp.S.Half, sp.S.One):
                    return sp.exp(-c * u**2)
                u = -maximum(-absolute(u), -40)
                z = nearest(16 * u) / 16
                return sp.exp(-c * z**2) * sp.exp(-c * (u - z) * (u + z))
            case ndtr():
                tail = stable(gaussian(u, sp.S.Half)) * erfcx(absolute(u) / sp.sqrt(2)) / 2
                return tail + step(u) * (1 - 2 * tail)
            case _:
                return call

    return expr.replace(lambda e: isinstance(e, softplus | sigmoid | logcosh | sech | gaussian | ndtr), expand)


REFERENCE: Final[dict[str, Callable[..., Any]]] = {
    "log1p": mpmath.log1p,
    "expm1": mpmath.expm1,
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "logcosh": lambda u: abs(u) + mpmath.log1p(mpmath.exp(-2 * abs(u))) - mpmath.log(2),
    "sech": mpmath.sech,
    "gaussian": lambda u, c: mpmath.exp(-c * u * u),
    "ndtr": mpmath.ncdf,
    "erf": mpmath.erf,
    "erfcx": lambda u: mpmath.exp(u * u) * mpmath.erfc(u),
    "nearest": mpmath.nint,
    "step": lambda u: mpmath.mpf(u > 0),
    "signum": mpmath.sign,
    "absolute": abs,
    "relu": lambda u: max(u, mpmath.mpf(0)),
    "maximum": max,
}
"""Each function's definition in arbitrary precision, by its name: what the numbers are judged against."""
