"""What operations compute, as equations: printed from the operations and the letters of what they read.

A vector is what a sample has, (N, M), or all samples, (M,); products of vectors are taken unit by unit. A matrix does
not vary over the batch, (M, D): W v is the product, W ∘ V is taken entry by entry, diag(v) W scales the rows. Where a
sample has a row for each tangent c, (N, C, M), ġ is one of them, v_c the entry of a vector for it, W_c the row of a
matrix, and [ġ] the matrix of all, or [Σ_i ġ] the vector. Σ_n sums over the samples, Σ_c over the tangents, Σ_i over the units of a vector or
along the rows of a matrix, Σ_j along its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import sympy as sp

from smgen.calculus import subexpressions
from smgen.constants import readable
from smgen.errors import InternalError
from smgen.ir import (
    BATCH,
    LAMBDA,
    SAMPLES,
    SYMMETRIC,
    Buffer,
    Concat,
    Elementary,
    Fused,
    Identity,
    Op,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    View,
    column_of,
)
from smgen.passes import run
from smgen.passes.pipelines import ALGEBRA, FORMS
from smgen.primitives import choose, kept


class Binds(IntEnum):
    """How strongly the outermost operation of a text binds."""

    SUM = 0
    SIGMA = 1
    PRODUCT = 2
    ATOM = 3


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of an equation. `places` are those of its factors, by which products and sums are put in order."""

    text: str
    binds: Binds = Binds.ATOM
    places: tuple[int, ...] = ()

    def within(self, least: Binds) -> str:
        """The text as an operand of something that binds as strongly as `least`."""
        return self.text if self.binds >= least else f"({self.text})"


def equations(schedule: Schedule) -> Mapping[str, str]:
    """The equation of every buffer that an operation of `schedule` computes, by the buffer's name.

    Before: no passes but algebraic ones, which change what is computed and not how.
    """
    printer = _Equations(schedule)
    return {out.name: printer.equation(op, out) for op in schedule.ops for out in op.outs}


PRODUCTS: Final = {
    "nd,md->nm": "{right} {left}",
    "nm,md->nd": "{right}ᵀ {left}",
    "nm,nd->md": "Σ_n {left} {right}ᵀ",
    "md,kd->mk": "{left} {right}ᵀ",
    "mk,kd->md": "{left} {right}",
    "m,md->d": "{right}ᵀ {left}",
    "d,md->m": "{right} {left}",
    "cd,md->cm": "{left} {right}ᵀ",
    "cm,md->cd": "{left} {right}",
    "cm,cd->md": "{left}ᵀ {right}",
    "ncd,md->ncm": "{right} {left}",
    "ncm,md->ncd": "{right}ᵀ {left}",
    "ncm,ncd->md": "Σ_n Σ_c {left} {right}ᵀ",
    "ncm,nmd->ncd": "[{right}]ᵀ {left}",
    "cm,nmd->ncd": "[{right}]ᵀ ({left})_c",
    "ncm,ncd->nmd": "Σ_c {left} {right}ᵀ",
    "ncm,cd->nmd": "Σ_c {left} ({right})_cᵀ",
    "cm,ncd->nmd": "Σ_c ({left})_c {right}ᵀ",
}
"""Every product of `printers.source.MATMUL` in the notation of equations."""

READABLE: Final = 150
"""So many parts a formula has at most that is printed."""

_SUPERSCRIPTS: Final = {2: "²", 3: "³", 4: "⁴"}
_LATE: Final = 30
"""The place of what has no letter, among factors: after all that have one."""


def run_for(schedule: Schedule, backend: str, batch_size: int) -> tuple[Schedule, Mapping[str, str]]:
    """`schedule` as the backend runs it for batches of about this size, and its equations."""
    algebra = run(schedule, ALGEBRA[backend](batch_size))
    return run(algebra, FORMS[backend]), equations(algebra)


class _Equations:
    """Prints the values of one schedule; knows what computes each buffer."""

    def __init__(self, schedule: Schedule) -> None:
        self.buffers = {b.name: b for b in schedule.inputs} | {b.name: b for op in schedule.ops for b in op.outs}
        self.sources: dict[str, Op] = {out.name: op for op in schedule.ops for out in op.outs}
        self.known: dict[str, Text] = {}

    def equation(self, op: Op, out: Buffer) -> str:
        """`δ_x = W_filtersᵀ δ_filters  (1)`, or the right-hand side alone for a buffer without a letter."""
        parts = len(subexpressions(sp.Tuple(*op.exprs))) if isinstance(op, Pointwise) else 0
        if parts > READABLE:
            return f"{out.letter.text if out.letter else out.name}: a formula of {parts} parts"
        value = self.value(op, out).text
        number = f"  {op.number}" if not isinstance(op, Elementary | Fused) and op.number else ""
        if out.letter is None:
            return f"{value}{number}"
        return "" if value == out.letter.text else f"{out.letter.text} = {value}{number}"

    def value(self, op: Op, out: Buffer) -> Text:
        """What an operation makes of the letters it reads."""
        match op:
            case Pointwise(outs, exprs, _):
                formula = out.letter.formula if out.letter is not None else None
                return _Expression(self, out).text(formula if formula is not None else exprs[outs.index(out)])
            case Product():
                return self._product(op)
            case Reduce(_, src, axis, _):
                text = _sigma(_axes(src, axis), self.of(src))
                each_tangent = src.batched and len(src.shape) == 3 and axis in (0, 2)
                return Text(f"[{text.text}]", places=text.places) if each_tangent else text
            case View(_, src, start):
                whole = out.shape[-1] == src.shape[-1] or out.shape == column_of(src.shape)
                text = self.of(src)
                return text if whole else Text(f"{text.within(Binds.ATOM)}[{start}:{start + _width(out)}]")
            case Concat(_, parts, _):
                return Text("[" + ", ".join(self._part(out, part, width) for part, width in parts) + "]")
            case Transpose(_, src):
                return Text(f"{self.of(src).within(Binds.ATOM)}ᵀ")
            case Identity():
                return Text(f"identity({out.shape[0]})")
            case _:
                raise InternalError(f"{out.name}: equations are printed before operations are taken apart")

    def of(self, b: Buffer) -> Text:
        """A buffer as others read it: its letter, or what it is computed from."""
        if b.letter is not None:
            return Text(b.letter.text, places=(b.letter.place,))
        if b.name not in self.known:
            self.known[b.name] = self.value(self.sources[b.name], b)
        return self.known[b.name]

    def is_column(self, b: Buffer) -> bool:
        """Whether a buffer is another one's value with a last axis of one."""
        source = self.sources.get(b.name)
        if not isinstance(source, View) or b.shape != column_of(source.src.shape):
            return False
        return not b.batched or source.src.shape[-1] != 1

    def _product(self, op: Product) -> Text:
        form = PRODUCTS[op.axes]
        if op.axes == "nm,md->nd" and self._is_symmetric(op.right):
            form = "{right} {left}"
        pairs = []
        for left, right in op.pairs:
            pairs.append(form.format(left=self._operand(left, "left", form), right=self._operand(right, "right", form)))
        sigma = form.startswith("Σ")
        if len(pairs) == 1:
            return Text(pairs[0], Binds.SIGMA if sigma else Binds.PRODUCT, (_LATE,))
        return Text(" + ".join(pairs), Binds.SUM, (_LATE,))

    def _is_symmetric(self, b: Buffer) -> bool:
        source = self.sources.get(b.name)
        return isinstance(source, Product) and source.axes in SYMMETRIC and source.left == source.right

    def _operand(self, b: Buffer, side: str, form: str) -> str:
        """An operand as text, in parentheses unless the form has brackets around it."""
        text = self.of(b)
        return text.text if any(f"{a}{{{side}}}{z}" in form for a, z in ("()", "[]")) else text.within(Binds.ATOM)

    def _part(self, out: Buffer, part: sp.Expr, width: int) -> str:
        """A part of a vector; a constant says how often it stands there."""
        text = _Expression(self, out).text(part)
        return text.text if part.is_Symbol else f"{text.within(Binds.ATOM)} ones({width})"


class _Expression:
    """Prints the expression of a pointwise operation, whose result is `out`."""

    def __init__(self, equations: _Equations, out: Buffer) -> None:
        self.equations = equations
        self.out = out
        self.is_stack = out.batched and len(out.shape) == 3
        self.is_matrix = not out.batched and len(out.shape) == 2

    def text(self, e: sp.Expr) -> Text:
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
            return Text(f"choose({a} < {b}, {x}, {y})", places=(_LATE,))
        if e.args:
            name = type(e).__name__
            return Text(f"{name}({', '.join(self.text(arg).text for arg in e.args)})", places=(_LATE,))
        return _number(e)

    def _symbol(self, b: Buffer) -> Text:
        text = self.equations.of(b)
        is_matrix = len(b.shape) == 2 and not b.batched
        if self.is_stack and (is_matrix or self.equations.is_column(b)):
            return Text(f"({text.text})_c", places=text.places)
        if self.out.batched and is_matrix:
            return Text(f"{text.within(Binds.ATOM)}ᵀ", places=text.places)
        return text

    def _sum(self, args: Iterable[sp.Expr]) -> Text:
        """The terms in order, a positive one before a negative one, those with λ last."""
        terms = sorted(((*_split(arg), arg) for arg in args), key=lambda t: self._place(t[2]))
        if terms[0][0] and terms[0][1].free_symbols:
            terms.sort(key=lambda t: t[0] != "")
        text = ""
        for sign, rest, _ in terms:
            term = self.text(rest)
            body = term.within(Binds.SIGMA if sign or term.text.startswith("−") else Binds.SUM)
            text += f" {sign or '+'} {body}" if text else f"{sign}{body}"
        return Text(text, Binds.SUM, (_LATE,))

    def _place(self, term: sp.Expr) -> tuple[bool, tuple[int, ...]]:
        return LAMBDA.symbol in term.free_symbols, self.text(_split(term)[1]).places

    def _multiple(self, e: sp.Expr) -> Text:
        sign, rest = _split(e)
        if sign:
            inner = self.text(rest)
            return Text(f"{sign}{inner.within(Binds.SIGMA)}", Binds.SUM, inner.places)
        factors = sp.Mul.make_args(rest)
        over = [1 / f for f in factors if f.is_Pow and f.exp.is_Rational and f.exp.is_negative]
        mean = SAMPLES.symbol in over
        below = [self.text(f) for f in over if f != SAMPLES.symbol]
        numbers = [f for f in factors if not f.free_symbols]
        above = [f for f in factors if f.free_symbols and 1 / f not in over]
        texts = sorted(map(self.text, above), key=lambda t: t.places) if not self.is_matrix else self._matrices(above)
        *first, last = texts or [Text("1")]
        least = Binds.SIGMA if not below else Binds.PRODUCT
        parts = ["(1/N)"] * mean + [_number(n).within(Binds.ATOM) for n in numbers]
        parts += [t.within(Binds.ATOM if t.text.startswith("[") else Binds.PRODUCT) for t in first]
        parts += [last.within(least)] if last.text != "1" or not parts else []
        text = " ".join(parts) + "".join(f" / {t.within(Binds.ATOM)}" for t in below)
        places = tuple(place for t in texts for place in t.places)
        binds = Binds.SIGMA if last.binds == Binds.SIGMA and not below else Binds.PRODUCT
        return Text(text, binds if " " in text else last.binds, places)

    def _matrices(self, factors: list[sp.Expr]) -> list[Text]:
        """Factors of a matrix: diag(v) for what scales its rows, W ∘ V for matrices, diag(u) for what scales columns."""
        scalars, left, inner, right = list[Text](), list[Text](), list[Text](), list[Text]()
        for f in factors:
            kind = self._kind(f)
            {"scalar": scalars, "column": left, "matrix": inner, "row": right}[kind].append(self.text(f))
        if not inner:
            column, row = (" ".join(t.within(Binds.PRODUCT) for t in v) or "1" for v in (left, right))
            return [*scalars, Text(f"{column} {row}ᵀ", Binds.PRODUCT, (_LATE,))] if left or right else scalars
        entries = [t.within(Binds.ATOM if len(inner) + len(left) + len(right) > 1 else Binds.SIGMA) for t in inner]
        text = " ".join([*(f"diag({t.text})" for t in left), " ∘ ".join(entries), *(f"diag({t.text})" for t in right)])
        binds = Binds.PRODUCT if " " in text else Binds.ATOM
        return [*scalars, inner[0] if text == entries[0] else Text(text, binds, (_LATE,))]

    def _kind(self, e: sp.Expr) -> str:
        """What a factor of a matrix is."""
        shapes = [self.equations.buffers[s.name] for s in e.free_symbols]
        kinds = {self._kind_of(b) for b in shapes}
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
        return Text(body + (power or f"^{_number(exponent).within(Binds.ATOM)}"), places=places)


def _split(e: sp.Expr) -> tuple[str, sp.Expr]:
    """The sign of a term, and the term without it."""
    negative = e.as_coeff_Mul()[0].is_negative
    return ("−", -e) if negative else ("", e)


def _number(e: sp.Expr) -> Text:
    if e == sp.S.Half:
        return Text("½")
    text = str(readable(e)).replace("**", "^").replace("*", " ").replace("-", "−")
    return Text(text, Binds.ATOM if text.isalnum() or "." in text else Binds.SUM)


def _axes(src: Buffer, axis: int | None) -> str:
    """The sums over an axis of a buffer, or over all."""
    names = ["i"] if src.shape else []
    if len(src.shape) > 1:
        names = ["c" if src.batched else "j", "i"]
    if src.batched:
        names = ["n", *names[3 - len(src.shape) :]][: len(src.shape)]
    chosen = names if axis is None else [names[axis]]
    return " ".join(f"Σ_{name}" for name in chosen)


def _sigma(sums: str, text: Text) -> Text:
    return Text(f"{sums} {text.within(Binds.SIGMA)}", Binds.SIGMA, (_LATE,))


def _width(b: Buffer) -> int:
    dim = b.shape[-1]
    assert dim != BATCH
    return dim
