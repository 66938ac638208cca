"""The grammar of emitted equations: a right-hand side as a tree of terms, each with its own text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e−?\d+)?|½|Σ_[ncpij]|[A-Za-z]\w*|ᵀ|[²³⁴]|_c|[-−+∘/()\[\],:<^])")
_ENDS: Final = ("+", "−", ")", "]", ",", ":", "<")


@dataclass(frozen=True)
class Term:
    """`kind` says what is done to `parts`; `word` is a letter, a number, a function, an axis or the signs of a sum."""

    kind: str
    text: str
    parts: tuple[Term, ...] = ()
    word: str = ""


class Grammar:
    """Reads one right-hand side from left to right."""

    def __init__(self, text: str, letters: Iterable[str]) -> None:
        self.letters = {letter for letter in letters if " " not in letter}
        self.tokens = tokens_of(text, self.letters)
        self.at = 0

    def tree(self) -> Term:
        term = self.sum()
        assert self.at == len(self.tokens), f"left over: {self.tokens[self.at :]}"
        return term

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

    def term(self, kind: str, start: int, parts: Iterable[Term], word: str = "") -> Term:
        return Term(kind, " ".join(self.tokens[start : self.at]), tuple(parts), word)

    def sum(self) -> Term:
        start = self.at
        signs = "−" if self.next("−") else "+"
        parts = [self.product()]
        while sign := self.next("+", "−"):
            signs += sign
            parts.append(self.product())
        return parts[0] if signs == "+" else self.term("sum", start, parts, signs)

    def product(self) -> Term:
        """Factors, of which those behind a / divide; the last may be a sum over an axis.

        They are nested from the right, as matrices act: a (b c), where [A] [B] is one factor.
        """
        first = self.at
        starts, factors, below = list[int](), list[Term](), list[Term]()
        end = self.at
        while self.ahead and self.ahead not in _ENDS:
            start = self.at
            if self.next("/"):
                below.append(self.entries())
                continue
            factor = self.sigma() if self.ahead.startswith("Σ_") else self.entries()
            end = self.at
            if factors and _is_matrix_of_a_sample(factors[-1]) and _is_matrix_of_a_sample(factor):
                factors[-1] = self.term("each", starts[-1], [factors[-1], factor])
            else:
                factors.append(factor)
                starts.append(start)
        result = factors.pop()
        starts.pop()
        while factors:
            start = starts.pop()
            result = Term("product", " ".join(self.tokens[start:end]), (factors.pop(), result))
        return self.term("ratio", first, [result, *below]) if below else result

    def sigma(self) -> Term:
        start = self.at
        axis = self.next()[-1]
        return self.term("sigma", start, [self.product()], axis)

    def entries(self) -> Term:
        """W ∘ V."""
        start = self.at
        parts = [self.factor()]
        while self.next("∘"):
            parts.append(self.factor())
        return parts[0] if len(parts) == 1 else self.term("entries", start, parts)

    def factor(self) -> Term:
        start = self.at
        result = self.atom()
        while token := self.next("²", "³", "⁴", "ᵀ", "_c", "^", *("[" if self.is_part() else "")):
            if token == "[":
                first = self.next()
                self.expect(":")
                last = self.next()
                self.expect("]")
                result = self.term("part", start, [result], f"{first}:{last}")
            elif token == "^":
                result = self.term("power", start, [result, self.factor()])
            else:
                result = self.term("mark", start, [result], token)
        return result

    def is_part(self) -> bool:
        """Whether [a:b] comes next, and not a bracket."""
        return self.tokens[self.at + 2 : self.at + 3] == [":"]

    def atom(self) -> Term:
        start = self.at
        token = self.next()
        if token in self.letters and not token[0].isdigit():
            return self.term("letter", start, (), token)
        if token == "½" or token[0].isdigit():
            return self.term("number", start, (), "0.5" if token == "½" else token.replace("−", "-"))
        if token == "(":
            result = self.sum()
            self.expect(")")
            return result
        kind, end = ("bracket", "]") if token == "[" else ("call", ")")
        if kind == "call":
            self.expect("(")
        arguments = [self.sum()]
        while self.next(",", "<"):
            arguments.append(self.sum())
        self.expect(end)
        return self.term(kind, start, arguments, token)


def _is_matrix_of_a_sample(term: Term) -> bool:
    """[A] or [A]ᵀ."""
    inner = term.parts[0] if term.kind == "mark" and term.word == "ᵀ" else term
    return inner.kind == "bracket" and len(inner.parts) == 1


def tokens_of(text: str, letters: Iterable[str]) -> list[str]:
    """Letters first, the longest one that fits; then numbers, names and signs."""
    longest = sorted((x for x in letters if " " not in x), key=len, reverse=True)
    tokens: list[str] = []
    rest = text.strip()
    while rest:
        letter = next((x for x in longest if rest.startswith(x) and not _goes_on(x, rest[len(x) : len(x) + 1])), None)
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
