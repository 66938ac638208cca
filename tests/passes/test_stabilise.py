"""Smooth primitives become machine functions in forms that neither overflow nor cancel."""

from __future__ import annotations

from smgen.passes.stabilise import stabilise
from tests.passes.schedules import after, assert_left_alone, text


def test_softplus_has_no_exponential_that_overflows() -> None:
    assert after(stabilise)("""
        g (N, 4)
        f (N, 4) = softplus(g)
    """) == text("""
        f (N, 4) = log1p(kept(exp(-absolute(g)))) + relu(g)
    """)


def test_every_result_of_an_operation_and_every_argument_is_rewritten() -> None:
    assert after(stabilise)("""
        g (N, 4)
        f (N, 4) = sech(g)
        and h (N, 4) = tanh(softplus(g))
        returns f, h
    """) == text("""
        f (N, 4) = 2*kept(exp(-absolute(g)))/(kept(exp(-absolute(g)))**2 + 1)
        h (N, 4) = tanh(log1p(kept(exp(-absolute(g)))) + relu(g))
        returns f, h
    """)


def test_machine_functions_stay() -> None:
    assert_left_alone(stabilise)("""
        g (N, 4)
        f (N, 4) = tanh(g)*exp(g) + log1p(g**2)
    """)


def test_what_is_not_pointwise_stays() -> None:
    assert_left_alone(stabilise)("""
        g (N, 4), W (3, 4)
        y (N, 3) = product A Bᵀ of g, W
        sums (3) = sum of y over axis 0
    """)
