"""Each function's definition in arbitrary precision: what the numbers of generated code are judged against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mpmath

_FARTHEST: Final = 10**9
"""exp of more would take memory in proportion to its argument; no dtype tells exp(1e9) from infinity."""


def _exp(u: Any) -> Any:
    return mpmath.exp(max(min(u, mpmath.mpf(_FARTHEST)), mpmath.mpf(-_FARTHEST)))


def _tanh(u: Any) -> Any:
    return mpmath.tanh(u) if abs(u) < _FARTHEST else mpmath.sign(u)


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + _exp(-u))


def _sinh(u: Any) -> Any:
    return mpmath.sinh(u) if abs(u) < 1 else (_exp(u) - _exp(-u)) / 2


def _expm1(u: Any) -> Any:
    return mpmath.expm1(u) if abs(u) < 1 else _exp(u) - 1


def _wave(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A periodic function, where its argument says anything about the period."""
    return lambda u: function(u) if abs(u) < mpmath.mpf(10) ** 400 else mpmath.mpf(0)


def _erfcx(u: Any) -> Any:
    """exp(u²)·erfc(u); from 100 on by its asymptotic series, whose fourth term is below 1e-15 of the first."""
    if u < 100:
        return _exp(u * u) * mpmath.erfc(u)
    v = 1 / (2 * u * u)
    return (1 - v + 3 * v**2 - 15 * v**3 + 105 * v**4) / (u * mpmath.sqrt(mpmath.pi))


def _erf(u: Any) -> Any:
    return mpmath.erf(u) if abs(u) < 1000 else mpmath.sign(u)


def _ndtr(u: Any) -> Any:
    if abs(u) < 1000:
        return mpmath.erfc(-u / mpmath.sqrt(2)) / 2
    return mpmath.mpf(1) if u > 0 else _exp(-u * u / 2)


def _logsumexp(*exponents: Any) -> Any:
    most = max(0, *exponents)
    return most + mpmath.log1p(_expm1(-most) + sum(_exp(r - most) for r in exponents))


def _log1p(u: Any) -> Any:
    """log(1 + u), real only where it is: mpmath goes on to complex numbers."""
    return mpmath.log1p(u) if u > -1 else mpmath.nan


def _softplus(u: Any) -> Any:
    return max(u, mpmath.mpf(0)) + mpmath.log1p(_exp(-abs(u)))


REFERENCE: Final[dict[str, Callable[..., Any]]] = {
    "exp": _exp,
    "tanh": _tanh,
    "sinh": _sinh,
    "cosh": lambda u: (_exp(u) + _exp(-u)) / 2,
    "sin": _wave(mpmath.sin),
    "cos": _wave(mpmath.cos),
    "tan": _wave(mpmath.tan),
    "log1p": _log1p,
    "expm1": _expm1,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "logcosh": lambda u: abs(u) + mpmath.log1p(_exp(-2 * abs(u))) - mpmath.log(2),
    "sech": lambda u: 2 / (_exp(u) + _exp(-u)),
    "gaussian": lambda u, c: _exp(-c * u * u),
    "ndtr": _ndtr,
    "erf": _erf,
    "erfcx": _erfcx,
    "nearest": mpmath.nint,
    "step": lambda u: mpmath.mpf(u > 0),
    "signum": mpmath.sign,
    "absolute": abs,
    "relu": lambda u: max(u, mpmath.mpf(0)),
    "maximum": max,
    "minimum": min,
    "choose": lambda a, b, x, y: x if a < b else y,
    "kept": lambda u: u,
    "inverse": lambda u, t: t / max(t, abs(u)),
    "unit": lambda u, t: u / max(t, abs(u)),
    "logsumexp": _logsumexp,
    "softmax": lambda *args: _exp((0, *args)[int(args[-1])] - _logsumexp(*args[:-1])),
}
"""By the function's name, for `sympy.lambdify`."""
