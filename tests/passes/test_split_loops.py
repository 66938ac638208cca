"""A loop whose parts share no array becomes several loops."""

from __future__ import annotations

from smgen.passes.split_loops import split_loops
from tests.passes.schedules import after, assert_left_alone, text


def test_what_no_array_connects_is_apart() -> None:
    assert after(split_loops)("""
        V (4, 3), W (4, 3)
        loop over (4, 3)
          a (4, 3) = V**2
          b (4, 3) = W**2
          c (4, 3) = V*a
        returns a, b, c
    """) == text("""
        loop over (4, 3)
          a (4, 3) = V**2
          c (4, 3) = V*a
        loop over (4, 3)
          b (4, 3) = W**2
        returns a, b, c
    """)


def test_an_array_that_two_parts_read_connects_them() -> None:
    """It is read once."""
    assert_left_alone(split_loops)("""
        g (N, 4)
        loop over (N, 4)
          a (N, 4) = tanh(g)
          b (N, 4) = exp(g)
        returns a, b
    """)


def test_a_later_step_connects_what_was_apart() -> None:
    assert_left_alone(split_loops)("""
        g (N, 4), h (N, 4)
        loop over (N, 4)
          a (N, 4) = tanh(g)
          b (N, 4) = tanh(h)
          c (N, 4) = a*b
        returns a, b, c
    """)


def test_totals_go_with_what_they_sum_and_lambda_connects_nothing() -> None:
    assert after(split_loops)("""
        g (N, 4), h (N, 4)
        loop over (N, 4)
          local a (N, 4) = g**2*lam
          local b (N, 4) = h**2*lam
          total K () = sum of a
          total L () = sum of b
        returns K, L
    """) == text("""
        loop over (N, 4)
          local a (N, 4) = g**2*lam
          total K () = sum of a
        loop over (N, 4)
          local b (N, 4) = h**2*lam
          total L () = sum of b
        returns K, L
    """)
