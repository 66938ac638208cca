"""Scalar expressions of λ, N and sums, as Python source."""

from __future__ import annotations

import re

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from smgen.constants import nearest_float

_OPERATOR = re.compile(r"(?<=[\w)])([*/])(?=[\w(])")


def python_scalar(expr: sp.Expr) -> str:
    """`expr` as Python source in float64: decimal literals, with no integer division or symbolic constant left."""
    if expr.is_number:
        return repr(nearest_float(expr))
    constants = expr.atoms(sp.Pow, sp.Function, sp.NumberSymbol, sp.Rational) - expr.atoms(sp.Integer)
    numbers = {e: sp.Float(nearest_float(e), 17) for e in constants if e.is_number}
    printer = PythonCodePrinter({"fully_qualified_modules": False})
    return _OPERATOR.sub(r" \1 ", str(printer.doprint(expr.xreplace(numbers))))
