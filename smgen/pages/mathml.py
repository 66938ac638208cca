"""Formulas as MathML, which browsers typeset: expressions of functions, powers, fractions and choices."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import sympy as sp
from markupsafe import Markup

from smgen.calculus.primitives import absolute, choose, expm1, gaussian, kept, log1p, logcosh, ndtr, sigmoid
from smgen.calculus.symbolic import formula, is_readable
from smgen.constants import readable
from smgen.pages.svg import tag

_SUM, _PRODUCT, _ATOM = 0, 1, 2
_APPLY: Final = tag("mo", "\N{FUNCTION APPLICATION}")
_SPACE: Final = tag("mspace", width="0.17em")
_DOT: Final = tag("mo", "⋅")


def equation(left: Markup, right: sp.Expr) -> Markup:
    """The equation `left = right` on a line of its own; a formula too long to read is described."""
    body = typeset(right) if is_readable(right) else tag("mtext", formula(right))
    return tag("math", tag("mrow", left, tag("mo", "="), body), display="block")


def applied(mark: str, argument: str) -> Markup:
    """`f″(g)`. The primes of a mark are its last characters."""
    head = tag("mrow", tag("mi", mark[:1]), tag("mtext", mark[1:], class_="primes"))
    return tag("mrow", head, _APPLY, _bracketed(tag("mi", argument)))


def identifier(name: str) -> Markup:
    """A name of several letters, upright; Greek where it is the name of a Greek letter."""
    greek = {"alpha": "α", "beta": "β", "gamma": "γ", "lambda": "λ", "mu": "μ", "nu": "ν", "sigma": "σ", "tau": "τ"}
    return tag("mi", greek.get(name, name))


def typeset(e: sp.Expr) -> Markup:
    """An expression, without the `math` around it."""
    return _text(readable(e))[0]


def _text(e: sp.Basic) -> tuple[Markup, int]:
    """The MathML of an expression, and how strongly its outermost operation binds."""
    match e:
        case sp.Add():
            return _sum(e), _SUM
        case sp.Mul():
            return _product(e)
        case sp.Pow():
            return _power(e.base, e.exp), _ATOM if not _is_below(e) else _PRODUCT
        case sp.Rational() if e.q != 1 or e.p < 0:
            part = tag("mfrac", tag("mn", abs(e.p)), tag("mn", e.q)) if e.q != 1 else tag("mn", abs(e.p))
            return (tag("mrow", tag("mo", "−"), part), _SUM) if e.p < 0 else (part, _ATOM)
        case sp.Symbol():
            return tag("mn", e.name) if e.name[:1].isdigit() else identifier(e.name), _ATOM
        case kept():
            return _text(e.args[0])
        case sp.exp():
            return tag("msup", tag("mi", "e"), _text(e.args[0])[0]), _ATOM
        case _ if type(e) in _SPECIAL:
            return _SPECIAL[type(e)](e.args)
        case _ if e.args:
            return _call(_name(e), e.args), _ATOM
        case _:
            return tag("mn" if e.is_number else "mi", "π" if e == sp.pi else str(e)), _ATOM


def _within(e: sp.Basic, least: int) -> Markup:
    """An expression as an operand of something that binds as strongly as `least`."""
    text, binds = _text(e)
    return text if binds >= least else _bracketed(text)


def _bracketed(*inside: object) -> Markup:
    opening, closing = (tag("mo", sign, stretchy="false") for sign in "()")
    return tag("mrow", opening, *inside, closing)


def _sum(e: sp.Add) -> Markup:
    """The terms, a positive one first."""
    terms = sorted(e.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())
    parts: list[Markup] = []
    for term in terms:
        negative = term.could_extract_minus_sign()
        if parts or negative:
            parts.append(tag("mo", "−" if negative else "+"))
        parts.append(_within(-term if negative else term, _PRODUCT))
    return tag("mrow", *parts)


def _product(e: sp.Mul) -> tuple[Markup, int]:
    if e.could_extract_minus_sign():
        return tag("mrow", tag("mo", "−"), _within(-e, _PRODUCT)), _SUM
    above, below = sp.fraction(e)
    if below != 1:
        return tag("mfrac", typeset(above), typeset(below)), _PRODUCT
    factors = e.as_ordered_factors()
    parts = [_within(factors[0], _ATOM)]
    for before, factor in pairwise(factors):
        parts += [_DOT if _is_word(before) and _is_word(factor) else _SPACE, _within(factor, _ATOM)]
    return tag("mrow", *parts), _PRODUCT


def _is_word(e: sp.Expr) -> bool:
    """Whether a factor is a name that would run together with another one."""
    return bool(e.is_Symbol and len(e.name) > 1)


def _is_below(e: sp.Pow) -> bool:
    return bool(e.exp.is_Rational and e.exp.is_negative)


def _power(base: sp.Expr, exponent: sp.Expr) -> Markup:
    if exponent.is_Rational and exponent.is_negative:
        return tag("mfrac", tag("mn", 1), typeset(base**-exponent))
    if exponent == sp.S.Half:
        return tag("msqrt", _text(base)[0])
    over = _text(exponent)[0]
    if isinstance(base, sp.Function) and type(base) not in _SPECIAL and not isinstance(base, (sp.exp, kept)):
        return _call(tag("msup", _name(base), over), base.args)
    return tag("msup", _within(base, _ATOM) if base.is_Symbol or base.is_Number else _bracketed(_text(base)[0]), over)


def _name(e: sp.Basic) -> Markup:
    return _NAMES.get(type(e)) or tag("mi", type(e).__name__)


def _call(head: Markup, args: tuple[sp.Basic, ...]) -> Markup:
    inside: list[Markup] = []
    for arg in args:
        inside += [tag("mo", ","), _text(arg)[0]] if inside else [_text(arg)[0]]
    return tag("mrow", head, _APPLY, _bracketed(*inside))


def _cases(args: Any) -> tuple[Markup, int]:
    """choose(a, b, x, y): x where a < b, else y."""
    a, b, x, y = (_text(arg)[0] for arg in args)
    first = tag("mtr", tag("mtd", x), tag("mtd", tag("mtext", "where "), a, tag("mo", "<"), b))
    other = tag("mtr", tag("mtd", y), tag("mtd", tag("mtext", "elsewhere")))
    return tag("mrow", tag("mo", "{"), tag("mtable", first, other, class_="cases")), _SUM


_NAMES: Final[dict[type, Markup]] = {
    sigmoid: tag("mi", "σ"),
    ndtr: tag("mi", "Φ"),
    gaussian: tag("mi", "φ"),
    logcosh: tag("mrow", tag("mi", "log"), _SPACE, tag("mi", "cosh")),
}
_SPECIAL: Final[dict[type, Callable[[Any], tuple[Markup, int]]]] = {
    choose: _cases,
    absolute: lambda args: (tag("mrow", tag("mo", "|"), _text(args[0])[0], tag("mo", "|")), _ATOM),
    log1p: lambda args: (_call(tag("mi", "log"), (1 + args[0],)), _ATOM),
    expm1: lambda args: (_sum(sp.Add(sp.exp(args[0]), -1, evaluate=False)), _SUM),
}
