"""Functions whose derivative jumps: |u|, max and choices between branches."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, ClassVar

import mpmath
import numpy as np
import sympy as sp

from smgen.functions.base import Machine, ScalarFunction


class step(ScalarFunction):
    """1 for u > 0, else 0. Its derivative, 0 almost everywhere, is taken as 0."""

    nargs = 1
    spelled: ClassVar[Mapping[str, str]] = {"jax": "jnp.heaviside(u, 0.0)", "torch": "(u > 0).to(u.dtype)"}
    kinked = True
    monotone, limits = "rising", (0.0, 1.0)
    machine = Machine(
        name="step",
        numpy="np.heaviside({}, 0.0",
        evaluate=lambda u: np.heaviside(u, u.dtype.type(0)),
        body="const {real} s = u > 0 ? 1 : 0; return u != u ? u : s;",
    )

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero

    def side(self, sign: int) -> sp.Expr:
        return sp.S.One if sign > 0 else sp.S.Zero

    @staticmethod
    def reference(u: Any) -> Any:
        return mpmath.mpf(u > 0)


class signum(ScalarFunction):
    """−1, 0 or 1. Its derivative, 0 almost everywhere, is taken as 0."""

    nargs = 1
    kinked = True
    monotone, limits = "rising", (-1.0, 1.0)
    machine = Machine(name="sign", c="signum", body="const {real} s = u > 0 ? 1 : u; return u < 0 ? -1 : s;")

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero

    def side(self, sign: int) -> sp.Expr:
        return sp.Integer(sign)

    @staticmethod
    def reference(u: Any) -> Any:
        return mpmath.sign(u)


class absolute(ScalarFunction):
    """|u|; its derivative is taken as signum."""

    nargs = 1
    kinked = True
    monotone, limits = "even", (inf, inf)
    machine = Machine(name="abs", c="fabs")

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return cls(-u) if u.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return signum(self.args[0])

    def side(self, sign: int) -> sp.Expr:
        return sign * self.args[0]

    @staticmethod
    def reference(u: Any) -> Any:
        return abs(u)


class relu(ScalarFunction):
    """max(u, 0); its derivative is taken as step."""

    nargs = 1
    spelled: ClassVar[Mapping[str, str]] = {"jax": "jax.nn.relu(u)"}
    kinked = True
    monotone, limits = "rising", (0.0, inf)
    machine = Machine(
        name="relu",
        numpy="np.maximum({}, 0.0",
        evaluate=lambda u: np.maximum(u, 0),
        body="const {real} m = u > 0 ? u : 0; return u != u ? u : m;",
    )

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return step(self.args[0])

    def side(self, sign: int) -> sp.Expr:
        return self.args[0] if sign > 0 else sp.S.Zero

    @staticmethod
    def reference(u: Any) -> Any:
        return max(u, mpmath.mpf(0))


class maximum(ScalarFunction):
    """max(a, b); where they are equal its derivative is that of b."""

    nargs = 2
    spelled: ClassVar[Mapping[str, str]] = {"torch": "torch.maximum(torch.as_tensor(a), torch.as_tensor(b))"}
    kinked = True
    machine = Machine(name="maximum", body="const {real} m = a > b ? a : b; return a != a ? a : m;", arguments="ab")

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return step(a - b) if argindex == 1 else 1 - step(a - b)

    @property
    def switch(self) -> sp.Expr:
        return self.args[0] - self.args[1]

    def side(self, sign: int) -> sp.Expr:
        return self.args[0] if sign > 0 else self.args[1]

    @staticmethod
    def reference(a: Any, b: Any) -> Any:
        return max(a, b)


class choose(ScalarFunction):
    """x where a < b, else y; its derivative is that of x or of y."""

    nargs = 4
    spelled: ClassVar[Mapping[str, str]] = {
        "numpy": "np.where(a < b, x, y)",
        "jax": "jnp.where(a < b, x, y)",
        "torch": "torch.where(torch.as_tensor(a < b), x, y)",
    }
    kinked = True
    machine = Machine(
        name="choose",
        evaluate=lambda a, b, x, y: np.where(a < b, x, y),
        body="return a < b ? x : y;",
        arguments="abxy",
    )

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if x == y:
            return x
        return (x if a < b else y) if a.is_Rational and b.is_Rational else None

    @property
    def switch(self) -> sp.Expr:
        return self.args[0] - self.args[1]

    def side(self, sign: int) -> sp.Expr:
        return self.args[2] if sign < 0 else self.args[3]

    @staticmethod
    def reference(a: Any, b: Any, x: Any, y: Any) -> Any:
        return x if a < b else y
