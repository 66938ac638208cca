"""One Kronecker term of a table of paths: a product of arrays that have no axis in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from smgen.layers.patterns.counts import SEVERAL, Counts, TooLargeError, expanded, overlap, spread


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """multiple · f_1 · f_2 · …, and nowhere 0 altogether. Every axis longer than one belongs to one factor.

    Axes of units have the numbers 0, 1, …; axis d of x has the number ~d.
    """

    multiple: int
    factors: tuple[Counts, ...]

    @classmethod
    def made(cls, multiple: int, factors: Iterable[Counts]) -> Term | None:
        """The term, or None if it is 0. A factor without axes becomes part of the multiple."""
        kept = list[Counts]()
        for factor in factors:
            if not factor.entries:
                return None
            if factor.axes:
                kept.append(factor)
            else:
                multiple *= int(factor.counts[0])
        return cls(min(multiple, SEVERAL), tuple(sorted(kept, key=lambda factor: factor.axes)))

    @property
    def has_several(self) -> bool:
        """Whether an entry is 2."""
        return self.multiple == SEVERAL or any(factor.has_several for factor in self.factors)

    @property
    def has_single(self) -> bool:
        """Whether an entry is 1."""
        return self.multiple == 1 and all(factor.has_single for factor in self.factors)

    def entries(self) -> Counts:
        """The term as one array. Raises `TooLargeError`."""
        return expanded(self.factors).times(self.multiple)

    def shifted(self, start: int, by: int) -> Term:
        """The term with other numbers for the axes from `start` on. Their order stays the same."""
        if by == 0:
            return self
        number = {axis: axis + by for factor in self.factors for axis in factor.axes if axis >= start}
        return Term(self.multiple, tuple(factor.renumbered(number) for factor in self.factors))

    def split(self, axis: int, sizes: tuple[int, ...]) -> Term:
        """The term with several axes in place of one; those after it get higher numbers."""
        term = self.shifted(axis + 1, len(sizes) - 1)
        factors = (factor.split(axis, sizes) if axis in factor.axes else factor for factor in term.factors)
        return Term(term.multiple, tuple(factors))

    def mixed(self, over: Collection[int], new: int, size: int) -> Term | None:
        """The sum over some axes, the same at each place of a new axis."""
        factors = [factor.summed(over) for factor in self.factors]
        return Term.made(self.multiple, factors + ([spread(new, size)] if size > 1 else []))

    def applied(self, support: Counts, over: Collection[int], *, adds: bool) -> Term | None:
        """The sum over some axes of the products with `support`, an array over them and a new one.

        `adds` says that one place of the new axis may read several places. If the result has too many entries, it is
        what is at least as large and a product again: the same count wherever both sides have an entry.
        """
        touched = [factor for factor in self.factors if set(factor.axes) & set(over)]
        others = [factor for factor in self.factors if not set(factor.axes) & set(over)]
        current = support
        try:
            for factor in touched:
                current = current.product(factor).summed(set(factor.axes) & set(over))
        except TooLargeError:
            several = adds or any(factor.has_several for factor in touched)
            sides = [side.summed(over).flags() for side in (support, *touched)]
            return Term.made(self.multiple * (SEVERAL if several else 1), [*others, *sides])
        return Term.made(self.multiple, [*others, current])

    def merged(self, other: Term) -> Term | None:
        """The sum with another term, if it is one term: if they differ in one factor at most."""
        if [factor.axes for factor in self.factors] != [factor.axes for factor in other.factors]:
            return None
        pairs = list(zip(self.factors, other.factors, strict=True))
        unequal = [n for n, (mine, theirs) in enumerate(pairs) if not mine.equals(theirs)]
        if not unequal:
            return Term(SEVERAL, self.factors)
        if len(unequal) > 1:
            return None
        (n,) = unequal
        total = self.factors[n].times(self.multiple).plus(other.factors[n].times(other.multiple))
        return Term(1, (*self.factors[:n], total, *self.factors[n + 1 :]))

    def meets(self, other: Term, where: Collection[Counts] = ()) -> bool:
        """Whether both have an entry at one place; it may be asked for in some units alone."""
        return overlap([*self.factors, *other.factors, *where])

    def has_several_in(self, where: Collection[Counts]) -> bool:
        """Whether an entry is 2 in some units."""
        if self.multiple == SEVERAL:
            return not where or overlap([*self.factors, *where])
        return any(
            overlap([*self.factors[:n], factor.only(SEVERAL), *self.factors[n + 1 :], *where])
            for n, factor in enumerate(self.factors)
            if factor.has_several
        )
