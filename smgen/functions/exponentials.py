"""log(1 + u), exp(u) − 1, and log-sum-exp with its weights."""

from __future__ import annotations

from math import inf
from typing import Any

import mpmath
import sympy as sp

from smgen.functions.base import Machine, Positive, ScalarFunction, exp_reference
from smgen.functions.kinks import maximum, relu
from smgen.functions.machine import kept


class log1p(ScalarFunction):
    """log(1 + u), accurate near u = 0."""

    nargs = 1
    saved = True
    monotone = "rising"
    machine = Machine(name="log1p", simd=True)

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return u if u == 0 else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / (1 + self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        """log1p where it is real; mpmath would continue into the complex numbers."""
        return mpmath.log1p(u) if u > -1 else mpmath.nan


class expm1(ScalarFunction):
    """exp(u) − 1, accurate near u = 0."""

    nargs = 1
    saved = True
    monotone, limits = "rising", (-1.0, inf)
    machine = Machine(name="expm1", simd=True)

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return u if u == 0 else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.exp(self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        return mpmath.expm1(u) if abs(u) < 1 else exp_reference(u) - 1


class logsumexp(ScalarFunction):
    """log(1 + Σ exp(r)) over the arguments r, at least one."""

    saved = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return softmax(*self.args, argindex)

    @staticmethod
    def reference(*exponents: Any) -> Any:
        most = max(0, *exponents)
        return most + mpmath.log1p(expm1.reference(-most) + sum(exp_reference(r - most) for r in exponents))

    def stable(self) -> sp.Expr:
        most, total = _shifted(self.args)
        return most + log1p(expm1(-most) + total)

    def plain(self) -> sp.Expr:
        return sp.log(1 + sp.Add(*map(sp.exp, self.args)))


class softmax(Positive):
    """exp(r_k) / (1 + Σ exp(r)), or 1 / (1 + Σ exp(r)) for k = 0: the arguments are r_1, r_2, … and the number k."""

    saved = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        *exponents, k = self.args
        return self * (int(k == argindex) - softmax(*exponents, argindex))

    @staticmethod
    def reference(*arguments: Any) -> Any:
        *exponents, k = arguments
        return exp_reference((0, *exponents)[int(k)] - logsumexp.reference(*exponents))

    def stable(self) -> sp.Expr:
        *exponents, k = self.args
        most, total = _shifted(tuple(exponents))
        exponent = kept(exponents[int(k) - 1]) if k > 0 else sp.S.Zero
        return sp.exp(exponent - most) / kept(sp.exp(-most) + total)

    def plain(self) -> sp.Expr:
        *exponents, k = self.args
        return sp.exp((sp.S.Zero, *exponents)[int(k)]) / (1 + sp.Add(*map(sp.exp, exponents)))


def _shifted(exponents: tuple[sp.Expr, ...]) -> tuple[sp.Expr, sp.Expr]:
    """The largest of 0 and the exponents r, and Σ exp(r − largest)."""
    first, *others = map(kept, exponents)
    most: sp.Expr = relu(first)
    for exponent in others:
        most = maximum(most, exponent)
    return most, sp.Add(*(sp.exp(exponent - most) for exponent in (first, *others)))
