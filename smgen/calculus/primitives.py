"""The symbol of a pointwise expression, and the forms in which expressions are computed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import sympy as sp

from smgen.functions import (
    ScalarFunction,
    absolute,
    choose,
    erf,
    erfcx,
    expm1,
    gaussian,
    inverse,
    kept,
    known,
    log1p,
    logcosh,
    logsumexp,
    maximum,
    minimum,
    ndtr,
    nearest,
    references,
    relu,
    sech,
    sigmoid,
    signum,
    softmax,
    softplus,
    step,
    unit,
)

__all__ = [
    "MARKS", "G", "absolute", "choose", "erf", "erfcx", "expm1", "gaussian", "guarded", "inverse", "kept", "known",
    "log1p", "logcosh", "logsumexp", "maximum", "minimum", "ndtr", "nearest", "references", "relu", "sech", "sigmoid",
    "signum", "softmax", "softplus", "stable", "step", "unit",
]  # fmt: skip

G: Final = sp.Symbol("g", real=True)
"""The one symbol of a pointwise expression: the value of the vertex below it."""

MARKS: Final = ("f", "f′", "f″", "f‴")
"""The symbols of a nonlinearity and its derivatives."""


def guarded(expr: sp.Expr) -> sp.Expr:
    """`expr` with the argument of every branch clipped to the side of the border on which the branch is valid.

    All branches are computed everywhere, so none may overflow on the other side.
    """

    def guard(call: sp.Expr) -> sp.Expr:
        a, b, x, y = call.args
        if a != G or not b.is_number:
            return call
        return choose(a, b, x.xreplace({G: minimum(G, b)}), y.xreplace({G: maximum(G, b)}))

    return expr.replace(lambda e: isinstance(e, choose), guard) if expr.has(choose) else expr


@lru_cache(maxsize=8192)
def stable(expr: sp.Expr) -> sp.Expr:
    """Rewrite functions into machine functions that neither overflow nor cancel, with one exp for each argument."""
    return expr.replace(_is_composed, lambda call: stable(call.stable()))


def _is_composed(e: sp.Basic) -> bool:
    return isinstance(e, ScalarFunction) and e.machine is None and not isinstance(e, kept)
