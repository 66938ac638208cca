"""Functions that every target has and users do not call. Stable forms are written in them."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import sympy as sp

from smgen.functions.base import Machine, Positive, ScalarFunction, exp_reference
from smgen.functions.kinks import absolute, maximum


class nearest(ScalarFunction):
    """The nearest whole number."""

    nargs = 1
    internal = True
    machine = Machine(name="rint")

    @staticmethod
    def reference(u: Any) -> Any:
        return mpmath.nint(u)


class minimum(ScalarFunction):
    """min(a, b), written with maximum."""

    nargs = 2
    internal = True
    machine = Machine(name="minimum", body="const {real} m = a < b ? a : b; return a != a ? a : m;", arguments="ab")

    @staticmethod
    def reference(a: Any, b: Any) -> Any:
        return min(a, b)


def _erfcx(u: Any) -> Any:
    """From 100 on by its asymptotic series, whose fourth term is below 1e-15 of the first."""
    if u < 100:
        return exp_reference(u * u) * mpmath.erfc(u)
    v = 1 / (2 * u * u)
    return (1 - v + 3 * v**2 - 15 * v**3 + 105 * v**4) / (u * mpmath.sqrt(mpmath.pi))


def _erfcx_of_array(u: Any) -> Any:
    def value(entry: float) -> float:
        with mpmath.workdps(40):
            return float(_erfcx(mpmath.mpf(float(entry))))

    return np.vectorize(value, otypes=[u.dtype])(u)


class erfcx(ScalarFunction):
    """exp(u²)·erfc(u)."""

    nargs = 1
    internal = True
    machine = Machine(name="erfcx", numpy="special.erfcx({}", evaluate=_erfcx_of_array, simd=True, scipy=True)

    @staticmethod
    def reference(u: Any) -> Any:
        return _erfcx(u)


class kept(ScalarFunction):
    """u itself, as one value: sympy does not merge its powers and constants with the surrounding expression."""

    nargs = 1
    internal = True

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return u if u.is_Symbol or u.is_number or isinstance(u, kept) else None

    @staticmethod
    def reference(u: Any) -> Any:
        return u


class inverse(Positive):
    """t / max(t, |u|) for a positive number t."""

    nargs = 2
    internal = True

    @staticmethod
    def reference(u: Any, t: Any) -> Any:
        return t / max(t, abs(u))

    def stable(self) -> sp.Expr:
        u, t = self.args
        return kept(t * kept(1 / maximum(absolute(u), t)))


class unit(ScalarFunction):
    """u / max(t, |u|) for a positive number t."""

    nargs = 2
    internal = True

    @staticmethod
    def reference(u: Any, t: Any) -> Any:
        return u / max(t, abs(u))

    def stable(self) -> sp.Expr:
        u, t = self.args
        return kept(u * kept(1 / maximum(absolute(u), t)))
