"""Elementary functions on the oracle's numbers, sympy's names for them (`MATH`) and named nonlinearities (`NAMED`).

Moderate arguments only: exp and cosh overflow (an `OverflowError`) beyond some 700.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import numpy as np

from .arithmetic import Function, Number, absolute, by_lane, elementary, exp, log, power, reciprocal, sign, value_of

log1p: Function = elementary(math.log1p, lambda a: reciprocal(1 + a))
expm1: Function = elementary(math.expm1, exp)
sqrt: Function = elementary(math.sqrt, lambda a: 0.5 * reciprocal(sqrt(a)))

sin: Function = elementary(math.sin, lambda a: cos(a))
cos: Function = elementary(math.cos, lambda a: -sin(a))
tan: Function = elementary(math.tan, lambda a: reciprocal(cos(a) * cos(a)))
asin: Function = elementary(math.asin, lambda a: reciprocal(sqrt(1 - a * a)))
acos: Function = elementary(math.acos, lambda a: -reciprocal(sqrt(1 - a * a)))
atan: Function = elementary(math.atan, lambda a: reciprocal(1 + a * a))

sinh: Function = elementary(math.sinh, lambda a: cosh(a))
cosh: Function = elementary(math.cosh, lambda a: sinh(a))
tanh: Function = elementary(math.tanh, lambda a: reciprocal(cosh(a) * cosh(a)))
asinh: Function = elementary(math.asinh, lambda a: reciprocal(sqrt(1 + a * a)))
acosh: Function = elementary(math.acosh, lambda a: reciprocal(sqrt(a - 1) * sqrt(a + 1)))
atanh: Function = elementary(math.atanh, lambda a: reciprocal(1 - a * a))

erf: Function = elementary(math.erf, lambda a: 2 / math.sqrt(math.pi) * exp(-(a * a)))
erfc: Function = elementary(math.erfc, lambda a: -2 / math.sqrt(math.pi) * exp(-(a * a)))


def sech(g: Number) -> Number:
    return reciprocal(cosh(g))


def csch(g: Number) -> Number:
    return reciprocal(sinh(g))


def coth(g: Number) -> Number:
    return reciprocal(tanh(g))


def sec(g: Number) -> Number:
    return reciprocal(cos(g))


def csc(g: Number) -> Number:
    return reciprocal(sin(g))


def cot(g: Number) -> Number:
    return reciprocal(tan(g))


def where(condition: Any, a: Number, b: Number) -> Number:
    """a in lanes where the condition holds, else b."""
    if not isinstance(condition, np.ndarray):
        return a if condition else b
    yes: Any = condition.astype(np.float64)
    chosen: Number = a * yes + b * (1.0 - yes)
    return chosen


def maximum(*numbers: Number) -> Number:
    """The largest with its derivatives; the first of equals."""
    return reduce(lambda a, b: where(value_of(a) >= value_of(b), a, b), numbers)


def minimum(*numbers: Number) -> Number:
    """The smallest with its derivatives; the first of equals."""
    return reduce(lambda a, b: where(value_of(a) <= value_of(b), a, b), numbers)


def heaviside(g: Number, at_zero: float = 0.5) -> Number:
    """0 below 0, `at_zero` at 0, 1 above; all derivatives 0."""
    step: Number = by_lane(lambda value: float(value > 0) if value else at_zero)(value_of(g))
    return step


def copysign(magnitude: float, g: Number) -> Number:
    """How sympy prints sign(g) where g ≠ 0."""
    signed: Number = by_lane(lambda value: math.copysign(magnitude, value))(value_of(g))
    return signed


MATH: Final[dict[str, Callable[..., Number]]] = {
    # for sympy.lambdify(g, expression, modules=[MATH]): sympy's name, then Python's where it is another
    "exp": exp, "log": log, "log1p": log1p, "expm1": expm1, "sqrt": sqrt, "Pow": power, "pow": power,
    "sin": sin, "cos": cos, "tan": tan, "sec": sec, "csc": csc, "cot": cot,
    "asin": asin, "acos": acos, "atan": atan,
    "sinh": sinh, "cosh": cosh, "tanh": tanh, "sech": sech, "csch": csch, "coth": coth,
    "asinh": asinh, "acosh": acosh, "atanh": atanh, "erf": erf, "erfc": erfc,
    "Abs": absolute, "abs": absolute, "fabs": absolute, "sign": sign, "copysign": copysign, "Heaviside": heaviside,
    "Max": maximum, "max": maximum, "Min": minimum, "min": minimum,
}  # fmt: skip


softplus: Function = elementary(lambda g: math.log1p(math.exp(g)), lambda g: sigmoid(g))
logcosh: Function = elementary(lambda g: math.log(math.cosh(g)), tanh)


def sigmoid(g: Number) -> Number:
    return reciprocal(1 + exp(-g))


def silu(g: Number) -> Number:
    return g * sigmoid(g)


def gelu(g: Number) -> Number:
    """g Φ(g) with the normal distribution function Φ(g) = ½ erfc(−g/√2) = ½ (1 + erf(g/√2))."""
    return g * 0.5 * erfc(-g / math.sqrt(2))


def relu(g: Number) -> Number:
    return maximum(0.0, g)


def leaky_relu(g: Number, slope: float = 0.01) -> Number:
    return where(value_of(g) > 0, g, slope * g)


def square(g: Number) -> Number:
    return g * g


def student_t(g: Number, nu: float = 3.0) -> Number:
    """(ν+1)/2 · log(1 + g²/ν)."""
    return (nu + 1) / 2 * log1p(g * g / nu)


def pseudo_huber(g: Number) -> Number:
    return sqrt(1 + g * g)


NAMED: Final[dict[str, Callable[..., Number]]] = {
    "tanh": tanh, "sigmoid": sigmoid, "softplus": softplus, "logcosh": logcosh, "silu": silu, "gelu": gelu,
    "relu": relu, "leaky_relu": leaky_relu, "square": square, "exp": exp, "sin": sin, "cos": cos, "atan": atan,
    "erf": erf, "student_t": student_t, "pseudo_huber": pseudo_huber,
}  # fmt: skip
