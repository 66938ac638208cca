"""The normal distribution: exp(−c u²), Φ, and the error function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import mpmath
import numpy as np
import sympy as sp

from smgen.functions.base import Machine, Positive, ScalarFunction, exp_reference
from smgen.functions.kinks import absolute, step
from smgen.functions.machine import erfcx, minimum, nearest


class gaussian(Positive):
    """exp(−c·u²) for a number c; its derivative is −2·c·u times itself.

    If u = s·v and c·s² is a power of two, c becomes 1 or ½ and s becomes 2^k, which are exact: exp(−(g/√2)²) is
    exp(−g²/2), and no square root is rounded.
    """

    nargs = 2
    saved = True
    monotone = "bell"

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

    @staticmethod
    def reference(u: Any, c: Any) -> Any:
        return exp_reference(-c * u * u)

    def stable(self) -> sp.Expr:
        return _gaussian(*self.args)

    def plain(self) -> sp.Expr:
        u, c = self.args
        return sp.exp(-c * u**2)


def _gaussian(u: sp.Expr, c: sp.Expr) -> sp.Expr:
    """exp(−c u²). For c = 1 or ½, u² is not rounded: exp would amplify the rounding error by u².

    For z = u to the nearest 1/16, z² is exact, and u² = z² + (u − z)(u + z). Beyond |u| = 40 the result is 0 in every
    dtype.
    """
    if c not in (sp.S.Half, sp.S.One):
        return sp.exp(-c * minimum(absolute(u), sp.S(2) ** 40) ** 2)
    u = minimum(absolute(u), 40)
    z = nearest(16 * u) / 16
    return sp.exp(-c * z**2) * sp.exp(-c * (u - z) * (u + z))


class ndtr(Positive):
    """Φ(u), the standard normal distribution function; Φ′ = exp(−u²/2)/√(2π)."""

    nargs = 1
    saved = True
    monotone, limits = "rising", (0.0, 1.0)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return gaussian(self.args[0], sp.S.Half) / sp.sqrt(2 * sp.pi)

    @staticmethod
    def reference(u: Any) -> Any:
        if abs(u) < 1000:
            return mpmath.erfc(-u / mpmath.sqrt(2)) / 2
        return mpmath.mpf(1) if u > 0 else exp_reference(-u * u / 2)

    def stable(self) -> sp.Expr:
        (u,) = self.args
        tail = _gaussian(u, sp.S.Half) * erfcx(absolute(u) / sp.sqrt(2)) / 2
        return tail + step(u) * (1 - 2 * tail)

    def plain(self) -> sp.Expr:
        return (1 + erf(self.args[0] / sp.sqrt(2))) / 2


class erf(ScalarFunction):
    """The error function; erf′ = 2·exp(−u²)/√π."""

    nargs = 1
    spelled: ClassVar[Mapping[str, str]] = {"jax": "jax.scipy.special.erf(u)"}
    saved = True
    monotone, limits = "rising", (-1.0, 1.0)
    machine = Machine(
        name="erf",
        numpy="special.erf({}",
        evaluate=lambda u: np.vectorize(math.erf, otypes=[u.dtype])(u),
        simd=True,
        scipy=True,
    )

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * gaussian(self.args[0], sp.S.One) / sp.sqrt(sp.pi)

    @staticmethod
    def reference(u: Any) -> Any:
        return mpmath.erf(u) if abs(u) < 1000 else mpmath.sign(u)
