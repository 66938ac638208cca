"""The notation of emitted equations, evaluated: shares nothing with the compiler but what README and docs say of it.

An equation says less than the operation below it: of `mix(v)` it does not say which axis of which node is mixed, nor in
which order a tensor's axes lie in memory. An operation that fits is a *reading*; an equation is true if one reading of it
is. What an equation without a letter was read as, the equations after it that contain it are read as, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from tests.equations.tensors import Tensors
from tests.equations.values import FUNCTIONS, ORDER, POWERS, NoReadingError, Value, number, times, together

OPERATORS: Final = ("windows", "fold", "sum", "pick", "mix", "max")
MOST: Final = 20_000
"""So many readings of an equation are tried."""

_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e−?\d+)?|½|Σ_[ncpij]|[A-Za-z]\w*|ᵀ|[²³⁴]|_c|[-−+∘/()\[\],:<^])")
_ENDS: Final = ("+", "−", ")", "]", ",", ":", "<")


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
    path: list[tuple[int, int]] = []
    for _ in range(MOST):
        choices = Choices(path)
        try:
            value = Equation(text, known, tensors, context, choices).value()
            yield Value(value.array, value.axes)
        except NoReadingError:
            pass
        path = choices.next_path()
        if not path:
            return


class Equation:
    """One right-hand side, read from left to right. `known` has the values of letters and of equations without one."""

    def __init__(
        self, text: str, known: Mapping[str, Sequence[Value]], tensors: Tensors, context: str, choices: Choices
    ) -> None:
        self.tokens = tokens_of(text, known)
        self.at = 0
        self.known = known
        self.tensors = tensors
        self.context = context
        self.choices = choices

    def value(self) -> Value:
        result = self.sum()
        assert self.at == len(self.tokens), f"left over: {self.tokens[self.at :]}"
        return result

    @property
    def ahead(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self, *wanted: str) -> str:
        """Take the next token if it is one of `wanted`, or any if none is."""
        token = self.ahead
        if token and (not wanted or token in wanted):
            self.at += 1
            return token
        return ""

    def expect(self, token: str) -> None:
        assert self.next(token), f"{token!r} expected before {self.tokens[self.at : self.at + 5]}"

    def read(self, rule: Callable[[], Value]) -> Value:
        """What a rule reads, or what the same text was read as before."""
        start = self.at
        value = rule()
        before = self.known.get(" ".join(self.tokens[start : self.at]), ())
        return self.choices.of([*before, value]) if self.at > start + 1 else value

    def sum(self) -> Value:
        return self.read(self.terms)

    def terms(self) -> Value:
        negative = self.next("−")
        result = self.product()
        if negative:
            result = times(number(-1), result)
        while sign := self.next("+", "−"):
            result = together(result, self.product(), np.add if sign == "+" else np.subtract)
        return result

    def product(self) -> Value:
        return self.read(self.factors)

    def factors(self) -> Value:
        """Factors, the last of which may be a sum over an axis; evaluated from the right, as matrices act."""
        factors: list[Value] = []
        over = number(1)
        while self.ahead and self.ahead not in _ENDS:
            if self.next("/"):
                over = together(over, self.entries(), np.multiply)
            elif self.ahead.startswith("Σ_"):
                factors.append(self.read(self.sigma))
            elif self.ahead == "[" and (each := self.each_sample()):
                factors.append(each)
            else:
                factors.append(self.entries())
        result = factors.pop()
        while factors:
            result = times(factors.pop(), result)
        return together(result, over, np.divide) if over.array.ndim or over.array != 1 else result

    def each_sample(self) -> Value | None:
        """[A] [B], the product of two matrices of each sample; None if something else comes next."""
        start = self.at
        operands: list[tuple[Value, bool]] = []
        while self.tensors.blocks and self.next("["):
            value = self.sum()
            if not self.next("]"):
                break
            operands.append((value, bool(self.next("ᵀ"))))
            if len(operands) == 2:
                return self.choices.of(self.tensors.products(*operands[0], *operands[1]))
        self.at = start
        return None

    def sigma(self) -> Value:
        axis = self.next()[-1]
        body = self.product()
        if axis == "i":
            axis = "w" if body.is_matrix else "u"
        return body.total("u").renamed(w="u") if axis == "j" else body.total(axis)

    def entries(self) -> Value:
        """W ∘ V."""
        result = self.factor()
        while self.next("∘"):
            result = together(result, self.factor(), np.multiply)
        return result

    def factor(self) -> Value:
        result = self.atom()
        while token := self.next("²", "³", "⁴", "ᵀ", "_c", "^", *("[" if self.is_part() else "")):
            if token == "ᵀ":
                result = result.transposed()
            elif token == "_c":
                result = result.renamed(u="c", w="u")
            elif token == "[":
                result = self.part(result)
            elif token == "^":
                result = together(result, self.factor(), np.power)
            else:
                result = Value(result.array ** POWERS[token], result.axes)
        return result

    def is_part(self) -> bool:
        """Whether [a:b] comes next, and not a bracket."""
        return self.tokens[self.at + 2 : self.at + 3] == [":"]

    def part(self, whole: Value) -> Value:
        """A part of a vector, or the columns of a matrix."""
        start = int(self.next())
        self.expect(":")
        stop = int(self.next())
        self.expect("]")
        if whole.axes[-1:] not in ("u", "w"):
            raise NoReadingError(f"a part of {whole.axes}")
        return Value(whole.array[..., start:stop], whole.axes)

    def atom(self) -> Value:
        token = self.next()
        if token == "½":
            return number(0.5)
        if token[0].isdigit():
            return self.choices.of([number(float(token.replace("−", "-"))), *self.known.get(token, ())])
        if token in self.known:
            return self.choices.of([*self.known[token], *self.tensors.as_tensors(token, self.known[token])])
        if token == "(":
            result = self.sum()
            self.expect(")")
            return result
        if token == "[":
            self.at -= 1
            return self.read(self.bracket)
        return self.call(token)

    def bracket(self) -> Value:
        """[a, b] is a vector of parts, [ġ] the matrix of all tangents."""
        self.expect("[")
        parts = [self.sum()]
        while self.next(","):
            parts.append(self.sum())
        self.expect("]")
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

    def call(self, name: str) -> Value:
        start = self.at - 1
        self.expect("(")
        arguments = [self.sum()]
        while self.next(",", "<"):
            arguments.append(self.sum())
        self.expect(")")
        if name in OPERATORS:
            before = self.known.get(" ".join(self.tokens[start : self.at]), ())
            return self.choices.of(before or list(self.tensors.results(name, arguments[0], self.context)))
        if name in ("ones", "identity"):
            size = int(arguments[0].array)
            return Value(np.ones(size), "u") if name == "ones" else Value(np.eye(size), "uw")
        if name == "diag":
            return Value(np.diag(arguments[0].array), "uw")
        if name == "choose":
            a, b, x, y = arguments
            below = together(a, b, np.less)
            return together(together(below, x, np.multiply), together(below, y, lambda t, v: ~t * v), np.add)
        first, *others = arguments
        for other in others:
            first = together(first, other, FUNCTIONS[name])
        return first if others else Value(FUNCTIONS[name](first.array), first.axes)


def tokens_of(text: str, known: Mapping[str, object]) -> list[str]:
    """Letters first, the longest one that fits; then numbers, names and signs."""
    letters = sorted((x for x in known if " " not in x), key=len, reverse=True)
    tokens: list[str] = []
    rest = text.strip()
    while rest:
        letter = next((x for x in letters if rest.startswith(x) and not _goes_on(x, rest[len(x) : len(x) + 1])), None)
        if letter is None:
            match = _TOKEN.match(rest)
            assert match, f"no token at {rest!r}"
            letter, end = match[1], match.end()
        else:
            end = len(letter)
        tokens.append(letter)
        rest = rest[end:].lstrip()
    return tokens


def _goes_on(letter: str, following: str) -> bool:
    """Whether a name goes on after what looks like a letter."""
    return letter[-1].isalnum() and bool(re.match(r"[A-Za-z0-9_′(]", following)) and following not in ("ᵀ",)
