"""Scalar functions that are not in smgen: with a kink, and in terms of functions that targets do not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import smgen as sm
from smgen.functions import FUNCTIONS, sigmoid, softplus
from smgen.functions.base import ScalarFunction
from smgen.functions.kinks import maximum, step
from smgen.network import Network
from tests.support import assert_close, module_of, random_case


class hinge(ScalarFunction):
    """max(u, 0)."""

    nargs = 1
    kinked = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return step(self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        return max(u, mpmath.mpf(0))

    def stable(self) -> sp.Expr:
        return maximum(self.args[0], 0)


class leaky(hinge):
    """u for positive u, else u/8, with sides of its own."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return step(self.args[0]) * sp.Rational(7, 8) + sp.Rational(1, 8)

    @staticmethod
    def reference(u: Any) -> Any:
        return max(u, u / 8)

    def stable(self) -> sp.Expr:
        return maximum(self.args[0], self.args[0] / 8)

    def side(self, sign: int) -> sp.Expr:
        return self.args[0] / (1 if sign > 0 else 8)


class twice(ScalarFunction):
    """log(1 + exp(2 u)), in terms of softplus, which targets do not have."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * sigmoid(2 * self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        return softplus.reference(2 * u)

    def stable(self) -> sp.Expr:
        return softplus(2 * self.args[0])


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for function in (hinge, leaky, twice):
        monkeypatch.setitem(FUNCTIONS, function.__name__, function)
    yield
    module_of.cache_clear()


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(
    ("function", "same"),
    [
        (hinge, lambda g: sp.Max(g, 0)),
        (leaky, lambda g: sp.Max(g, g / 8)),
        (twice, lambda g: sp.log(1 + sp.exp(2 * g))),
    ],
)
def test_a_function(function: Any, same: Any, backend: str) -> None:
    networks = [
        Network(energy=sm.pointwise(sm.linear(sm.input(2), 3), lambda g, f=f: f(g) + g**2)) for f in (function, same)
    ]
    params, x = random_case(networks[0])
    ours, theirs = (module_of(network, backend=backend) for network in networks)
    assert_close(ours.energy(params, x), theirs.energy(params, x), 1e-14)
    for lam in (0.0, 0.3):
        (J, gradient), (J_same, expected) = (m.loss_and_grad(params, x, lam) for m in (ours, theirs))
        assert_close(J, J_same, 1e-13)
        for key in params:
            assert_close(gradient[key], expected[key], 1e-12, key)
    assert np.isfinite(ours.energy(params, 1e150 * x)).all() or function is not twice
    assert ours.selftest()
