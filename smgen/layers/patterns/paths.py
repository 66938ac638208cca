"""The table of a layer: how many paths lead from each x_d to each unit, 0, 1, or 2 for several.

The table is a sum of terms, and a term is a product of small tables ([+] 17). A convolution changes the table of each
axis by itself, so that there is one small table for each axis. An axis that `reshape` made of several axes stays a row
of *pieces*, one for each of them; an axis of length one has no piece.

A table is never smaller than the truth, and a question about it is never answered with a no that is wrong. A table is
larger than the truth, and a yes may be wrong, only where an array would get more than `LIMIT` entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import prod
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from smgen.layers.patterns.counts import LIMIT, Counts, TooLargeError
from smgen.layers.patterns.pieces import Sizes, grouped, refined, stretches
from smgen.layers.patterns.supports import Support
from smgen.layers.patterns.terms import Term

Terms: TypeAlias = tuple[Term, ...]

MANY: Final = 16
"""With more terms than this, a table becomes one array if it is small."""


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The table of a layer. `axes` are the lengths of the pieces of each axis of the units."""

    axes: tuple[Sizes, ...]
    terms: Terms

    @classmethod
    def identity(cls, shape: Sizes) -> Paths:
        """The table of the input: one path from each x_d to itself."""
        factors = list[Counts]()
        for d, size in enumerate(shape):
            if size > 1:
                factors.append(Counts.ones((~d, len(factors)), (size, size), Support.identity(size).places))
        return cls(cls.nothing(shape).axes, _there([Term.made(1, factors)]))

    @classmethod
    def nothing(cls, shape: Sizes) -> Paths:
        """The table of units to which no path leads."""
        return cls(tuple((n,) if n > 1 else () for n in shape), ())

    @classmethod
    def sum(cls, tables: Sequence[Paths]) -> Paths:
        """The sum of the tables, entry by entry."""
        first, *others = tables
        for other in others:
            a, b = _aligned(first, other)
            first = cls(a.axes, _tidy([*a.terms, *b.terms]))
        return first

    @classmethod
    def concat(cls, tables: Sequence[Paths], axis: int) -> Paths:
        """The tables of units one after the other on an axis."""
        ends = np.cumsum([table.shape[axis] for table in tables]).tolist()
        starts, total = [0, *ends[:-1]], ends[-1]
        parts = (Support.part(start, stop, total) for start, stop in zip(starts, ends, strict=True))
        return cls.sum([table.along(axis, part) for table, part in zip(tables, parts, strict=True)])

    @property
    def shape(self) -> Sizes:
        """The lengths of the axes of the units."""
        return tuple(map(prod, self.axes))

    @property
    def pieces(self) -> Sizes:
        """The lengths of the pieces of all axes."""
        return tuple(size for axis in self.axes for size in axis)

    def mixed(self, axis: int, units: int) -> Paths:
        """The table of units that each depend on the whole axis, so many in its place."""
        new, old = self._numbers(axis)
        return self._changed(axis, units, lambda term: term.mixed(old, new, units))

    def mixed_whole(self, shape: Sizes) -> Paths:
        """The table of units of this shape that each depend on all units of this table."""
        return self.reshaped((prod(self.shape),)).mixed(0, prod(shape)).reshaped(shape)

    def along(self, axis: int, support: Support) -> Paths:
        """The table of a linear map along an axis, from the entries of its matrix that are not 0."""
        if support.is_identity:
            return self
        return self.mixed(axis, support.rows) if support.is_full else self._applied(axis, support)

    def permuted(self, order: Sizes) -> Paths:
        """The axes in another order."""
        wanted = [number - 1 for axis in order for number in self._numbers(axis)[1]]
        number = {old: new for new, old in enumerate(wanted)}
        terms = (Term.made(t.multiple, [factor.reordered(number) for factor in t.factors]) for t in self.terms)
        return Paths(tuple(self.axes[axis] for axis in order), _there(terms))

    def reshaped(self, shape: Sizes) -> Paths:
        """The same units in another shape, in the same order."""
        pairs = list(stretches(self.pieces, tuple(n for n in shape if n > 1)))
        table = Paths(tuple(old for old, _ in pairs), self.terms)
        for axis, (_, new) in enumerate(pairs):
            table = table._pieced(axis, new)
        return Paths(grouped(table.pieces, shape), table.terms)

    def meets(self, other: Paths, live: Sequence[Paths] | None = None) -> bool:
        """Whether some x_d leads to the same unit of both. `live` is as in `has_several`.

        For a product of matrices a_ik b_kj this is asked of a and b without the axes i and j: of `a.mixed(0, 1)` and
        `b.mixed(1, 1)`, both in the shape (k,).
        """
        a, b = _aligned(self, other)
        return any(mine.meets(theirs, where) for where in a._starts(live) for mine in a.terms for theirs in b.terms)

    def has_several(self, live: Sequence[Paths] | None = None) -> bool:
        """Whether two paths lead from one input to one unit. `live` may say which units are asked about.

        They are tables of paths *from* these units: asked about are those from which some path leads to another unit.
        """
        return any(
            any(term.has_several_in(where) for term in self.terms)
            or any(s.meets(t, where) for s, t in combinations(self.terms, 2))
            for where in self._starts(live)
        )

    def together_along(self, d: int, size: int) -> npt.NDArray[np.bool_]:
        """Which places on axis d of x, (size, size), lead to one unit; where they do not, no unit depends on both."""
        together = np.zeros((size, size), np.bool_)
        if size == 1:
            return together
        sides = [next(factor for factor in term.factors if ~d in factor.axes) for term in self.terms]
        for a, b in combinations_with_replacement(sides, 2):
            units = [axis for axis in a.axes if axis >= 0 and axis in b.axes]
            first, second = (factor.matrix(units, ~d) for factor in (a, b))
            both = first.T @ second > 0
            together |= both | both.T
        return together

    def has_single(self) -> bool:
        """Whether exactly one path leads from some input to some unit. For a large table it is a guess."""
        guess = any(term.has_single for term in self.terms)
        if len(self.terms) < 2 or not guess:
            return guess
        try:
            return _as_one(self.terms).has_single
        except TooLargeError:
            return guess

    def _starts(self, live: Sequence[Paths] | None) -> list[list[Counts]]:
        """For each term of the tables `live` the units from which it has paths, as arrays over axes of this table."""
        if live is None:
            return [[]]
        return [[self._start(factor) for factor in term.factors] for table in live for term in table.terms]

    def _start(self, factor: Counts) -> Counts:
        """The units that a factor allows, where its axes ~d are those of the units of this table."""
        first = {~axis: self._numbers(axis)[0] for axis in range(len(self.axes))}
        start = factor.summed([axis for axis in factor.axes if axis >= 0]).flags().reordered(first)
        for axis, sizes in enumerate(self.axes):
            if sizes and first[~axis] in start.axes:
                start = start.split(first[~axis], sizes)
        return start

    def _numbers(self, axis: int) -> tuple[int, range]:
        """The number of the first piece of an axis, and those of all its pieces after a new axis has got this one."""
        first = sum(map(len, self.axes[:axis]))
        return first, range(first + 1, first + 1 + len(self.axes[axis]))

    def _applied(self, axis: int, support: Support) -> Paths:
        """`along` without short cuts. The axis becomes one piece."""
        new, old = self._numbers(axis)
        lengths = {new: support.rows} if support.rows > 1 else {}
        lengths |= dict(zip(old, self.axes[axis], strict=True))
        entries = Counts.ones(tuple(lengths), tuple(lengths.values()), support.places)
        return self._changed(axis, support.rows, lambda term: term.applied(entries, old, adds=support.adds))

    def _changed(self, axis: int, size: int, change: Callable[[Term], Term | None]) -> Paths:
        """The terms with a new axis in place of an old one: `change` is called when the new one has its number."""
        new, old = self._numbers(axis)
        pieces = (size,) if size > 1 else ()
        changed = _there(change(term.shifted(new, 1)) for term in self.terms)
        terms = [term.shifted(old.stop, len(pieces) - 1 - len(old)) for term in changed]
        return Paths((*self.axes[:axis], pieces, *self.axes[axis + 1 :]), _tidy(terms))

    def _as_one_piece(self, axis: int) -> Paths:
        """The same table, with an axis in one piece."""
        return self._applied(axis, Support.identity(prod(self.axes[axis])))

    def _pieced(self, axis: int, wanted: Sizes) -> Paths:
        """The same table, with an axis in pieces of which also the wanted row of pieces consists."""
        finer = refined(self.axes[axis], wanted)
        if finer is None:  # (2, 3) and (3, 2) have no pieces in common
            return self._as_one_piece(axis)._pieced(axis, wanted)
        terms, number, at = self.terms, self._numbers(axis)[0], 0
        for group in grouped(finer, self.axes[axis]):
            terms = tuple(term.split(number + at, group) for term in terms)
            at += len(group)
        return Paths((*self.axes[:axis], finer, *self.axes[axis + 1 :]), terms)


def _aligned(a: Paths, b: Paths) -> tuple[Paths, Paths]:
    """Two tables for units of one shape, with each axis in the same pieces."""
    for axis, (mine, theirs) in enumerate(zip(a.axes, b.axes, strict=True)):
        if mine != theirs:
            finer = refined(mine, theirs)
            a, b = (table._as_one_piece(axis) if finer is None else table._pieced(axis, finer) for table in (a, b))
    return a, b


def _there(terms: Iterable[Term | None]) -> Terms:
    """The terms that are not 0."""
    return tuple(term for term in terms if term is not None)


def _tidy(terms: Sequence[Term]) -> Terms:
    """The same sum, with fewer terms where some can be added."""
    kept = list[Term]()
    for term in terms:
        kept = _with(kept, term)
    if len(kept) > MANY:
        try:
            return _there([Term.made(1, [_as_one(kept)])])
        except TooLargeError:
            pass
    return tuple(kept)


def _with(kept: Sequence[Term], term: Term) -> list[Term]:
    """Some terms and one more. The sum of two can often be added to a third."""
    for n, other in enumerate(kept):
        total = other.merged(term)
        if total is not None:
            return _with([*kept[:n], *kept[n + 1 :]], total)
    return [*kept, term]


def _as_one(terms: Sequence[Term]) -> Counts:
    """The sum as one array. Raises `TooLargeError`."""
    if sum(prod(factor.entries for factor in term.factors) for term in terms) > LIMIT:
        raise TooLargeError
    first, *others = terms
    total = first.entries()
    for term in others:
        total = total.plus(term.entries())
    return total
