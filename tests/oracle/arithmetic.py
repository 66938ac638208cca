"""Numbers that carry derivatives.

A number is a float, a `Dual` (a float and its derivatives in many variables) or a `Jet` (a truncated Taylor series in
one variable t, whose coefficients are floats or duals). Everything follows from +, × and one rule, `elementary`:
state f on floats and f′ on numbers, and f works on all of them.

Each float may be an array of floats: *lanes*, such as the samples of a batch, which are computed side by side. The
derivative of a dual then has the lanes on its last axis, or an axis of one that stands for all of them.

At a kink (|g|, max, min, sign, Heaviside) the derivative is one-sided or the mean of both sides; tests stay off kinks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

Number: TypeAlias = "float | Dual | Jet"
Function: TypeAlias = Callable[[Number], Number]
Vector: TypeAlias = npt.NDArray[np.float64]


class Arithmetic:
    """The operators that follow from addition, multiplication and the elementary functions."""

    __slots__ = ()
    __array_ufunc__: ClassVar[None] = None  # a NumPy scalar on the left leaves the operation to us

    def __add__(self, other: Number) -> Number:
        raise NotImplementedError

    def __mul__(self, other: Number) -> Number:
        raise NotImplementedError

    def __radd__(self, other: Number) -> Number:
        return self + other

    def __rmul__(self, other: Number) -> Number:
        return self * other

    def __pos__(self) -> Number:
        return self * 1.0

    def __neg__(self) -> Number:
        return self * -1.0

    def __sub__(self, other: Number) -> Number:
        return self + (-other)

    def __rsub__(self, other: Number) -> Number:
        return -self + other

    def __truediv__(self, other: Number) -> Number:
        return self * reciprocal(other)

    def __rtruediv__(self, other: Number) -> Number:
        return reciprocal(as_number(self)) * other

    def __pow__(self, exponent: Number) -> Number:
        return power(as_number(self), exponent)

    def __rpow__(self, base: Number) -> Number:
        return power(base, as_number(self))

    def __abs__(self) -> Number:
        return absolute(as_number(self))

    def __lt__(self, other: Number) -> Any:
        return value_of(as_number(self)) < value_of(other)

    def __le__(self, other: Number) -> Any:
        return value_of(as_number(self)) <= value_of(other)

    def __gt__(self, other: Number) -> Any:
        return value_of(as_number(self)) > value_of(other)

    def __ge__(self, other: Number) -> Any:
        return value_of(as_number(self)) >= value_of(other)


@dataclass(frozen=True, slots=True, eq=False)
class Dual(Arithmetic):
    """a + ε·v with ε² = 0: a value and its derivatives v in all variables."""

    value: float
    derivative: Vector

    def __add__(self, other: Number) -> Number:
        """(a + εv) + (b + εw) = (a + b) + ε(v + w)."""
        if isinstance(other, Jet):
            return NotImplemented
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.derivative + other.derivative)
        return Dual(self.value + other, self.derivative)

    def __mul__(self, other: Number) -> Number:
        """(a + εv)(b + εw) = ab + ε(bv + aw)."""
        if isinstance(other, Jet):
            return NotImplemented
        if isinstance(other, Dual):
            return Dual(self.value * other.value, other.value * self.derivative + self.value * other.derivative)
        return Dual(self.value * other, other * self.derivative)


@dataclass(frozen=True, slots=True, eq=False)
class Jet(Arithmetic):
    """Σ_n c_n tⁿ up to t^order; the coefficients c_n are floats or duals, never jets."""

    coefficients: tuple[Number, ...]

    @property
    def order(self) -> int:
        return len(self.coefficients) - 1

    def __add__(self, other: Number) -> Number:
        """Add coefficient by coefficient."""
        if isinstance(other, Jet):
            return Jet(tuple(a + b for a, b in zip(self.coefficients, other.coefficients, strict=True)))
        return Jet((self.coefficients[0] + other, *self.coefficients[1:]))

    def __mul__(self, other: Number) -> Number:
        """c_n = Σ_k a_k b_{n−k}."""
        if isinstance(other, Jet):
            pairs = zip(self.coefficients, other.coefficients, strict=True)
            a, b = zip(*pairs, strict=True)
            return Jet(tuple(total(a[k] * b[n - k] for k in range(n + 1)) for n in range(len(a))))
        return Jet(tuple(a * other for a in self.coefficients))


def as_number(a: Arithmetic) -> Number:
    """`a`, known to be a dual or a jet: there is no third kind."""
    assert isinstance(a, Dual | Jet)
    return a


def total(terms: Iterable[Number]) -> Number:
    """The sum of the terms, 0 if there are none."""
    result: Number = 0.0
    for term in terms:
        result = term + result
    return result


def coefficient(a: Number, n: int) -> Number:
    """c_n of a jet; a number without t is its own c_0."""
    if isinstance(a, Jet):
        return a.coefficients[n]
    return a if n == 0 else 0.0


def value_of(a: Number) -> Any:
    """The float inside, or the lanes, all derivatives dropped."""
    if isinstance(a, Jet):
        return value_of(a.coefficients[0])
    value = a.value if isinstance(a, Dual) else a
    return value if isinstance(value, np.ndarray) else float(value)


def derivative_of(a: Number, variables: int) -> Vector:
    """The derivatives inside a dual; a float has none, so zeros."""
    assert not isinstance(a, Jet)
    return a.derivative if isinstance(a, Dual) else np.zeros(variables)


def by_lane(plain: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of floats on lanes too."""

    def function(a: Any) -> Any:
        if isinstance(a, np.ndarray):
            return np.array([plain(value) for value in a.tolist()])
        return plain(a)

    return function


def sum_of_lanes(a: Number, count: int) -> Number:
    """The sum of all lanes, of which there are so many."""
    assert not isinstance(a, Jet)
    if isinstance(a, Dual):
        return Dual(_sum(a.value, count), _sum(a.derivative, count))
    return float(_sum(a, count))


def _sum(values: Any, count: int) -> Any:
    """Along the last axis, which may be one for all lanes or be missing."""
    values = np.asarray(values)
    return np.broadcast_to(values if values.ndim else values[None], (*values.shape[:-1], count)).sum(axis=-1)


def elementary(plain: Callable[[float], float], derivative: Function) -> Function:
    """f on every number, from f on floats (`plain`) and f′ on every number (`derivative`).

    Dual: f(a + εv) = f(a) + ε f′(a) v.
    Jet: c(t) = f(a(t)) has c′(t) = h(t) a′(t) with h(t) = f′(a(t)), so c_0 = f(a_0) and
    n c_n = Σ_{k=1..n} k a_k h_{n−k}; h is needed one order lower than c, so the recursion ends.
    """

    by_lanes = by_lane(plain)

    def function(a: Number) -> Number:
        if isinstance(a, Dual):
            return Dual(by_lanes(a.value), value_of(derivative(a.value)) * a.derivative)
        if not isinstance(a, Jet):
            number: Number = by_lanes(a)
            return number
        c = [function(a.coefficients[0])]
        if a.order > 0:
            h = derivative(Jet(a.coefficients[:-1]))
            for n in range(1, a.order + 1):
                terms = (k * a.coefficients[k] * coefficient(h, n - k) for k in range(1, n + 1))
                c.append(total(terms) * (1 / n))
        return Jet(tuple(c))

    return function


def taylor(function: Function, g: Number, order: int = 3) -> tuple[Number, ...]:
    """(f, f′, f″, …) of `function` at g, a float or a dual: f⁽ⁿ⁾(g) = n! [tⁿ] f(g + t)."""
    series = function(Jet((g, 1.0, *[0.0] * (order - 1))))
    return tuple(math.factorial(n) * coefficient(series, n) for n in range(order + 1))


reciprocal: Function = elementary(lambda a: 1 / a, lambda a: -reciprocal(a) * reciprocal(a))
exp: Function = elementary(math.exp, lambda a: exp(a))
log: Function = elementary(math.log, lambda a: reciprocal(a))
absolute: Function = elementary(abs, lambda a: sign(a))
sign: Function = elementary(lambda a: math.copysign(1.0, a) if a else 0.0, lambda _: 0.0)


def power(base: Number, exponent: Number) -> Number:
    """base^exponent: (aᵖ)′ = p aᵖ⁻¹ for a constant p, else exp(p log a)."""
    if isinstance(exponent, Arithmetic):
        return exp(exponent * log(base))
    p = float(exponent)
    if p == 0:
        return 1.0
    return elementary(lambda a: math.pow(a, p), lambda a: p * power(a, p - 1))(base)
