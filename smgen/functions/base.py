"""The base of scalar functions. A function states its derivative, stable form, definition, and its names in targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal

import mpmath
import sympy as sp


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The names of a function that targets have.

    `name` is the name of the elementary operation, and of NumPy's function if NumPy has it. If not, `numpy` begins the
    call. `evaluate` is the function at build time. `c` is the name in the C library; a function that C lacks has a
    `body` in C with `arguments`, where {real} stands for the type. `simd` says that templates/c/primitives.h has a
    version that vectorises, `scipy` that scipy.special has the function.
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

    A subclass states `fdiff`, `reference`, and `stable` or `machine`. `saved` says that a call is expensive, and is
    evaluated once per element for f, f′, f″ and f‴. `kinked` says that its derivative jumps where `switch` is 0; then
    `side` is its formula on each side. `monotone` and `limits`, the values at −∞ and ∞, bound its values. `internal`
    functions are not for users. `spelled` are the calls in other array libraries, "jax", "torch" and "numpy", with the
    machine's arguments, where the name differs.
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
        """The form in machine functions, without overflow or cancellation, with one exp for each argument."""
        raise NotImplementedError

    @property
    def switch(self) -> sp.Expr:
        """The expression that is 0 where a kinked function changes its formula."""
        return self.args[0]

    def side(self, sign: int) -> sp.Expr:
        """The formula of a kinked function where its switch has this sign; 0 if the switch is 0 everywhere."""
        return self.stable()

    def plain(self) -> sp.Expr:
        """The form that people write by hand for a library that lacks the function."""
        return self.stable()

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        """The value of the function at numbers, to `prec` bits."""
        if self.free_symbols:
            return None
        with mpmath.workprec(prec + 10):
            values = [arg._to_mpmath(prec + 10, allow_ints=False) for arg in self.args]
            return sp.Float(type(self).reference(*values), precision=prec)


class Positive(ScalarFunction):
    """A function with positive values."""

    is_positive = True


FARTHEST = 10**9
"""The largest argument of exp: a larger one takes memory in proportion, and exp(1e9) is infinite in every dtype."""


def exp_reference(u: Any) -> Any:
    """exp(u), with u clipped to arguments that differ in some dtype."""
    return mpmath.exp(max(min(u, mpmath.mpf(FARTHEST)), mpmath.mpf(-FARTHEST)))
