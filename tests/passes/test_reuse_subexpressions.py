"""What occurs twice in a loop is computed once an element."""

from __future__ import annotations

from smgen.passes.reuse_subexpressions import reuse_subexpressions
from tests.passes.schedules import after, assert_left_alone, text


def test_a_function_that_occurs_twice_is_a_step_of_its_own() -> None:
    assert after(reuse_subexpressions)("""
        g (N, 4)
        loop over (N, 4)
          f (N, 4) = g*exp(-g)
          f_prime (N, 4) = (1 - g)*exp(-g)
        returns f, f_prime
    """) == text("""
        loop over (N, 4)
          local shared_1 (N, 4) = exp(-g)
          f (N, 4) = g*shared_1
          f_prime (N, 4) = shared_1*(1 - g)
        returns f, f_prime
    """)


def test_steps_are_stabilised_before_they_are_compared() -> None:
    """σ(g) and σ(g) σ(−g) have exp(−|g|) in common, which neither shows."""
    assert after(reuse_subexpressions)("""
        g (N, 4)
        loop over (N, 4)
          f (N, 4) = sigmoid(g)
          f_prime (N, 4) = sigmoid(g)*sigmoid(-g)
        returns f, f_prime
    """) == text("""
        loop over (N, 4)
          local shared_1 (N, 4) = exp(-absolute(g))
          local shared_2 (N, 4) = shared_1 + 1
          local shared_3 (N, 4) = maximum(shared_1, signum(g))
          f (N, 4) = shared_3/shared_2
          f_prime (N, 4) = shared_3*maximum(shared_1, signum(-g))/shared_2**2
        returns f, f_prime
    """)


def test_sums_and_products_are_not_worth_a_name() -> None:
    assert_left_alone(reuse_subexpressions)("""
        g (N, 4), h (N, 4)
        loop over (N, 4)
          a (N, 4) = 3*g + h
          b (N, 4) = (3*g + h)**2
        returns a, b
    """)


def test_loops_do_not_share() -> None:
    assert_left_alone(reuse_subexpressions)("""
        g (N, 4), W (4, 4)
        loop over (N, 4)
          a (N, 4) = exp(g)
        b (N, 4) = product A B of a, W
        loop over (N, 4)
          c (N, 4) = b*exp(g)
    """)


def test_a_step_that_is_the_subexpression_needs_no_second_name() -> None:
    assert after(reuse_subexpressions)("""
        g (N, 4)
        loop over (N, 4)
          f (N, 4) = exp(g)
          h (N, 4) = g*exp(g)
        returns f, h
    """) == text("""
        loop over (N, 4)
          f (N, 4) = exp(g)
          h (N, 4) = f*g
        returns f, h
    """)


def test_the_base_of_a_high_power_is_computed_once() -> None:
    """Powers are printed as products."""
    assert after(reuse_subexpressions)("""
        g (N, 4)
        loop over (N, 4)
          f (N, 4) = (g + 1)**5
    """) == text("""
        loop over (N, 4)
          local shared_1 (N, 4) = g + 1
          f (N, 4) = shared_1**5
    """)
