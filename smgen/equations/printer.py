"""The equations of operations, printed from the operations and the letters of the buffers that they read.

A vector is the row of one sample, (N, M), or one row for all samples, (M,); vectors are multiplied unit by unit. A
matrix, (M, D), does not vary over the batch: W v is the matrix product, W ∘ V the product entry by entry, and diag(v) W
scales the rows. If a sample has a row for each tangent c, (N, C, M), ġ is one of these rows, (v)_c is the entry of a
vector and (W)_c the row of a matrix for it, [ġ] is the matrix of all rows, and [Σ_i ġ] the vector of their sums. Σ_n
sums over the samples, Σ_c over the tangents, Σ_i over the units of a vector or along the rows of a matrix, Σ_j along
its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from smgen.equations.formulas import LATE, Binds, Expression, Text
from smgen.errors import InternalError
from smgen.ir import (
    BATCH,
    Buffer,
    Concat,
    EachProduct,
    Elementary,
    Fold,
    Form,
    Fused,
    Greatest,
    Identity,
    Letter,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)


def equations(schedule: Schedule) -> Mapping[str, str]:
    """The equation of every buffer that an operation of `schedule` computes, by the buffer's name.

    Before: only algebraic passes, which change what is computed, and no passes that change how.
    """
    printer = _Equations(schedule)
    return {out.name: printer.equation(op, out) for op in schedule.ops for out in op.outs}


class _Equations:
    """Prints the values of one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.buffers = {b.name: b for b in schedule.inputs} | {b.name: b for op in schedule.ops for b in op.outs}
        self.sources: dict[str, Op] = {out.name: op for op in schedule.ops for out in op.outs}
        self.known: dict[str, Text] = {}
        self.shared = _shared(b.letter for b in self.buffers.values() if b.letter is not None)

    def equation(self, op: Op, out: Buffer) -> str:
        """`δ_x = W_filtersᵀ δ_filters  (1)`, or the right-hand side alone for a buffer without a letter."""
        value = self.value(op, out).text
        number = f"  {op.number}" if not isinstance(op, Elementary | Fused | WindowProduct) and op.number else ""
        if out.letter is None:
            return f"{value}{number}"
        letter = self.letter(out.letter)
        return "" if value == letter else f"{letter} = {value}{number}"

    def value(self, op: Op, out: Buffer) -> Text:
        """The right-hand side of the equation of an output."""
        match op:
            case Pointwise(outs, exprs, _):
                formula = out.letter.formula if out.letter is not None else None
                return Expression(self, out).readable(formula if formula is not None else exprs[outs.index(out)])
            case Product():
                return self._product(op)
            case EachProduct(left=left, right=right, form=form):
                a, b = (self.of(x).within(Binds.ATOM) for x in (left, right))
                marks = {Form.TIMES: ("", ""), Form.TIMES_TRANSPOSED: ("", "ᵀ"), Form.TRANSPOSED_TIMES: ("ᵀ", "")}
                return Text(f"[{a}]{marks[form][0]} [{b}]{marks[form][1]}", Binds.PRODUCT, (LATE,))
            case PatchProduct(left=left, right=right, form=form):
                a, b = (self.of(x).within(Binds.ATOM) for x in (left, right))
                if form is Form.TRANSPOSED_TIMES:
                    return Text(f"{_rows_summed(left)}patches({self.of(left).text}) {b}ᵀ", Binds.SIGMA, (LATE,))
                if form is Form.TIMES:
                    return Text(f"{b}ᵀ patches({self.of(left).text})", Binds.PRODUCT, (LATE,))
                return Text(f"fold({b} {a})", places=(LATE,))
            case Reduce(src=src, axis=axis):
                text = _sigma(_rows_summed(src).strip() if axis == "rows" else _axes(src, axis), self.of(src))
                each_tangent = src.tangents is not None and src.batched and src.layout.places is None and axis != 1
                return Text(f"[{text.text}]", places=text.places) if each_tangent else text
            case View(_, src, start):
                whole = out.shape[-1:] == src.shape[-1:] or op.is_column or op.is_reshaped
                text = self.of(src)
                if _is_entry_of_tangent(src, out):
                    return Text(f"({text.text})_c", places=text.places)
                return text if whole else Text(f"{text.within(Binds.ATOM)}[{start}:{start + _width(out)}]")
            case Concat(_, parts, _):
                return Text("[" + ", ".join(self._part(out, part, width) for part, width in parts) + "]")
            case Permute(_, src):
                return self.of(src)
            case Mix(_, src, matrix, 1) if matrix.is_total and src.layout.units[-1] == matrix.columns:
                return _sigma("Σ_i", self.of(src))
            case Mix(_, src, matrix) if matrix.transposed.is_total:
                return self.of(src)
            case Unfold(_, src) | Mix(_, src):
                return Text(f"{self._moved(op)}({self.of(src).text})", places=self.of(src).places)
            case Greatest(_, src):
                return Text(f"max({self.of(src).text})", places=self.of(src).places)
            case Fold(_, src):
                return Text(f"fold({self.of(src).text})", places=self.of(src).places)
            case Transpose(_, src):
                return Text(f"{self.of(src).within(Binds.ATOM)}ᵀ")
            case Identity():
                return Text(f"identity({out.shape[0]})")
            case _:
                raise InternalError(f"{out.name}: equations are printed before operations are taken apart")

    @staticmethod
    def _moved(op: Unfold | Mix) -> str:
        """What a sum, or a copy, along an axis is called."""
        if isinstance(op, Unfold):
            return "windows"
        return "sum" if op.matrix.is_total else "pick" if op.matrix.picks is not None else "mix"

    def of(self, b: Buffer) -> Text:
        """The text of a buffer in other equations: its letter, or the expression it is computed from."""
        if b.letter is not None:
            return Text(self.letter(b.letter), places=(b.letter.place,))
        if b.name not in self.known:
            self.known[b.name] = self.value(self.sources[b.name], b)
        return self.known[b.name]

    def letter(self, letter: Letter) -> str:
        """A letter, told apart from those that would be written the same."""
        return letter.apart if letter.text in self.shared else letter.text

    def is_column(self, b: Buffer) -> bool:
        """Whether a buffer is the value of another one with a last axis of length one."""
        source = self.sources.get(b.name)
        if not isinstance(source, View) or not source.is_column:
            return False
        return not b.batched or source.src.shape[-1] != 1

    def _product(self, op: Product) -> Text:
        pairs = [self._pair(op, left, right) for left, right in op.pairs]
        return Text(" + ".join(pairs), Binds.SUM, (LATE,)) if len(pairs) > 1 else Text(pairs[0], _binds(op), (LATE,))

    def _pair(self, op: Product, left: Buffer, right: Buffer) -> str:
        """A product in textbook notation: the rows of samples and tangents are column vectors, W g and g gᵀ."""
        a, b = (self._each(x) if op.each_sample else self.of(x).within(Binds.ATOM) for x in (left, right))
        if op.each_sample and op.form is Form.TIMES:
            return f"[{self.of(right).text}]ᵀ {a}"
        if op.form is Form.TRANSPOSED_TIMES:
            sums = "Σ_c " if op.each_sample else _rows_summed(left)
            return f"{sums}{a} {b}ᵀ" if sums else f"{a}ᵀ {b}"
        of_vectors = left.batched or left.layout.places is not None or len(left.shape) == 1
        turned = (op.form is Form.TIMES) == of_vectors
        turned &= not (op.form is Form.TIMES and left.is_vector and self._is_symmetric(right))
        mark = "ᵀ" * turned
        return f"{b}{mark} {a}" if of_vectors else f"{a} {b}{mark}"

    def _each(self, b: Buffer) -> str:
        """An operand with a row for each tangent; ( )_c marks one that is the same for all samples."""
        return self.of(b).within(Binds.ATOM) if b.batched else f"({self.of(b).text})_c"

    def _is_symmetric(self, b: Buffer) -> bool:
        source = self.sources.get(b.name)
        return isinstance(source, Product) and source.is_gram(source.left, source.right)

    def _part(self, out: Buffer, part: sp.Expr, width: int) -> str:
        """A part of a vector; a constant is written with the number of units that it fills."""
        text = Expression(self, out).text(part)
        return text.text if part.is_Symbol else f"{text.within(Binds.ATOM)} ones({width})"


def _shared(letters: Iterable[Letter]) -> frozenset[str]:
    """The texts of several letters that are to be told apart."""
    apart: dict[str, set[str]] = {}
    for letter in letters:
        apart.setdefault(letter.text, set()).add(letter.apart)
    return frozenset(text for text, others in apart.items() if len(others) > 1)


def _axes(src: Buffer, axis: int | None) -> str:
    """The sums over an axis of a buffer, or over all."""
    layout = src.layout
    has_places = layout.places is not None
    names = ["n"] * layout.batch + ["c" if layout.batch or has_places else "j"] * (layout.tangents is not None)
    names += ["p"] * has_places + ["j", "i"][-min(len(layout.units), 2) :] * bool(layout.units)
    chosen = names if axis is None else [names[axis]]
    return " ".join(f"Σ_{name}" for name in chosen)


def _is_entry_of_tangent(src: Buffer, out: Buffer) -> bool:
    """Whether the units of a vector are seen as one number for each tangent."""
    has_tangents = out.batched and out.tangents is not None and src.tangents is None
    return has_tangents and out.layout.count == 1 and src.shape[-1] != 1


def _rows_summed(b: Buffer) -> str:
    """The sums over all rows of a buffer: samples, tangents and places."""
    has_places = b.layout.places is not None
    return "Σ_n " * b.batched + "Σ_c " * (b.tangents is not None and (b.batched or has_places)) + "Σ_p " * has_places


def _binds(op: Product) -> Binds:
    sums = op.form is Form.TRANSPOSED_TIMES and (op.each_sample or op.left.batched)
    return Binds.SIGMA if sums else Binds.PRODUCT


def _sigma(sums: str, text: Text) -> Text:
    return Text(f"{sums} {text.within(Binds.SIGMA)}", Binds.SIGMA, (LATE,))


def _width(b: Buffer) -> int:
    dim = b.shape[-1]
    assert dim != BATCH
    return dim
