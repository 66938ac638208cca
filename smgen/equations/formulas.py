"""Expressions over buffers in the notation of equations, which `equations.printer` explains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

import sympy as sp

from smgen.calculus.primitives import choose, kept
from smgen.calculus.symbolic import formula, is_readable
from smgen.constants import readable
from smgen.ir import LAMBDA, SAMPLES, Buffer


class Binds(IntEnum):
    """How strongly the outermost operation of a text binds."""

    SUM = 0
    SIGMA = 1
    PRODUCT = 2
    ATOM = 3


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of an equation. `places` are the places of its factors, which order products and sums."""

    text: str
    binds: Binds = Binds.ATOM
    places: tuple[int, ...] = ()

    def within(self, least: Binds) -> str:
        """The text as an operand of something that binds as strongly as `least`."""
        return self.text if self.binds >= least else f"({self.text})"


_SUPERSCRIPTS: Final = {2: "²", 3: "³", 4: "⁴"}
FIRST: Final = -1
"""The place of a matrix among factors: before the vector that it acts on."""

LATE: Final = 30
"""The place of a factor without a letter: after all factors that have one."""


class Buffers(Protocol):
    """The buffers of the schedule that an expression belongs to."""

    @property
    def buffers(self) -> Mapping[str, Buffer]:
        """All buffers, by name."""

    def of(self, b: Buffer) -> Text:
        """The letter of a buffer, or the expression it is computed from."""

    def is_column(self, b: Buffer) -> bool:
        """Whether a buffer is the value of another one with a last axis of length one."""


class Expression:
    """Prints the expression of a pointwise operation, whose result is `out`."""

    def __init__(self, equations: Buffers, out: Buffer) -> None:
        self.equations = equations
        self.out = out
        self.is_stack = out.is_stack
        self.is_matrix = out.is_matrix
        self._known: dict[sp.Expr, Text] = {}

    def readable(self, e: sp.Expr) -> Text:
        """The text of an expression, or the number of its parts if it is too long to read."""
        return self.text(e) if is_readable(e) else Text(f"({formula(e)})")

    def text(self, e: sp.Expr) -> Text:
        """The text of an expression whose value is a matrix, a vector or tangents, as the result is."""
        if e not in self._known:
            self._known[e] = self._text(e)
        return self._known[e]

    def _text(self, e: sp.Expr) -> Text:
        kind = self._kind(e) if self.is_matrix else ""
        if kind in ("row", "column"):  # all rows, or all columns, of the matrix are the same
            vector = self._vector(e).within(Binds.ATOM)
            return Text(f"1 {vector}ᵀ" if kind == "row" else f"{vector} 1ᵀ", Binds.PRODUCT, (LATE,))
        if isinstance(e, kept):
            return self.text(e.args[0])
        if e.is_Add:
            return self._sum(e.args)
        if e.is_Mul or (e.is_Pow and e.exp.is_Rational and e.exp.is_negative):
            return self._multiple(e)
        if e.is_Pow:
            return self._power(e.base, e.exp)
        if e.is_Symbol:
            buffer = self.equations.buffers.get(e.name)
            return self._symbol(buffer) if buffer is not None else Text(e.name)
        if isinstance(e, choose):
            a, b, x, y = (self.text(arg).text for arg in e.args)
            return Text(f"choose({a} < {b}, {x}, {y})", places=(LATE,))
        if e.args:
            name = type(e).__name__
            return Text(f"{name}({', '.join(self.text(arg).text for arg in e.args)})", places=(LATE,))
        return number_text(e)

    def _vector(self, e: sp.Expr) -> Text:
        """The text of a part of a matrix expression that is a vector."""
        printer = Expression(self.equations, self.out)
        printer.is_matrix = False
        return printer.text(e)

    def _symbol(self, b: Buffer) -> Text:
        text = self.equations.of(b)
        is_matrix = b.is_matrix
        if self.is_stack and is_matrix:
            return Text(f"({text.text})_c", places=text.places)
        if self.out.batched and is_matrix:
            return Text(f"{text.within(Binds.ATOM)}ᵀ", places=(FIRST,))
        return text

    def _sum(self, args: Iterable[sp.Expr]) -> Text:
        """The terms in order: a positive one before a negative one, terms with λ last."""
        terms = sorted(map(_split, args), key=lambda t: (LAMBDA.symbol in t[1].free_symbols, self.text(t[1]).places))
        if terms[0][0] and terms[0][1].free_symbols:
            terms.sort(key=lambda t: t[0] != "")
        text = ""
        for sign, rest in terms:
            term = self.text(rest)
            body = term.within(Binds.SIGMA if sign or term.text.startswith("−") else Binds.SUM)
            text += f" {sign or '+'} {body}" if text else f"{sign}{body}"
        return Text(text, Binds.SUM, (LATE,))

    def _multiple(self, e: sp.Expr) -> Text:
        sign, rest = _split(e)
        if sign:
            inner = self.text(rest)
            return Text(f"{sign}{inner.within(Binds.SIGMA)}", Binds.SUM, inner.places)
        factors = [f for f in sp.Mul.make_args(rest) if f.free_symbols]
        number = sp.Mul(*(f for f in sp.Mul.make_args(rest) if not f.free_symbols))
        over = [1 / f for f in factors if f.is_Pow and f.exp.is_Rational and f.exp.is_negative]
        mean = SAMPLES.symbol in over
        below = [self.text(f) for f in over if f != SAMPLES.symbol]
        above = [f for f in factors if 1 / f not in over]
        texts = sorted(map(self.text, above), key=lambda t: t.places) if not self.is_matrix else self._matrices(above)
        *first, last = texts or [Text("1")]
        least = Binds.SIGMA if not below else Binds.PRODUCT
        parts = ["(1/N)"] * mean + [number_text(number).within(Binds.ATOM)] * (number != 1)
        parts += [t.within(Binds.ATOM if t.text.startswith("[") else Binds.PRODUCT) for t in first]
        parts += [last.within(least)] if last.text != "1" or not parts else []
        text = " ".join(parts) + "".join(f" / {t.within(Binds.ATOM)}" for t in below)
        places = tuple(place for t in texts for place in t.places)
        binds = Binds.SIGMA if last.binds == Binds.SIGMA and not below else Binds.PRODUCT
        return Text(text, binds if " " in text else last.binds, places)

    def _matrices(self, factors: list[sp.Expr]) -> list[Text]:
        """Factors of a matrix: diag(v) scales its rows, W ∘ V is entry by entry, diag(u) scales its columns."""
        scalars, left, inner, right = list[Text](), list[Text](), list[Text](), list[Text]()
        for f in factors:
            kind = self._kind(f)
            factor = self._vector(f) if kind in ("row", "column") else self.text(f)
            {"scalar": scalars, "column": left, "matrix": inner, "row": right}[kind].append(factor)
        if not inner:
            column, row = (" ".join(t.within(Binds.PRODUCT) for t in v) or "1" for v in (left, right))
            return [*scalars, Text(f"{column} {row}ᵀ", Binds.PRODUCT, (LATE,))] if left or right else scalars
        entries = [t.within(Binds.ATOM if len(inner) + len(left) + len(right) > 1 else Binds.SIGMA) for t in inner]
        text = " ".join([*(f"diag({t.text})" for t in left), " ∘ ".join(entries), *(f"diag({t.text})" for t in right)])
        binds = Binds.PRODUCT if " " in text else Binds.ATOM
        return [*scalars, inner[0] if text == entries[0] else Text(text, binds, (LATE,))]

    def _kind(self, e: sp.Expr) -> str:
        """The kind of a factor of a matrix: scalar, row, column or matrix.

        A formula as its author wrote it has letters in place of buffers. They stand for entries of the matrix.
        """
        buffers = self.equations.buffers
        kinds = {self._kind_of(buffers[s.name]) if s.name in buffers else "matrix" for s in e.free_symbols}
        for kind in ("matrix", "column", "row"):
            if kind in kinds:
                return "matrix" if kind == "column" and "row" in kinds else kind
        return "scalar"

    def _kind_of(self, b: Buffer) -> str:
        if not b.shape:
            return "scalar"
        if self.equations.is_column(b):
            return "column"
        return "matrix" if len(b.shape) == 2 else "row"

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Text:
        text = self.text(base)
        if exponent == sp.S.Half:
            return Text(f"sqrt({text.text})", places=text.places)
        if self.is_matrix and exponent == 2 and self._kind(base) == "matrix":
            return Text(f"{text.within(Binds.ATOM)} ∘ {text.within(Binds.ATOM)}", Binds.PRODUCT, text.places)
        body = f"({text.text})" if text.binds < Binds.ATOM or "/" in text.text else text.text
        power = _SUPERSCRIPTS.get(exponent) if exponent.is_Integer else None
        places = text.places * (int(exponent) if exponent.is_Integer and 0 < exponent < 5 else 1)
        return Text(body + (power or f"^{number_text(exponent).within(Binds.ATOM)}"), places=places)


def _split(e: sp.Expr) -> tuple[str, sp.Expr]:
    """The sign of a term, and the term without it."""
    negative = e.as_coeff_Mul()[0].is_negative
    return ("−", -e) if negative else ("", e)


def number_text(e: sp.Expr) -> Text:
    """A number as people write it: ½, 1/3, 0.3333333333, sqrt(2)."""
    if e == sp.S.Half:
        return Text("½")
    text = str(readable(e)).replace("**", "^").replace("*", " ").replace("-", "−")
    return Text(text, Binds.ATOM if text.isalnum() or "." in text else Binds.SUM)
