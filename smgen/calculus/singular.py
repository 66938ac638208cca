"""Places where a function or a derivative has no value: poles, infinite derivatives, quotients 0/0."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import mpmath
import sympy as sp

from smgen.calculus.primitives import MARKS, G, choose, log1p, references

DIGITS: Final = 60
_STEPS: Final = (mpmath.mpf(10) ** -12, mpmath.mpf(10) ** -18, mpmath.mpf(10) ** -24)


def suspects(f: sp.Expr) -> list[Any]:
    """The places where a divisor, or the argument of a root or logarithm, is 0."""
    bases = {power.base for power in f.atoms(sp.Pow) if power.exp.is_number and not _is_whole(power.exp)}
    bases |= {call.args[0] for call in f.atoms(sp.log)} | {1 + call.args[0] for call in f.atoms(log1p)}
    with mpmath.workdps(DIGITS):
        places = {place for base in bases if G in base.free_symbols for place in zeros(base)}
        return sorted(places)


def _is_whole(exponent: sp.Expr) -> bool:
    return bool(exponent.is_Integer and exponent.is_positive)


def zeros(base: sp.Expr) -> Iterable[Any]:
    """The zeros of a function of g: all real roots of a polynomial, otherwise changes of sign between −20 and 20."""
    if base.is_polynomial(G):
        poly = sp.Poly(base, G)
        if poly.degree() <= 12 and all(c.is_Rational for c in poly.all_coeffs()):
            return [mpmath.mpf(str(sp.N(root, DIGITS))) for root in set(sp.real_roots(poly))]
    f = sp.lambdify(G, base, [references(), "mpmath"])
    crossings = []
    for a, b in pairwise(mpmath.mpf(k) / 8 + mpmath.mpf(1) / 1024 for k in range(-160, 161)):
        try:
            if f(a) * f(b) < 0:
                crossings.append(mpmath.findroot(f, (a, b), solver="anderson"))
        except (ValueError, ZeroDivisionError, TypeError):
            continue
        if len(crossings) > 4:
            break
    return crossings


def explain(derivatives: tuple[sp.Expr, ...], place: Any) -> str:
    """The fault of f … f‴ at a place, in words; empty if all are real, or not real on a whole side."""
    with mpmath.workdps(2 * DIGITS):
        for mark, derivative in zip(MARKS, derivatives, strict=True):
            branch = _branch(derivative, mpmath.mpf(place))
            f = sp.lambdify(G, branch, [references(), "mpmath"])
            at = mpmath.nstr(mpmath.mpf(place), 6).removesuffix(".0")
            text = explained(mark, f, mpmath.mpf(place), at, at_border=branch.has(choose))
            if text is not None:
                return text
    return ""


def _branch(f: sp.Expr, place: Any) -> sp.Expr:
    """`f` with only the branches that are valid around a place, where others may have no value. `f` at a border."""

    def chosen(a: sp.Expr, b: sp.Expr, x: sp.Expr, y: sp.Expr) -> sp.Expr:
        side = (a - b).subs(G, sp.Float(place, DIGITS))
        return choose(a, b, x, y) if not side.is_number or side == 0 else x if side < 0 else y

    return f.replace(choose, chosen) if f.has(choose) else f


def explained(mark: str, f: Any, place: Any, words: str, *, at_border: bool) -> str | None:
    """The fault of one derivative at a place or border, which `words` describes; None if there is none."""
    sides = [[_value(f, place + sign * step * max(1, abs(place))) for step in _STEPS] for sign in (-1, 1)]
    whole = [side for side in sides if all(value is not None for value in side)]
    here = _value(f, place)
    if not whole:
        return ""
    if any(abs(side[2]) > abs(side[1]) + 1 and abs(side[1]) > abs(side[0]) + 1 for side in whole):
        # A logarithm grows by 13.8 with every step, a root or a quotient by a factor.
        steady = any(abs(side[2]) > 20 * abs(side[0]) for side in whole)
        return f"has a pole at {words}" if mark == "f" and steady else f"{mark} is infinite at {words}"
    if here is not None or len(whole) < 2:
        return None if here is not None else ""
    left, right = sides
    if abs(left[2] - right[2]) > mpmath.mpf(10) ** -9 * max(1, abs(left[2])):
        return f"{mark} jumps at {words}"
    if at_border:
        return f"a branch of {mark} is 0/0 at its border, {words}"
    return f"{mark} is 0/0 at {words}, though it has a limit there, {mpmath.nstr(right[2], 6)}"


def _value(f: Any, place: Any) -> Any:
    try:
        value = +f(place)  # which makes a number of mpmath's π
    except (ValueError, ZeroDivisionError, TypeError):
        return None
    if not isinstance(value, mpmath.mpf | int | float):
        return None
    return mpmath.mpf(value) if mpmath.isfinite(value) else None
