"""Scalar expressions of λ, N and sums, as Python source."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

_OPERATOR = re.compile(r"(?<=[\w)])([*/])(?=[\w(])")


class _ScalarPrinter(PythonCodePrinter):
    """Rationals and constants as decimal literals, so that no integer division or symbolic constant is left."""

    def _print_Rational(self, expr: sp.Rational) -> str:
        return repr(float(expr))

    def _print_NumberSymbol(self, expr: sp.NumberSymbol) -> str:
        return repr(float(expr))

    _print_Exp1 = _print_Pi = _print_NumberSymbol


def python_scalar(expr: sp.Expr) -> str:
    """`expr` as Python source in float64; numbers without a symbol are evaluated to all their digits."""
    if expr.is_number:
        return repr(float(expr))
    numbers = {e: sp.Float(e.evalf(20), 20) for e in expr.atoms(sp.Pow, sp.Function) if e.is_number}
    printer: Any = _ScalarPrinter({"fully_qualified_modules": False})
    return _OPERATOR.sub(r" \1 ", str(printer.doprint(expr.xreplace(numbers))))
