"""f, f′, f″ and f‴ of a pointwise nonlinearity, as sympy expressions that compute well."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import sympy as sp

from smgen.calculus.pieces import Border, pieces
from smgen.calculus.primitives import G, choose, logsumexp, maximum, softmax
from smgen.calculus.recognise import recognise
from smgen.calculus.symbolic import Calculus, brief, calls_in, subexpressions
from smgen.calculus.tails import settle
from smgen.constants import exact
from smgen.errors import SmgenError, UnsupportedNonlinearity, did_you_mean, several, shortened
from smgen.functions import kinked, known, saved

ORDERS = range(4)
MOST_PARTS: Final = 20_000
_HINT = "use a smooth real function of one symbol, such as sm.softplus, sm.tanh or sm.logcosh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonlinearity:
    """A scalar function f of `primitives.G` with its first three derivatives.

    derivatives[n] is the n-th derivative in G and primitives, forms[n] the form that is computed (`tails.settle`).
    `saved` are the calls that are evaluated once per element, such as tanh(g) or σ(g); f′, f″ and f‴ are rebuilt from
    them by arithmetic. ratios[n] = (k, q) says that the n-th derivative is q times the k-th, which is shorter
    (tanh″ = −2·tanh·tanh′). `written` is f as its author wrote it. `switches` names the functions whose slope jumps
    somewhere; `borders` says where, and in which derivative.
    """

    written: sp.Expr
    derivatives: tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]
    forms: tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]
    saved: tuple[sp.Expr, ...]
    ratios: tuple[tuple[int, sp.Expr] | None, ...]
    switches: tuple[str, ...]
    borders: tuple[Border, ...] | None

    @property
    def f(self) -> sp.Expr:
        """The form in which f itself is computed."""
        return self.forms[0]

    @property
    def kinks(self) -> tuple[str, ...]:
        """The names of the functions in f that make its slope jump."""
        if self.borders is not None and all(border.jumps not in (0, 1) for border in self.borders):
            return ()
        return self.switches


def symbolic(
    function: sp.Expr | Callable[..., sp.Expr], symbols: tuple[sp.Symbol, ...] = (G,), *, origin: str = ""
) -> sp.Expr:
    """Turn what the user passed to `pointwise` into an expression of `symbols`, one for each operand.

    Raises `UnsupportedNonlinearity` for anything but an expression in exactly these symbols and known functions.
    """
    expr = function
    called = not isinstance(function, sp.Basic) and callable(function)
    if called:
        try:
            expr = function(*symbols)
        except SmgenError:
            raise
        except Exception as error:
            raise UnsupportedNonlinearity(
                origin=origin,
                what=f"the pointwise function raised {type(error).__name__}: {shortened(error, str)}",
                hint="it is called once with a sympy symbol for each node: use sympy.exp, not math.exp or numpy.exp",
            ) from error
    try:
        expr = sp.sympify(expr)
    except Exception as error:
        what = f"{shortened(function)} is no sympy expression"
        raise UnsupportedNonlinearity(origin=origin, what=what, hint=_HINT) from error
    if not isinstance(expr, sp.Expr) or expr.is_Matrix:
        text = brief(expr) if isinstance(expr, sp.Basic) else shortened(expr)
        raise UnsupportedNonlinearity(origin=origin, what=f"{text} is no scalar expression", hint=_HINT)
    if expr.has(sp.Sum, sp.Product, sp.Integral, sp.Derivative):
        expr = expr.doit()
    _refuse_constants(expr, origin)
    return _in_symbols(expr, tuple(dict.fromkeys(symbols)), origin, called=called)


def _in_symbols(expr: sp.Expr, symbols: tuple[sp.Symbol, ...], origin: str, *, called: bool) -> sp.Expr:
    """The expression in `symbols`, if it has as many symbols; the symbol of a single operand may have any name."""
    own = sorted(expr.free_symbols, key=str)
    listed = several(own, str) or "none"
    if len(symbols) > 1:
        if set(own) != set(symbols):
            raise UnsupportedNonlinearity(
                origin=origin,
                what=f"a pointwise function of {len(symbols)} nodes uses each of its arguments and no other symbol; "
                f"{brief(expr)} has {listed}",
                hint="write lambda a, b: … in terms of a and b; put numbers in for constants",
            )
        return expr
    if len(own) != 1 or not own[0].is_Symbol:
        raise UnsupportedNonlinearity(
            origin=origin,
            what=f"a pointwise expression has exactly one symbol; {brief(expr)} has {listed}",
            hint="put numbers in for constants; a function of two nodes is sm.pointwise((a, b), lambda a, b: …)",
        )
    if called and own[0] != symbols[0]:
        raise UnsupportedNonlinearity(
            origin=origin,
            what=f"the pointwise function does not use its argument: it returns {brief(expr)}, whose symbol is its own",
            hint="write lambda g: … in terms of g, or pass the expression itself",
        )
    return expr.xreplace({own[0]: symbols[0]})


def _refuse_constants(expr: sp.Expr, origin: str) -> None:
    for number in sorted(expr.atoms(sp.Number, sp.core.numbers.ImaginaryUnit, type(sp.zoo)), key=sp.default_sort_key):
        if number in (sp.nan, sp.zoo, sp.oo, -sp.oo):
            what = f"{brief(expr)} contains the non-finite constant {number}"
        elif number is sp.I:
            what = f"{brief(expr)} is complex"
        elif abs(number) > sys.float_info.max:
            what = f"the expression contains a constant above {sys.float_info.max:.1e}, the largest float64"
        else:
            continue
        raise UnsupportedNonlinearity(origin=origin, what=what, hint=_HINT)


@lru_cache(maxsize=256)
def differentiate(expr: sp.Expr) -> Nonlinearity:
    """f → (f, f′, f″, f‴), each in the cheaper of its forms; derivatives with common powers share them.

    Raises `UnsupportedNonlinearity` if f′ vanishes identically, a derivative has no formula, or f‴ has more parts than
    can be judged.
    """
    written = recognise(exact(expr))
    refuse_unknown(written, expr)
    cut = pieces(written)
    f = written if cut is None else cut.f
    calculus = Calculus()
    orders = [f]
    for _ in range(3):
        slope = calculus.derivative(orders[-1])
        refuse_large(slope, expr)
        orders.append(shortest(recognise(slope) if slope.has(choose) else slope))
    f, f1, f2, f3 = orders
    for derivative in (f1, f2, f3):
        refuse_unknown(derivative, expr)
    if f1 == 0:
        raise UnsupportedNonlinearity(
            what=f"{brief(expr)} has no usable derivative: f′ is 0 almost everywhere",
            hint="use a smooth function, or one of sm.relu, sm.tanh, sm.softplus",
        )
    derivatives = (f, f1, f2, f3)
    forms = (settle(f), settle(f1), settle(f2), settle(f3))
    calls = {call for form in forms[1:] for call in calls_in(form, *saved())}
    return Nonlinearity(
        written=expr,
        derivatives=derivatives,
        forms=forms,
        saved=tuple(sorted(calls, key=sp.default_sort_key)),
        ratios=(None, None, _ratio(derivatives, forms, 2), _ratio(derivatives, forms, 3)),
        switches=tuple(sorted({call.func.__name__ for call in written.atoms(*kinked())})),
        borders=() if not written.has(*kinked()) else None if cut is None else cut.borders,
    )


def _ratio(derivatives: tuple[sp.Expr, ...], forms: tuple[sp.Expr, ...], n: int) -> tuple[int, sp.Expr] | None:
    """The shortest (k, q), 1 ≤ k < n, with f⁽ⁿ⁾ = q·f⁽ᵏ⁾, q bounded, without a quotient, shorter than f⁽ⁿ⁾ itself."""
    best: tuple[int, sp.Expr] | None = None
    for k in range(1, n):
        if derivatives[k].is_number or derivatives[n].is_number or not _tame(derivatives[n]):
            continue
        q = sp.factor(sp.cancel(derivatives[n] / derivatives[k]))
        shorter = sp.count_ops(q) + 1 < sp.count_ops(derivatives[n] if best is None else best[1] * G)
        # A factor that grows with g could be infinite where f⁽ᵏ⁾ is 0.
        plain = q.is_number or G not in q.xreplace({call: sp.Dummy() for call in q.atoms(sp.Function)}).free_symbols
        if sp.denom(q).is_number and shorter and plain and q.atoms(*saved()) <= forms[n].atoms(*saved()):
            best = (k, q)
    return best


def _tame(expr: sp.Expr) -> bool:
    """Whether factoring is quick: its time grows steeply with the number of functions and operations."""
    if len(subexpressions(expr)) > 80 or expr.has(choose, maximum, logsumexp, softmax):
        return False
    return len(expr.atoms(sp.Function)) <= 3 and bool(sp.count_ops(expr) <= 80)


def shortest(derivative: sp.Expr) -> sp.Expr:
    """The form with the fewest operations: as differentiated, factored, or factored over one denominator."""
    if isinstance(derivative, choose):
        a, b, x, y = derivative.args
        return choose(a, b, shortest(x), shortest(y))
    if not (derivative.is_Add or derivative.is_Mul) or not _tame(derivative):
        return derivative
    # sympy would take exp(−(g − 1)²) apart into factors that overflow.
    names = {call: sp.Dummy(real=True) for call in derivative.atoms(sp.exp)}
    calls = {name: call for call, name in names.items()}
    named = derivative.xreplace(names)
    fraction = sp.together(named)
    numerator, denominator = fraction.as_numer_denom()
    candidates = sp.factor(named), sp.factor(fraction), sp.factor(sp.expand(numerator)) / denominator
    forms = [derivative, *(form.xreplace(calls) for form in candidates)]
    return min(forms, key=lambda form: (sp.count_ops(form), sp.default_sort_key(form)))


def refuse_large(expr: sp.Expr, f: sp.Expr) -> None:
    """Raise `UnsupportedNonlinearity` for a derivative that has too many parts to be judged."""
    if len(subexpressions(expr)) > MOST_PARTS:
        raise UnsupportedNonlinearity(
            what=f"a derivative of {brief(f)} has more than {MOST_PARTS:,} parts",
            hint="make several layers of it: what is nested in a layer of its own, what is added with sm.add",
        )


_PLAIN: Final = (sp.Add, sp.Mul, sp.Pow, sp.Symbol, sp.Number, sp.NumberSymbol)


def refuse_unknown(expr: sp.Expr, f: sp.Expr) -> None:
    """Raise `UnsupportedNonlinearity` for the first kind of sympy object that smgen has no formula for."""
    allowed = (*_PLAIN, *known())
    seen: set[sp.Basic] = set()
    unknown: set[sp.Basic] = set()
    waiting: list[sp.Basic] = [expr]
    while waiting:
        e = waiting.pop()
        if e in seen:
            continue
        seen.add(e)
        if isinstance(e, allowed):
            waiting.extend(e.args)
        else:
            unknown.add(e)
    if not unknown:
        return
    if sp.I in unknown:
        raise UnsupportedNonlinearity(what=f"f of {brief(f)} is not real", hint=_HINT)
    call = min(unknown, key=sp.default_sort_key)
    name = call.func.__name__
    names = [f.__name__ for f in known()]
    if name in names:
        hint = f"an undefined sympy.Function does not become one by its name: write sm.{name}(g) or sympy.{name}(g)"
        raise UnsupportedNonlinearity(what=f"{brief(call)} has no formula", hint=hint)
    no_function = f" ({shortened(name, str)} is no function of numbers)"
    near = did_you_mean(name, names) if isinstance(call, sp.Function) else no_function
    raise UnsupportedNonlinearity(
        what=f"{brief(call)} has no usable derivative{near}",
        hint="use a smooth function, or one of sm.relu, sm.tanh, sm.softplus, sm.logcosh",
    )
