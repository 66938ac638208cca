"""Functions of one or several symbols with their partial derivatives, in forms that compute accurately."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeAlias

import numpy as np
import sympy as sp

from smgen.calculus.derivatives import Nonlinearity, differentiate, refuse_large, refuse_unknown, shortest
from smgen.calculus.primitives import G, sigmoid, softmax, stable
from smgen.calculus.recognise import recognise
from smgen.calculus.scalar import evaluate
from smgen.calculus.symbolic import Calculus, brief, calls_in
from smgen.calculus.tails import settle
from smgen.constants import exact
from smgen.errors import UnsupportedNonlinearity
from smgen.functions import kinked, saved

Orders: TypeAlias = tuple[int, ...]
"""The arguments that a derivative is taken by, as positions in ascending order: (0, 0, 1) for f_aab."""

HIGHEST: Final = 3


def symbols_of(count: int) -> tuple[sp.Symbol, ...]:
    """The arguments of a function: g alone, or g_1, g_2, …"""
    return (G,) if count == 1 else tuple(sp.Symbol(f"g_{n}", real=True) for n in range(1, count + 1))


@dataclass(frozen=True)
class Partials:
    """f of `symbols` with its derivatives up to the third order, each computed at its first use."""

    expr: sp.Expr
    symbols: tuple[sp.Symbol, ...]

    @cached_property
    def nonlinearity(self) -> Nonlinearity | None:
        """The function with its derivatives, if it has one symbol; None otherwise."""
        return differentiate(self.expr) if self.symbols == (G,) else None

    @cached_property
    def _known(self) -> dict[Orders, sp.Expr]:
        written = recognise(exact(self.expr))
        refuse_unknown(written, self.expr)
        return {(): written}

    @cached_property
    def _forms(self) -> dict[Orders, sp.Expr]:
        return {}

    def derivative(self, orders: Orders = ()) -> sp.Expr:
        """The exact derivative. Raises `UnsupportedNonlinearity` if it has no formula."""
        if self.nonlinearity is not None:
            return self.nonlinearity.derivatives[len(orders)]
        if orders not in self._known:
            symbol = self.symbols[orders[-1]]
            below = self.derivative(orders[:-1])
            slope = Calculus().derivative(below.xreplace({symbol: G})).xreplace({G: symbol})
            refuse_large(slope, self.expr)
            refuse_unknown(slope, self.expr)
            self._known[orders] = shortest(_complement(slope))
        return self._known[orders]

    def form(self, orders: Orders = ()) -> sp.Expr:
        """The form in which the derivative is computed."""
        if self.nonlinearity is not None:
            return self.nonlinearity.forms[len(orders)]
        if orders not in self._forms:
            self._forms[orders] = _each_part(self.derivative(orders), settle)
        return self._forms[orders]

    def ratio(self, orders: Orders) -> tuple[Orders, sp.Expr] | None:
        """A lower derivative and a factor whose product is this one, where that is shorter; None otherwise."""
        ratio = self.nonlinearity.ratios[len(orders)] if self.nonlinearity is not None else None
        return None if ratio is None else (orders[: ratio[0]], ratio[1])

    def is_curved_in(self, orders: Orders) -> bool:
        """Whether a second derivative is not 0 almost everywhere."""
        if self.nonlinearity is not None:
            return is_curved(self.nonlinearity)
        return bool(self.derivative(orders) != 0)

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The names of the functions in f that make its slope jump."""
        if self.nonlinearity is not None:
            return self.nonlinearity.kinks
        names = {name for _, f in self.kinked_parts for name in f.kinks}
        return tuple(sorted(names | _switches(self.derivative())))

    @cached_property
    def kinked_parts(self) -> tuple[tuple[sp.Symbol, Nonlinearity], ...]:
        """The parts of f that depend on one symbol and have borders, as functions of g."""
        return tuple(_kinked_parts(self.derivative()))

    @property
    def kinks(self) -> bool:
        """Whether the slope jumps somewhere."""
        return bool(self.switches)

    @cached_property
    def saved(self) -> tuple[sp.Expr, ...]:
        """The calls that are evaluated once per element; the derivatives are rebuilt from them by arithmetic."""
        if self.nonlinearity is not None:
            return self.nonlinearity.saved
        if not self.expr.atoms(sp.Function):
            return ()
        return tuple(
            sorted({c for o in self.orders() for c in calls_in(self.form(o), *saved())}, key=sp.default_sort_key)
        )

    def orders(self) -> Iterator[Orders]:
        """The orders of all derivatives, without those that are 0 because a lower derivative is a number."""
        level: list[Orders] = [(n,) for n in range(len(self.symbols))]
        for _ in range(HIGHEST):
            yield from level
            curved = [orders for orders in level if self.derivative(orders).free_symbols]
            level = [(*orders, n) for orders in curved for n in range(orders[-1], len(self.symbols))]


@lru_cache(maxsize=256)
def partials(expr: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Partials:
    """The derivatives of a function of these symbols.

    Raises `UnsupportedNonlinearity` if one has no formula, or the function does not depend on one of the symbols.
    """
    f = Partials(expr, symbols)
    for n in range(len(symbols)):
        if f.derivative((n,)) == 0:
            raise UnsupportedNonlinearity(
                what=f"{brief(expr)} has no usable derivative by its argument {n + 1}: it is 0 almost everywhere",
                hint="leave the argument out, or use it in a smooth function",
            )
    return f


def _each_part(expr: sp.Expr, improve: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """The expression with `improve`, which is for functions of g, applied to each part with one symbol."""
    symbols = expr.free_symbols
    if len(symbols) == 1:
        (symbol,) = symbols
        return improve(expr.xreplace({symbol: G})).xreplace({G: symbol})
    if not symbols:
        return expr
    parts = [_each_part(arg, improve) for arg in _parts(expr)]
    return expr.func(*parts)


def _parts(expr: sp.Expr) -> list[sp.Expr]:
    """The arguments of an expression. In sums and products, arguments of the same single symbol are put together."""
    if not (expr.is_Add or expr.is_Mul):
        return list(expr.args)
    together: dict[frozenset[sp.Basic], list[sp.Expr]] = {}
    for arg in expr.args:
        key = frozenset(arg.free_symbols)
        together.setdefault(key if len(key) <= 1 else frozenset({arg}), []).append(arg)
    return [expr.func(*args) for args in together.values()]


def _complement(e: sp.Expr) -> sp.Expr:
    """Replace 1 − σ(u) by σ(−u), and 1 − Σ of all softmax weights but one by that one: no digits are lost."""
    one, rest = e.as_coeff_Add()
    weights = [-term for term in sp.Add.make_args(rest)]
    if one != 1 or len({(type(w), w.args[:-1]) for w in weights}) != 1:
        return e
    if isinstance(weights[0], sigmoid):
        return sigmoid(-weights[0].args[0])
    if not isinstance(weights[0], softmax):
        return e
    missing = set(range(len(weights[0].args))) - {int(weight.args[-1]) for weight in weights}
    return softmax(*weights[0].args[:-1], *missing) if len(missing) == 1 else e


def _kinked_parts(e: sp.Expr) -> Iterator[tuple[sp.Symbol, Nonlinearity]]:
    if len(e.free_symbols) > 1:
        for part in _parts(e):
            yield from _kinked_parts(part)
    elif e.has(*kinked()):
        (symbol,) = e.free_symbols
        with suppress(UnsupportedNonlinearity):  # a part of steps alone has slope 0, which `differentiate` refuses
            yield symbol, differentiate(e.xreplace({symbol: G}))


def _switches(e: sp.Expr) -> set[str]:
    """The names of functions of several symbols that make the slope jump, and of steps of one symbol."""
    if not e.has(*kinked()):
        return set()
    if len(e.free_symbols) == 1:
        return set() if any(_kinked_parts(e)) else {call.func.__name__ for call in e.atoms(*kinked())}
    own = {e.func.__name__} if isinstance(e, kinked()) else set()
    return own.union(*map(_switches, _parts(e)))


def is_curved(nonlinearity: Nonlinearity) -> bool:
    """Whether f″ is nonzero: as a formula or, for a function with kinks, at one of many points."""
    f_second = nonlinearity.derivatives[2]
    if f_second == 0 or not nonlinearity.kinks:
        return bool(f_second != 0)
    decades = np.logspace(-6, 6, 481)
    points = np.concatenate([-decades, decades, np.linspace(-30, 30, 1237)])
    with np.errstate(all="ignore"):
        return bool(np.any(evaluate(stable(f_second), {G: points}, np.float64)))
