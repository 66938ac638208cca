"""Scalar expressions as C: one printer for every C-like target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import sympy as sp

from smgen import primitives as p
from smgen.errors import InternalError

_MATH: Final[dict[type[sp.Function], str]] = {
    **{f: f.__name__ for f in (sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.atan)},
    **{f: f.__name__ for f in (p.log1p, p.expm1, p.erf, p.erfcx)},
    p.absolute: "fabs",
    p.nearest: "rint",
}
"""Functions of the C library, which float calls with an f at the end of their names."""

SIMD: Final = frozenset({sp.exp, sp.log, sp.tanh, p.expm1, p.log1p, p.erf, p.erfcx})
"""Functions that smgen has vectorisable ones of, called simd_exp and so on: templates/c/primitives.h."""

_OWN: Final[dict[type[sp.Function], str]] = {f: f.__name__ for f in (p.maximum, p.signum, p.step, p.relu)}
"""Functions that the generated file defines in its dtype."""

_SUM, _PRODUCT, _ATOM = 1, 2, 3


@dataclass(frozen=True, slots=True)
class CPrinter:
    """Prints in `float` or `double`: every literal and every call has the dtype's suffix, small powers are products.

    `simd` calls smgen's own functions where it has them.
    """

    dtype: str
    simd: bool = False

    @property
    def real(self) -> str:
        """The C type."""
        return "float" if self.dtype == "float32" else "double"

    @property
    def suffix(self) -> str:
        """The suffix of literals and calls: f for float, nothing for double."""
        return "f" if self.dtype == "float32" else ""

    def __call__(self, expr: sp.Expr) -> str:
        """`expr` as a C expression."""
        return self._print(expr, _SUM)

    def literal(self, value: sp.Expr) -> str:
        """The shortest decimal that is the number nearest to `value` in the dtype."""
        number = np.dtype(self.dtype).type(float(value.evalf(25)))
        if not np.isfinite(number):
            raise InternalError(f"the constant {value} is not finite in {self.dtype}")
        text = repr(float(number)) if self.dtype == "float64" else str(number)
        return text + self.suffix

    def _print(self, expr: sp.Expr, context: int) -> str:
        """Print with parentheses if the expression binds more loosely than its context."""
        if expr.is_number:
            text = self.literal(expr)
            return f"({text})" if text.startswith("-") and context > _SUM else text
        match expr:
            case sp.Symbol():
                return str(expr.name)
            case sp.Add():
                return self._parenthesised(self._sum(expr), context > _SUM)
            case sp.Mul():
                text = self._product(expr)
                return self._parenthesised(text, context > _PRODUCT or (text.startswith("-") and context > _SUM))
            case sp.Pow():
                text, level = self._power(expr.base, expr.exp)
                return self._parenthesised(text, context > level)
            case sp.Function():
                arguments = ", ".join(self._print(arg, _SUM) for arg in expr.args)
                if expr.func in _OWN:
                    return f"{_OWN[expr.func]}({arguments})"
                if expr.func in _MATH:
                    own = "simd_" if self.simd and expr.func in SIMD else ""
                    return f"{own}{_MATH[expr.func]}{self.suffix}({arguments})"
        raise InternalError(f"no C for {type(expr).__name__} in {expr}")

    @staticmethod
    def _parenthesised(text: str, needed: bool) -> str:
        return f"({text})" if needed else text

    def _sum(self, expr: sp.Add) -> str:
        """Positive terms first, so that no sum begins with a minus it does not need."""
        terms = sorted(expr.as_ordered_terms(), key=lambda term: bool(term.as_coeff_Mul()[0].is_negative))
        text = self._print(terms[0], _SUM)
        for term in terms[1:]:
            negative = bool(term.as_coeff_Mul()[0].is_negative)
            text += f" - {self._print(-term, _PRODUCT)}" if negative else f" + {self._print(term, _PRODUCT)}"
        return text

    def _product(self, expr: sp.Mul) -> str:
        if expr.as_coeff_Mul()[0].is_negative:
            return f"-{self._print(-expr, _PRODUCT)}"
        factors = expr.as_ordered_factors()
        below = [f for f in factors if f.is_Pow and f.exp.is_number and f.exp.is_negative and not f.is_number]
        above = [self._print(f, _PRODUCT) for f in factors if f not in below]
        text = " * ".join(above or [self.literal(sp.S.One)])
        if not below:
            return text
        return f"{text} / {self._print(1 / sp.Mul(*below), _ATOM)}"

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> tuple[str, int]:
        if exponent.is_number and exponent.is_negative:
            return f"{self.literal(sp.S.One)} / {self._print(base ** (-exponent), _ATOM)}", _PRODUCT
        if exponent.is_Integer and exponent <= 4:
            if base.is_Symbol:
                return " * ".join([str(base.name)] * int(exponent)), _PRODUCT
            inner = self._print(base, _SUM)
            return {2: f"squared({inner})", 3: f"cubed({inner})", 4: f"squared(squared({inner}))"}[int(exponent)], _ATOM
        if (2 * exponent).is_Integer and not exponent.is_Integer:
            root = f"sqrt{self.suffix}({self._print(base, _SUM)})"
            whole = exponent - sp.S.Half
            if whole == 0:
                return root, _ATOM
            return f"{self._print(base**whole, _PRODUCT)} * {root}", _PRODUCT
        return f"pow{self.suffix}({self._print(base, _SUM)}, {self._print(exponent, _SUM)})", _ATOM
