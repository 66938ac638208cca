"""f, f′, f″ and f‴ of a pointwise nonlinearity, as sympy expressions that compute well."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from smgen.errors import SmgenError, UnsupportedNonlinearity, did_you_mean
from smgen.primitives import KINKED, KNOWN, SAVED, G
from smgen.recognise import recognise

ORDERS = range(4)
_HINT = "use a smooth real function of one symbol, such as sm.softplus, sm.tanh or sm.logcosh"


@dataclass(frozen=True, slots=True)
class Nonlinearity:
    """A scalar function f of `primitives.G` with its first three derivatives.

    derivatives[n] is the n-th derivative in G and stable primitives. `saved` are the calls worth evaluating once per
    element, from which f′, f″ and f‴ are rebuilt by arithmetic alone (tanh(g), σ(g), …). ratios[n] = (k, q) says that
    the n-th derivative is q times the k-th, a shorter way where the k-th is at hand (tanh″ = −2·tanh·tanh′).
    """

    derivatives: tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]
    saved: tuple[sp.Expr, ...]
    ratios: tuple[tuple[int, sp.Expr] | None, ...]

    @property
    def f(self) -> sp.Expr:
        """The function itself."""
        return self.derivatives[0]

    @property
    def kinks(self) -> tuple[str, ...]:
        """Names of the functions in f whose slope jumps."""
        return tuple(sorted({call.func.__name__ for call in self.f.atoms(*KINKED)}))


def symbolic(function: sp.Expr | Callable[[sp.Symbol], sp.Expr], *, origin: str = "") -> sp.Expr:
    """Turn what the user passed to `pointwise` into an expression of `primitives.G` alone.

    Raises `UnsupportedNonlinearity` for what is no expression, has not exactly one symbol, or calls unknown functions.
    """
    expr = function
    if not isinstance(function, sp.Basic) and callable(function):
        try:
            expr = function(G)
        except SmgenError:
            raise
        except Exception as error:
            raise UnsupportedNonlinearity(
                origin=origin,
                what=f"the pointwise function raised {type(error).__name__}: {error}",
                hint="it is called once with a sympy symbol: use sympy.exp, not math.exp or numpy.exp",
            ) from error
    try:
        expr = sp.sympify(expr)
    except (sp.SympifyError, TypeError, AttributeError) as error:
        raise UnsupportedNonlinearity(origin=origin, what=f"{function!r} is no sympy expression", hint=_HINT) from error
    if not isinstance(expr, sp.Expr) or expr.is_Matrix:
        raise UnsupportedNonlinearity(origin=origin, what=f"{expr!r} is no scalar expression", hint=_HINT)
    _refuse_constants(expr, origin)
    symbols = sorted(expr.free_symbols, key=lambda s: s.name)
    if len(symbols) != 1:
        found = ", ".join(s.name for s in symbols) or "none"
        raise UnsupportedNonlinearity(
            origin=origin,
            what=f"a pointwise expression has exactly one symbol; {expr} has {found}",
            hint="put numbers in for constants; a sum of two nodes is sm.add(a, b)",
        )
    return expr.xreplace({symbols[0]: G})


def _refuse_constants(expr: sp.Expr, origin: str) -> None:
    for number in sorted(expr.atoms(sp.Number, sp.core.numbers.ImaginaryUnit, type(sp.zoo)), key=sp.default_sort_key):
        if number in (sp.nan, sp.zoo, sp.oo, -sp.oo):
            what = f"{expr} contains the non-finite constant {number}"
        elif number is sp.I:
            what = f"{expr} is complex"
        elif abs(number) > sys.float_info.max:
            what = f"the expression contains a constant above {sys.float_info.max:.1e}, the largest float64"
        else:
            continue
        raise UnsupportedNonlinearity(origin=origin, what=what, hint=_HINT)


@lru_cache(maxsize=256)
def differentiate(expr: sp.Expr) -> Nonlinearity:
    """F → (f, f′, f″, f‴), each in the cheaper of its forms, powers shared where the derivatives share them.

    Raises `UnsupportedNonlinearity` where f′ vanishes identically or a derivative holds something without a formula.
    """
    # Floating-point coefficients would keep sympy from factoring what cancels.
    f = recognise(sp.nsimplify(expr, rational=True))
    _refuse_unknown(f)
    f1 = _shortest(sp.diff(f, G))
    f2 = _shortest(sp.diff(f1, G))
    f3 = _shortest(sp.diff(f2, G))
    for derivative in (f1, f2, f3):
        _refuse_unknown(derivative)
    if f1 == 0:
        raise UnsupportedNonlinearity(
            what=f"{expr} has no usable derivative: f′ is 0 almost everywhere",
            hint="use a smooth function, or one of sm.relu, sm.tanh, sm.softplus",
        )
    saved = {call for d in (f1, f2, f3) for call in d.atoms(*SAVED)}
    derivatives = (f, f1, f2, f3)
    ratios = (None, None, _ratio(derivatives, 2), _ratio(derivatives, 3))
    return Nonlinearity(derivatives, tuple(sorted(saved, key=sp.default_sort_key)), ratios)


def _ratio(derivatives: tuple[sp.Expr, ...], n: int) -> tuple[int, sp.Expr] | None:
    """The shortest (k, q), 1 ≤ k < n, with f⁽ⁿ⁾ = q·f⁽ᵏ⁾, q without a quotient and shorter than f⁽ⁿ⁾ itself."""
    best: tuple[int, sp.Expr] | None = None
    for k in range(1, n):
        if derivatives[k].is_number or derivatives[n].is_number or not _tame(derivatives[n]):
            continue
        q = sp.factor(sp.cancel(derivatives[n] / derivatives[k]))
        shorter = sp.count_ops(q) + 1 < sp.count_ops(derivatives[n] if best is None else best[1] * G)
        if sp.denom(q).is_number and shorter:
            best = (k, q)
    return best


def _tame(expr: sp.Expr) -> bool:
    """Whether factoring is quick: its time grows steeply with the functions and operations of an expression."""
    return len(expr.atoms(sp.Function)) <= 3 and bool(sp.count_ops(expr) <= 80)


def _shortest(derivative: sp.Expr) -> sp.Expr:
    """The form with the fewest operations among: as differentiated, factored, and factored over one denominator."""
    forms = [derivative]
    if (derivative.is_Add or derivative.is_Mul) and _tame(derivative):
        forms += [sp.factor(derivative), sp.factor(sp.together(derivative))]
    return min(forms, key=lambda form: (sp.count_ops(form), sp.default_sort_key(form)))


def _refuse_unknown(expr: sp.Expr) -> None:
    for call in sorted(expr.atoms(sp.Function, sp.Derivative, sp.Integral), key=sp.default_sort_key):
        if isinstance(call, KNOWN):
            continue
        name = call.func.__name__
        names = [f.__name__ for f in KNOWN]
        if name in names:
            hint = f"an undefined sympy.Function does not become one by its name: write sm.{name}(g) or sympy.{name}(g)"
            raise UnsupportedNonlinearity(what=f"{call} has no formula", hint=hint)
        raise UnsupportedNonlinearity(
            what=f"{call} has no usable derivative{did_you_mean(name, names)}",
            hint="use a smooth function, or one of sm.relu, sm.tanh, sm.softplus, sm.logcosh",
        )
