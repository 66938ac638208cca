"""What no result needs is dropped."""

from __future__ import annotations

from smgen.passes.prune import prune
from tests.passes.schedules import after, assert_left_alone, text


def test_operations_that_no_result_needs_go_with_what_only_they_read() -> None:
    assert after(prune)("""
        g (N, 4), W (3, 4)
        y (N, 3) = product A Bᵀ of g, W
        square (N, 3) = y**2
        total () = sum of square
        f (N, 4) = tanh(g)
        returns f
    """) == text("""
        f (N, 4) = tanh(g)
        returns f
    """)


def test_one_result_of_an_operation_goes_and_what_the_others_need_stays() -> None:
    assert after(prune)("""
        g (N, 4)
        f (N, 4) = tanh(g)
        and f_prime (N, 4) = 1 - f**2
        and f_second (N, 4) = -2*f*f_prime
        returns f_prime
    """) == text("""
        f (N, 4) = tanh(g)
        f_prime (N, 4) = 1 - f**2
        returns f_prime
    """)


def test_what_is_read_or_returned_stays() -> None:
    assert_left_alone(prune)("""
        g (N, 4)
        f (N, 4) = tanh(g)
        and f_prime (N, 4) = 1 - f**2
        total () = sum of f
        returns f_prime, total
    """)


def test_a_sweep_without_operations_goes() -> None:
    assert after(prune)("""
        g (N, 4)
        forward
        f (N, 4) = tanh(g)
        curvature
        square (N, 4) = f**2
        backward
        delta (N, 4) = f*g
    """) == text("""
        forward
        f (N, 4) = tanh(g)
        backward
        delta (N, 4) = f*g
    """)
