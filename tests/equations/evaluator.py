"""The notation of emitted equations, evaluated: shares nothing with the compiler but what README and docs say of it.

An equation says less than the operation below it: of `mix(v)` it does not say which axis of which node is mixed, nor in
which order a tensor's axes lie in memory. An operation that fits is a *reading*; an equation is true if one of its
readings is. What an equation without a letter was read as, the equations after it that contain it are read as, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final

import numpy as np

from tests.equations.grammar import Grammar, Term
from tests.equations.tensors import Tensors
from tests.equations.values import FUNCTIONS, ORDER, POWERS, NoReadingError, Value, number, times, together

OPERATORS: Final = ("windows", "fold", "patches", "sum", "pick", "mix", "max")
MOST: Final = 20_000
"""So many readings of an equation are tried."""


class Choices:
    """The choices of one reading: those of `path`, and the first one wherever else there are several."""

    def __init__(self, path: Sequence[tuple[int, int]]) -> None:
        self.path = list(path)
        self.taken = 0

    def of(self, options: Sequence[Value]) -> Value:
        if not options:
            raise NoReadingError("nothing fits")
        if len(options) == 1:
            return options[0]
        if self.taken == len(self.path):
            self.path.append((0, len(options)))
        index, _ = self.path[self.taken]
        self.taken += 1
        return options[index]

    def next_path(self) -> list[tuple[int, int]]:
        path = self.path[: self.taken]
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        return [*path[:-1], (path[-1][0] + 1, path[-1][1])] if path else []


def readings(text: str, known: Mapping[str, Sequence[Value]], tensors: Tensors, context: str) -> Iterator[Value]:
    """The values that a right-hand side has, for one reading after the other."""
    tree = Grammar(text, known).tree()
    path: list[tuple[int, int]] = []
    for _ in range(MOST):
        choices = Choices(path)
        try:
            value = Reading(known, tensors, context, choices).made(tree)
            yield Value(value.array, value.axes)
        except NoReadingError:
            pass
        path = choices.next_path()
        if not path:
            return


class Reading:
    """One reading of an equation. `known` has the values of letters, and of equations without one by their text."""

    def __init__(self, known: Mapping[str, Sequence[Value]], tensors: Tensors, context: str, choices: Choices) -> None:
        self.known = known
        self.tensors = tensors
        self.context = context
        self.choices = choices

    def value(self, term: Term) -> Value:
        """What a part of an equation was read as before, or else what it is made of."""
        before = self.known.get(term.text, ())
        if before and not _is_number(term):
            return self.choices.of([*before, *self.tensors.other_axes(term.text, before)])
        return self.choices.of([self.made(term), *before])

    def made(self, term: Term) -> Value:
        match term.kind:
            case "letter":
                return self.value(term)
            case "number":
                return number(float(term.word))
            case "sum":
                first, *others = (self.value(part) for part in term.parts)
                result = times(number(-1), first) if term.word[0] == "−" else first
                for sign, other in zip(term.word[1:], others, strict=True):
                    result = together(result, other, np.add if sign == "+" else np.subtract)
                return result
            case "product":
                return times(*map(self.value, term.parts))
            case "ratio":
                return reduce(lambda a, b: together(a, b, np.divide), map(self.value, term.parts))
            case "each" if self.tensors.blocks:
                (a, a_turned), (b, b_turned) = map(_turned, term.parts)
                return self.choices.of(self.tensors.products(self.value(a), a_turned, self.value(b), b_turned))
            case "each":
                return times(*map(self.value, term.parts))
            case "sigma":
                return self.sigma(self.value(term.parts[0]), term.word)
            case "entries":
                return reduce(lambda a, b: together(a, b, np.multiply), map(self.value, term.parts))
            case "power":
                base, exponent = map(self.value, term.parts)
                return together(base, exponent, np.power)
            case "mark":
                return self.marked(self.value(term.parts[0]), term.word)
            case "part":
                return self.part(self.value(term.parts[0]), *map(int, term.word.split(":")))
            case "bracket":
                return self.bracket([self.value(part) for part in term.parts])
        return self.call(term)

    @staticmethod
    def sigma(body: Value, axis: str) -> Value:
        if axis == "i":
            axis = "w" if body.is_matrix else "u"
        return body.total("u").renamed(w="u") if axis == "j" else body.total(axis)

    @staticmethod
    def marked(value: Value, mark: str) -> Value:
        if mark == "ᵀ":
            return value.transposed()
        if mark == "_c":
            return value.renamed(u="c", w="u")
        return Value(value.array ** POWERS[mark], value.axes)

    @staticmethod
    def part(whole: Value, start: int, stop: int) -> Value:
        """A part of a vector, or the columns of a matrix."""
        if whole.axes[-1:] not in ("u", "w"):
            raise NoReadingError(f"a part of {whole.axes}")
        return Value(whole.array[..., start:stop], whole.axes)

    @staticmethod
    def bracket(parts: Sequence[Value]) -> Value:
        """[a, b] is a vector of parts, [ġ] the matrix of all tangents."""
        if len(parts) == 1:
            return parts[0].renamed(c="u", u="w")
        if any("u" not in part.axes for part in parts):
            raise NoReadingError("parts have units")
        axes = "".join(axis for axis in ORDER if any(axis in part.axes for part in parts))
        spread = [part.spread(axes) for part in parts]
        try:
            shape = np.broadcast_shapes(*(part.shape[:-1] for part in spread))
        except ValueError as error:
            raise NoReadingError(str(error)) from error
        return Value(np.concatenate([np.broadcast_to(a, (*shape, a.shape[-1])) for a in spread], axis=-1), axes)

    def call(self, term: Term) -> Value:
        name = term.word
        if name in ("ones", "identity"):
            size = int(term.parts[0].word)
            return Value(np.ones(size), "u") if name == "ones" else Value(np.eye(size), "uw")
        arguments = [self.value(part) for part in term.parts]
        first, *others = arguments
        if name in OPERATORS:
            return self.choices.of(list(self.tensors.results(name, first, self.context)))
        if name == "diag":
            return Value(np.diag(first.array), "uw")
        if name == "choose":
            a, b, x, y = arguments
            below = together(a, b, np.less)
            return together(together(below, x, np.multiply), together(below, y, lambda t, v: ~t * v), np.add)
        for other in others:
            first = together(first, other, FUNCTIONS[name])
        return first if others else Value(FUNCTIONS[name](first.array), first.axes)


def _is_number(term: Term) -> bool:
    return term.kind == "number" or (term.kind in ("sum", "ratio", "product") and all(map(_is_number, term.parts)))


def _turned(term: Term) -> tuple[Term, bool]:
    is_turned = term.kind == "mark"
    return (term.parts[0].parts[0] if is_turned else term.parts[0]), is_turned
