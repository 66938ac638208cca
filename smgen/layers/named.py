"""The named nonlinearities: `sm.softplus(h)` is a layer if h is a node, and an expression if h is an expression."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import overload

import sympy as sp

from smgen.calculus import primitives as p
from smgen.constants import real_number
from smgen.errors import NetworkError, did_you_mean, shortened
from smgen.layers.nodes import Node
from smgen.layers.pointwise import pointwise
from smgen.origins import here


class Named:
    """A nonlinearity with a name. Called on a node it returns a pointwise layer, on a sympy expression an expression.

    `constants` are its keywords, each with the number that its value must exceed.
    """

    def __init__(self, name: str, formula: str, function: Callable[..., sp.Expr], **constants: float) -> None:
        self.__name__ = name
        self.__doc__ = f"{name}(g) = {formula}, unit by unit."
        self._formula, self._function, self._constants = f"{name}(g) = {formula}", function, constants

    @overload
    def __call__(self, source: Node, *, name: str | None = None, **constants: float) -> Node: ...
    @overload
    def __call__(self, source: sp.Expr, *, name: None = None, **constants: float) -> sp.Expr: ...
    def __call__(self, source: Node | sp.Expr, *, name: str | None = None, **constants: float) -> Node | sp.Expr:
        """Apply to a node (a layer called `name`) or to an expression. Raises `NetworkError` for unusable constants."""
        numbers = {key: self._number(key, value) for key, value in constants.items()}
        if isinstance(source, sp.Expr):
            return self._function(source, **numbers)
        if not isinstance(source, Node):
            raise NetworkError(
                origin=here(),
                what=f"sm.{self.__name__} takes a node or a sympy expression; got {shortened(source)}",
                hint=f"e.g. sm.{self.__name__}(sm.linear(x, 64))",
            )
        return pointwise(source, self._function(p.G, **numbers), name=name, kind=self.__name__)

    def _number(self, key: str, value: object) -> sp.Expr:
        if key not in self._constants:
            got = f"{shortened(key, str)}={shortened(value)}{did_you_mean(key, self._constants)}"
            takes = ", ".join(f"{known}=" for known in self._constants) or "no constants"
            raise NetworkError(
                origin=here(),
                what=f"sm.{self.__name__} takes {takes}; got {got}",
                hint=self._formula,
            )
        number, least = real_number(value), self._constants[key]
        if number is None or not number > least:
            bound = f" greater than {least:g}" if math.isfinite(least) else ""
            raise NetworkError(
                origin=here(),
                what=f"sm.{self.__name__} takes a finite number{bound} as {key}; got {shortened(value)}",
                hint=self._formula,
            )
        return number

    def __repr__(self) -> str:
        return f"sm.{self.__name__}"


_THREE, _HUNDREDTH = sp.Integer(3), sp.Rational(1, 100)


def _student_t(g: sp.Expr, nu: sp.Expr = _THREE) -> sp.Expr:
    return (nu + 1) / 2 * sp.log(1 + g**2 / nu)


def _leaky_relu(g: sp.Expr, slope: sp.Expr = _HUNDREDTH) -> sp.Expr:
    return slope * g + (1 - slope) * p.relu(g)


atan = Named("atan", "arctan g", sp.atan)
cos = Named("cos", "cos g", sp.cos)
erf = Named("erf", "the error function of g", p.erf)
exp = Named("exp", "exp g", sp.exp)
gelu = Named("gelu", "g Φ(g), Φ the standard normal distribution function", lambda g: g * p.ndtr(g))
leaky_relu = Named("leaky_relu", "g for g > 0, else slope·g (slope=0.01)", _leaky_relu, slope=-math.inf)
logcosh = Named("logcosh", "log cosh g", p.logcosh)
pseudo_huber = Named("pseudo_huber", "√(1 + g²)", lambda g: sp.sqrt(1 + g**2))
relu = Named("relu", "max(g, 0)", p.relu)
sigmoid = Named("sigmoid", "1 / (1 + exp(−g))", p.sigmoid)
silu = Named("silu", "g / (1 + exp(−g))", lambda g: g * p.sigmoid(g))
sin = Named("sin", "sin g", sp.sin)
softplus = Named("softplus", "log(1 + exp g)", p.softplus)
square = Named("square", "g²", lambda g: g**2)
student_t = Named("student_t", "(ν+1)/2 · log(1 + g²/ν), a Student t's energy (nu=3)", _student_t, nu=0)
tanh = Named("tanh", "tanh g", sp.tanh)

NAMED: dict[str, Named] = {n.__name__: n for n in (
    atan, cos, erf, exp, gelu, leaky_relu, logcosh, pseudo_huber, relu, sigmoid, silu, sin, softplus, square, student_t,
    tanh
)}  # fmt: skip
