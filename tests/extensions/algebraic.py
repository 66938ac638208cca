"""A scalar function that smgen does not have: u / √(1 + u²), the algebraic sigmoid."""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp

from smgen.functions.base import ScalarFunction
from smgen.functions.kinks import absolute, maximum


class algebraic(ScalarFunction):
    nargs = 1
    monotone, limits = "rising", (-1.0, 1.0)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return (1 + self.args[0] ** 2) ** sp.Rational(-3, 2)

    @staticmethod
    def reference(u: Any) -> Any:
        return u / mpmath.sqrt(1 + u * u)

    def stable(self) -> sp.Expr:
        (u,) = self.args
        size = maximum(absolute(u), 1)
        return (u / size) / sp.sqrt((1 / size) ** 2 + (u / size) ** 2)
