"""The notation of emitted equations, evaluated: shares nothing with the compiler but what README and docs say of it.

A value is an array with named axes: n samples, c tangents, u units, w the second axis of a matrix. Vectors have u,
matrices u and w; vᵀ has w in u's place. A juxtaposition multiplies what has no axis in common with a matrix entry by
entry, a matrix with what stands behind it as matrices do, and v uᵀ as an outer product.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[Any]
ORDER: Final = "ncuw"


@dataclass(frozen=True)
class Value:
    """`array` has the axes `axes`, in the order of `ORDER`."""

    array: Array
    axes: str

    def renamed(self, **names: str) -> Value:
        axes = "".join(names.get(axis, axis) for axis in self.axes)
        order = sorted(range(len(axes)), key=lambda k: ORDER.index(axes[k]))
        return Value(self.array.transpose(order), "".join(axes[k] for k in order))

    def spread(self, axes: str) -> Array:
        """The array with axes of length one where it has none of `axes`."""
        return self.array[tuple(slice(None) if axis in self.axes else np.newaxis for axis in axes)]

    @property
    def is_matrix(self) -> bool:
        return "u" in self.axes and "w" in self.axes

    def transposed(self) -> Value:
        return self.renamed(u="w", w="u")

    def total(self, axis: str) -> Value:
        return Value(self.array.sum(self.axes.index(axis)), self.axes.replace(axis, ""))


def together(a: Value, b: Value, combine: Callable[[Array, Array], Array]) -> Value:
    """Entry by entry, over the axes of both."""
    axes = "".join(axis for axis in ORDER if axis in a.axes + b.axes)
    return Value(combine(a.spread(axes), b.spread(axes)), axes)


def times(a: Value, b: Value) -> Value:
    """a b."""
    if not a.is_matrix or "u" not in b.axes:
        return together(a, b, np.multiply)
    # The second axis of a meets the first of b, under a name of its own.
    left, right = a.axes.replace("w", "k"), b.axes.replace("u", "k")
    axes = "".join(axis for axis in ORDER if axis in left + right)
    return Value(np.einsum(f"{left},{right}->{axes}", a.array, b.array, optimize=True), axes)


def number(value: Any) -> Value:
    return Value(np.asarray(value, np.float64), "")


FUNCTIONS: Final[Mapping[str, Callable[..., Array]]] = {
    "softplus": lambda u: np.logaddexp(0, u),
    "sigmoid": special.expit,
    "logcosh": lambda u: np.logaddexp(u, -u) - np.log(2),
    "sech": lambda u: 1 / np.cosh(u),
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "tan": np.tan,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "erf": special.erf,
    "ndtr": special.ndtr,
    "gaussian": lambda u, c: np.exp(-c * u**2),
    "sqrt": np.sqrt,
    "relu": lambda u: np.maximum(u, 0),
    "step": lambda u: np.heaviside(u, 0),
    "signum": np.sign,
    "absolute": np.abs,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e−?\d+)?|½|Σ_[ncij]|[A-Za-z]\w*|ᵀ|[²³⁴]|_c|[-−+∘/()\[\],:<^])")
_POWERS: Final = {"²": 2, "³": 3, "⁴": 4}


class Equation:
    """One right-hand side, read from left to right. `letters` are the values of letters; N and λ are among them."""

    def __init__(self, text: str, letters: Mapping[str, Value]) -> None:
        self.tokens = _tokens(text, sorted(letters, key=len, reverse=True))
        self.letters = letters

    def value(self) -> Value:
        result = self.sum()
        assert not self.tokens, f"left over: {self.tokens}"
        return result

    def next(self, *wanted: str) -> str:
        """Take the next token if it is one of `wanted`, or any if none is."""
        if self.tokens and (not wanted or self.tokens[0] in wanted):
            return self.tokens.pop(0)
        return ""

    def expect(self, token: str) -> None:
        assert self.next(token), f"{token!r} expected before {self.tokens[:5]}"

    def sum(self) -> Value:
        negative = self.next("−")
        result = self.product()
        if negative:
            result = times(number(-1), result)
        while sign := self.next("+", "−"):
            result = together(result, self.product(), np.add if sign == "+" else np.subtract)
        return result

    def product(self) -> Value:
        """Factors, the last of which may be a sum over an axis; evaluated from the right, as matrices act."""
        factors: list[Value] = []
        over = number(1)
        while self.tokens and self.tokens[0] not in ("+", "−", ")", "]", ",", ":", "<"):
            if self.next("/"):
                over = together(over, self.entries(), np.multiply)
            elif self.tokens[0].startswith("Σ_"):
                factors.append(self.sigma())
            else:
                factors.append(self.entries())
        result = factors.pop()
        while factors:
            result = times(factors.pop(), result)
        return together(result, over, np.divide)

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
                result = Value(result.array ** _POWERS[token], result.axes)
        return result

    def is_part(self) -> bool:
        """Whether [a:b] comes next, and not a bracket."""
        return self.tokens[2:3] == [":"]

    def part(self, whole: Value) -> Value:
        start = int(self.next())
        self.expect(":")
        stop = int(self.next())
        self.expect("]")
        assert whole.axes[-1] == "u"
        return Value(whole.array[..., start:stop], whole.axes)

    def atom(self) -> Value:
        token = self.next()
        if token in self.letters:
            return self.letters[token]
        if token == "½":
            return number(0.5)
        if token[0].isdigit():
            return number(float(token.replace("−", "-")))
        if token == "(":
            result = self.sum()
            self.expect(")")
            return result
        if token == "[":
            return self.bracket()
        return self.call(token)

    def bracket(self) -> Value:
        """[a, b] is a vector of parts, [ġ] the matrix of all tangents."""
        parts = [self.sum()]
        while self.next(","):
            parts.append(self.sum())
        self.expect("]")
        if len(parts) == 1:
            return parts[0].renamed(c="u", u="w")
        axes = "".join(axis for axis in ORDER if any(axis in part.axes for part in parts))
        shape = np.broadcast_shapes(*(part.spread(axes).shape[:-1] for part in parts))
        spread = (part.spread(axes) for part in parts)
        return Value(np.concatenate([np.broadcast_to(a, (*shape, a.shape[-1])) for a in spread], axis=-1), axes)

    def call(self, name: str) -> Value:
        self.expect("(")
        arguments = [self.sum()]
        while self.next(",", "<"):
            arguments.append(self.sum())
        self.expect(")")
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


def _tokens(text: str, letters: list[str]) -> list[str]:
    """Letters first, the longest one that fits; then numbers, names and signs."""
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
