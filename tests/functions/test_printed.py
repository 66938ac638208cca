"""What is printed is what was judged: modules compute the very numbers of the forms that `accuracy.judge` looks at."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import sympy as sp

from smgen.calculus.derivatives import differentiate
from smgen.calculus.primitives import G, stable
from smgen.calculus.scalar import evaluate
from tests.functions.values import TARGETS, values

INSIDE = [
    G**2,
    sp.Abs(G) ** 3,
    sp.log(1 + G**2),
    sp.Piecewise((0, G < 0), (G**3, True)),
    sp.tanh(G) * G,
    sp.cosh(G / 9),
]
OUTSIDE = [lambda u: sp.log(1 + u), lambda u: sp.log(1 + u) ** 2, lambda u: sp.sqrt(1 + u**2), lambda u: u / (1 + u**2),
           lambda u: sp.exp(-(u**2)), lambda u: sp.sin(u) * sp.log(2 + u**2)]  # fmt: skip
PIECES = sp.Piecewise((sp.exp(G), G < 0), (1 + G + G**2 / 2, G < 2), (5 + 3 * (G - 2) + (G - 2) ** 2 / 2, True))
COMPOSED = [f(u) for f, u in itertools.product(OUTSIDE, INSIDE)] + [
    PIECES * sp.tanh(G),
    sp.log(1 + sp.log(1 + sp.log(1 + G**2))),
    sp.Max(G, sp.log(1 + sp.Abs(G) ** 3)) * sp.atan(G),
]
PLACES = [-3e9, -40.0, -1.5, -0.5, 0.25, 0.5, 1.0, 1.5, 2.5, 30.0, 1e5, 3e8, 1e12]


@pytest.mark.slow
@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize("expr", COMPOSED, ids=str)
def test_modules_compute_what_was_judged(expr: sp.Expr, backend: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        computed = np.array(values(expr, PLACES, "float64", backend))
    at = np.array(PLACES)
    for order in range(3):
        with np.errstate(all="ignore"):
            judged = evaluate(stable(differentiate(expr).forms[order]), {G: at}, "float64")
        judged = np.broadcast_to(judged, at.shape)
        finite = np.isfinite(judged)
        np.testing.assert_allclose(computed[finite, order], judged[finite], rtol=1e-10, atol=1e-290, err_msg=str(order))
