"""log cosh and 1 / cosh."""

from __future__ import annotations

from math import inf
from typing import Any

import mpmath
import sympy as sp

from smgen.functions.base import Positive, ScalarFunction, exp_reference
from smgen.functions.exponentials import log1p
from smgen.functions.kinks import absolute, choose
from smgen.functions.machine import kept


class logcosh(ScalarFunction):
    """log(cosh(u)); its derivative is tanh."""

    nargs = 1
    saved = True
    monotone, limits = "even", (inf, inf)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        return abs(u) + mpmath.log1p(exp_reference(-2 * abs(u))) - mpmath.log(2)

    def stable(self) -> sp.Expr:
        """−½ log(1 − tanh²) is exact near 0, |u| + log(1 + exp(−2|u|)) − log 2 away from it: one log1p for both."""
        (u,) = self.args
        inside = log1p(choose(absolute(u), 1, -(sp.tanh(u) ** 2), kept(sp.exp(-absolute(u))) ** 2))
        return choose(absolute(u), 1, -inside / 2, (absolute(u) - sp.log(2)) + inside)

    def plain(self) -> sp.Expr:
        (u,) = self.args
        return absolute(u) + log1p(sp.exp(-2 * absolute(u))) - sp.log(2)


class sech(Positive):
    """1 / cosh(u); sech′ = −tanh·sech."""

    nargs = 1
    saved = True
    monotone = "bell"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -sp.tanh(self.args[0]) * self

    @staticmethod
    def reference(u: Any) -> Any:
        return 2 / (exp_reference(u) + exp_reference(-u))

    def stable(self) -> sp.Expr:
        decay = kept(sp.exp(-absolute(self.args[0])))
        return 2 * decay / (1 + decay**2)

    def plain(self) -> sp.Expr:
        return 1 / sp.cosh(self.args[0])
