"""The borders where a function with |u|, max or branches changes its formula, and the derivatives that jump there.

`max(g, 0) + log(1 + exp(−|g|))` is softplus, and `max(g, 0) + min(exp(g) − 1, 0)` has a slope everywhere, but the
differentiation rules of |u| and max have no slope where u is 0. So f is cut at its borders into pieces without such
functions, and the one-sided limits of f, f′, f″ and f‴ are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import mpmath
import sympy as sp

from smgen.calculus.primitives import G, choose, references
from smgen.calculus.recognise import recognise
from smgen.calculus.symbolic import Calculus
from smgen.functions import kinked

DIGITS: Final = 50
EQUAL: Final = mpmath.mpf(10) ** -25
MOST_BORDERS: Final = 16
"""A function with more borders than this, such as |sin g|, is left as it is."""


@dataclass(frozen=True, slots=True)
class Border:
    """A place where the formula of f changes. `jumps` is the lowest order whose one-sided limits differ, if any."""

    place: sp.Expr
    jumps: int | None


@dataclass(frozen=True, slots=True)
class Pieces:
    """f in terms of its pieces, and its borders."""

    f: sp.Expr
    borders: tuple[Border, ...]


def pieces(f: sp.Expr) -> Pieces | None:
    """Cut f at its borders. None if it has none, too many, or some that cannot be located.

    f is written in pieces only if its slope is continuous at a border; otherwise the differentiation rules suffice.
    """
    with mpmath.workdps(DIGITS):
        places = _places(f)
        if places is None or not places:
            return None
        middles = [places[0] - 1, *((a + b) / 2 for a, b in pairwise(places)), places[-1] + 1]
        parts = [recognise(_resolved(f, _number(middle))) for middle in middles]
        borders = tuple(
            Border(place, _jump(left, right, _number(place)))
            for place, (left, right) in zip(places, pairwise(parts), strict=True)
            if left != right
        )
        if all(border.jumps in (0, 1) for border in borders) and borders:
            return Pieces(f, borders)
        whole = parts[-1]
        for place, (part, after) in zip(reversed(places), reversed(list(pairwise(parts))), strict=True):
            whole = whole if part == after else choose(G, place, part, whole)
        return Pieces(whole, borders)


def _number(value: sp.Expr) -> Any:
    return mpmath.mpf(value.p) / value.q if value.is_Rational else mpmath.mpf(str(sp.N(value, DIGITS + 10)))


def _places(f: sp.Expr) -> list[sp.Expr] | None:
    """The real roots of all switches, in order."""
    roots_of_switches: set[sp.Expr] = set()
    for call in f.atoms(*kinked()):
        roots = _roots(call.switch)
        if roots is None:
            return None
        roots_of_switches |= roots
    distinct: list[sp.Expr] = []
    for root in sorted(roots_of_switches, key=_number):
        if not distinct or _number(root) - _number(distinct[-1]) > EQUAL * max(1, abs(_number(root))):
            distinct.append(root)
    return distinct if len(distinct) <= MOST_BORDERS else None


def _roots(u: sp.Expr) -> set[sp.Expr] | None:
    if G not in u.free_symbols:
        return set()
    if u.is_polynomial(G):
        poly = sp.Poly(u, G)
        if poly.degree() == 1:
            return {-poly.nth(0) / poly.nth(1)}
        if poly.degree() > 8 or not all(c.is_Rational for c in poly.all_coeffs()):
            return _scanned(u)
        return {sp.Rational(str(sp.N(r, DIGITS))) if not r.is_Rational else r for r in sp.real_roots(poly)}
    return _scanned(u)


def _scanned(u: sp.Expr) -> set[sp.Expr] | None:
    """The roots of u between grid points where its sign differs, by bisection; None if there are too many."""
    function = sp.lambdify(G, u, [references(), "mpmath"])
    grid = [mpmath.mpf(k) / 8 + mpmath.mpf(1) / 1000 for k in range(-400, 401)]
    roots: set[sp.Expr] = set()
    for a, b in pairwise(grid):
        try:
            if function(a) * function(b) < 0:
                root = mpmath.findroot(function, (a, b), solver="anderson", tol=mpmath.mpf(10) ** (-2 * DIGITS + 20))
                near = sp.Rational(sp.nsimplify(sp.Float(root, DIGITS), rational=True, tolerance=1e-40))
                roots.add(near)
        except (ValueError, ZeroDivisionError, TypeError):
            return None
        if len(roots) > MOST_BORDERS:
            return None
    return roots


def _resolved(e: sp.Expr, place: Any) -> sp.Expr:
    """`e` with kinked functions replaced by the formula that holds around a place that is no border."""
    if not e.has(*kinked()):
        return e
    if not isinstance(e, kinked()):
        return e.func(*(_resolved(arg, place) for arg in e.args))
    value = sp.lambdify(G, e.switch, [references(), "mpmath"])(place)
    return _resolved(e.side((value > 0) - (value < 0)), place)


def _jump(left: sp.Expr, right: sp.Expr, border: Any) -> int | None:
    """The lowest order from 0 to 3 whose derivatives from the two sides differ at the border; None if none does."""
    calculus = Calculus()
    for order in range(4):
        a, b = (_limit(e, border, direction) for e, direction in ((left, -1), (right, 1)))
        if a is None or b is None or abs(a - b) > EQUAL * max(1, abs(a)):
            return order
        left, right = (calculus.derivative(e) for e in (left, right))
    return None


def _limit(e: sp.Expr, border: Any, direction: int) -> Any:
    """The value at the border, or next to it if the formula has no value there; None if neither exists."""
    function = sp.lambdify(G, e, [references(), "mpmath"])
    for place in (border, border + direction * mpmath.mpf(10) ** -28 * max(1, abs(border))):
        try:
            value = mpmath.mpf(function(place))
        except (ValueError, ZeroDivisionError, TypeError):
            continue
        if mpmath.isfinite(value):
            return value
    return None
