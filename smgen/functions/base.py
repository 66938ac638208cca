"""What a scalar function states: its derivative, its stable form, its definition, and how targets call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal

import mpmath
import sympy as sp


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How targets call a function that they have.

    `name` is the elementary operation's, NumPy's where NumPy has it. `numpy` begins the call otherwise, `evaluate` is
    the function at build time. `c` is the C library's name; what it lacks has a `body` in C, of `arguments`, where
    {real} stands for the type. `simd`: templates/c/primitives.h has one that vectorises. `scipy`: scipy.special has it.
    """

    name: str
    numpy: str = ""
    evaluate: Callable[..., Any] | None = None
    c: str = ""
    body: str = ""
    arguments: str = "u"
    simd: bool = False
    scipy: bool = False

    @property
    def call(self) -> str:
        """The beginning of a call in NumPy, with {} for the operands."""
        return self.numpy or f"np.{self.name}({{}}"


class ScalarFunction(sp.Function):
    """A real function of real arguments.

    A subclass states `fdiff`, `reference`, and `stable` or `machine`. `saved`: dear enough to be evaluated once per
    element and kept for f, f′, f″ and f‴. `kinked`: its derivative jumps somewhere. `monotone` and `limits`, at −∞ and
    ∞, bound its values. `internal`: not for users. `spelled` are calls in other array libraries, "jax" and "torch",
    and in "numpy", of the machine's arguments, where these are not the machine's name.
    """

    is_extended_real = True
    is_finite = True
    saved: ClassVar[bool] = False
    kinked: ClassVar[bool] = False
    internal: ClassVar[bool] = False
    machine: ClassVar[Machine | None] = None
    monotone: ClassVar[Literal["", "rising", "even", "bell"]] = ""
    limits: ClassVar[tuple[float, float]] = (-inf, inf)
    spelled: ClassVar[Mapping[str, str]] = {}

    @staticmethod
    def reference(*arguments: Any) -> Any:
        """The definition, for mpmath's numbers of any precision: what generated code is judged against."""
        raise NotImplementedError

    def stable(self) -> sp.Expr:
        """In machine functions, with no overflow or cancellation, and one exp for an argument."""
        raise NotImplementedError

    def plain(self) -> sp.Expr:
        """As people write it by hand for a library that lacks it."""
        return self.stable()

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        """The value of a function of numbers, to `prec` bits."""
        if self.free_symbols:
            return None
        with mpmath.workprec(prec + 10):
            values = [arg._to_mpmath(prec + 10, allow_ints=False) for arg in self.args]
            return sp.Float(type(self).reference(*values), precision=prec)


class Positive(ScalarFunction):
    """A function with positive values."""

    is_positive = True


FARTHEST = 10**9
"""exp of more would take memory in proportion to its argument; no dtype tells exp(1e9) from infinity."""


def exp_reference(u: Any) -> Any:
    """exp(u), not farther than any dtype can see."""
    return mpmath.exp(max(min(u, mpmath.mpf(FARTHEST)), mpmath.mpf(-FARTHEST)))
