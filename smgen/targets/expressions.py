"""Scalar expressions in a language like C: one printer for every dialect.

Parentheses keep the order of operations of `scalar.linearise`, which the accuracy check has run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import sympy as sp

from smgen.calculus.scalar import linearise
from smgen.functions import Machine, machines
from smgen.targets.dialect import Dialect
from smgen.targets.literals import number

_INFIX: Final = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_SUM, _PRODUCT, _ATOM = 1, 2, 3
_NAME: Final = re.compile(r"\w+(\[[^\[\]]*\])?")


@dataclass(frozen=True, slots=True)
class _Value:
    """The text of an intermediate result, how tightly it binds, and the text that it is the square of, if any."""

    text: str
    level: int
    square_of: str = ""

    def within(self, level: int) -> str:
        """The text, in parentheses if the place binds more tightly."""
        return self.text if self.level >= level else f"({self.text})"


@dataclass(frozen=True, slots=True)
class CPrinter:
    """Prints in `float` or `double`: every literal has the dtype's suffix, small powers are products."""

    dtype: str
    dialect: Dialect

    @property
    def real(self) -> str:
        """The C type."""
        return "float" if self.dtype == "float32" else "double"

    @property
    def suffix(self) -> str:
        """The suffix of literals and calls: f for float, nothing for double."""
        return "f" if self.dtype == "float32" else ""

    def __call__(self, expr: sp.Expr) -> str:
        """`expr` as a C expression. The result is cached: many functions of a module have the same expressions."""
        return _printed(self, expr)

    def literal(self, value: sp.Expr) -> str:
        """The shortest decimal that is the number nearest to `value` in the dtype."""
        rounded = np.dtype(self.dtype).type(number(value, self.dtype))
        text = repr(float(rounded)) if self.dtype == "float64" else str(rounded)
        return text + self.suffix

    def operation(self, function: str, machine: Machine | None, operands: list[_Value]) -> _Value:
        """The text of an elementary operation."""
        first, *others = operands
        match function:
            case "add" | "subtract":
                return _Value(f"{first.within(_SUM)} {_INFIX[function]} {others[0].within(_PRODUCT)}", _SUM)
            case "multiply" if first.square_of == others[0].text and first.level == _ATOM:
                return _Value(f"cubed({first.square_of})", _ATOM)
            case "multiply" | "divide":
                return _Value(f"{first.within(_PRODUCT)} {_INFIX[function]} {others[0].within(_ATOM)}", _PRODUCT)
            case "negative":
                return _Value(f"-{first.within(_PRODUCT)}", _SUM)
            case "square" if _NAME.fullmatch(first.text):
                return _Value(f"{first.text} * {first.text}", _PRODUCT, first.text)
            case "square":
                return _Value(f"squared({first.text})", _ATOM, first.text)
        name = "pow" if machine is None and function == "power" else (machine and machine.c) or function
        if machine is None or not machine.body:
            own = self.dialect.simd and machine is not None and machine.simd
            name = "simd_" * own + name + self.suffix * self.dialect.suffixed
        return _Value(f"{name}({', '.join(operand.text for operand in operands)})", _ATOM)


@lru_cache(maxsize=4096)
def _printed(c: CPrinter, expr: sp.Expr) -> str:
    values: dict[sp.Expr, _Value] = {}
    known = machines()

    def value(e: sp.Expr) -> _Value:
        if e in values:
            return values[e]
        if e.is_number:
            text = c.literal(e)
            return _Value(text, _SUM if text.startswith("-") else _ATOM)
        return _Value(str(e.name), _ATOM)

    def emit(function: str, operands: tuple[sp.Expr, ...]) -> sp.Expr:
        result = sp.Dummy()
        values[result] = c.operation(function, known.get(function), [value(operand) for operand in operands])
        return result

    return value(linearise(expr, emit, lambda e: 0 if e.is_number else 1)).text


_POWERS: Final = {"squared": "return u * u;", "cubed": "return u * u * u;"}


def helpers(dtype: str, dialect: Dialect, text: str) -> tuple[str, ...]:
    """Definitions of the functions that `text` calls and that the library lacks or computes differently for NaN.

    Each is a chain of conditional expressions, which compilers vectorise, without branches.
    """
    real = CPrinter(dtype, dialect).real
    own = {m.c or m.name: (m.arguments, m.body) for m in machines().values() if m.body}
    bodies = own | {name: ("u", body) for name, body in _POWERS.items()}
    definitions = []
    for name, (letters, body) in sorted(bodies.items()):
        if f"{name}(" in text:
            arguments = ", ".join(f"const {real} {letter}" for letter in letters)
            definitions.append(f"{dialect.function} {real} {name}({arguments}) {{ {body.replace('{real}', real)} }}")
    return tuple(definitions)
