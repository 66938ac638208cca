"""Values of expressions in arbitrary precision. Of a choice, only the valid branch is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from smgen.functions import choose, references


class Place:
    """Numbers for symbols, and the values of expressions at these numbers. Each part is computed once."""

    def __init__(self, numbers: Mapping[sp.Symbol, Any]) -> None:
        self._known: dict[sp.Expr, Any] = {symbol: mpmath.mpf(number) for symbol, number in numbers.items()}

    def value(self, e: sp.Expr) -> Any:
        """The value in mpmath's precision; NaN if it is not real."""
        try:
            return self._value(e)
        except (ZeroDivisionError, ValueError, TypeError, OverflowError):
            return mpmath.nan

    def _value(self, e: sp.Expr) -> Any:
        if e not in self._known:
            value = self._computed(e)
            if not isinstance(value, mpmath.mpf | int | float) or not mpmath.isfinite(value):
                raise ValueError(f"{e} is not real")
            self._known[e] = value
        return self._known[e]

    def _computed(self, e: sp.Expr) -> Any:
        if e.is_number:
            return _number(e, mpmath.mp.prec)
        if isinstance(e, choose):
            a, b, x, y = e.args
            return self._value(x if self._value(a) < self._value(b) else y)
        arguments = [self._value(arg) for arg in e.args]
        match e:
            case sp.Add():
                return mpmath.fsum(arguments)
            case sp.Mul():
                return mpmath.fprod(arguments)
            case sp.Pow():
                base, exponent = arguments
                return base ** (int(e.exp) if e.exp.is_Integer else exponent)
            case _:
                return _function(e.func)(*arguments)


@lru_cache(maxsize=4096)
def _number(e: sp.Expr, precision: int) -> Any:
    if e.is_Rational:
        return mpmath.mpf(int(e.p)) / int(e.q)
    return sp.N(e, mpmath.libmp.prec_to_dps(precision) + 2)._to_mpmath(precision)


@lru_cache(maxsize=128)
def _function(call: type[sp.Function]) -> Callable[..., Any]:
    reference: Callable[..., Any] = references().get(call.__name__) or getattr(mpmath, call.__name__)
    return reference
