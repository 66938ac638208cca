"""Pointwise expressions are taken apart into machine operations."""

from __future__ import annotations

from smgen.passes.elementary import elementary
from tests.passes.schedules import after, assert_left_alone, text


def test_an_expression_becomes_one_operation_a_line() -> None:
    """What occurs twice is computed once."""
    assert after(elementary)("""
        g (N, 4), b (4)
        y (N, 4) = tanh(g + b)*exp(g + b) - 1
    """) == text("""
        y.0 (N, 4) = add(b, g)
        y.1 (N, 4) = exp(y.0)
        y.2 (N, 4) = tanh(y.0)
        y.3 (N, 4) = multiply(y.1, y.2)
        y (N, 4) = subtract(y.3, 1)
    """)


def test_what_does_not_vary_over_the_batch_is_combined_first() -> None:
    assert after(elementary)("""
        g (N, 4), a (4), b (4)
        y (N, 4) = lam*a*g*b/N
    """) == text("""
        y.0 (4) = multiply(a, b)
        y.1 (N, 4) = multiply(y.0, g)
        y (N, 4) = multiply(y.1, lam/N)
    """)


def test_results_of_one_operation_share_what_they_have_in_common() -> None:
    assert after(elementary)("""
        g (N, 4)
        f (N, 4) = tanh(g)
        and f_prime (N, 4) = 1 - tanh(g)**2
        returns f, f_prime
    """) == text("""
        f (N, 4) = tanh(g)
        f_prime.1 (N, 4) = square(f)
        f_prime (N, 4) = subtract(1, f_prime.1)
        returns f, f_prime
    """)


def test_numbers_and_products_stay() -> None:
    assert_left_alone(elementary)("""
        g (N, 4), W (3, 4), total ()
        y (N, 3) = product A Bᵀ of g, W
        J () = lam*total + total/N
        returns y, J
    """)


def test_a_value_that_is_there_already_is_copied() -> None:
    assert after(elementary)("""
        g (N, 4)
        f (N, 4) = g
        one (N, 4) = 1
        returns f, one
    """) == text("""
        f (N, 4) = copy(g)
        one (N, 4) = copy(1)
        returns f, one
    """)
