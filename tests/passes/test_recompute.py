"""Polynomials of one array are computed again by those who read them."""

from __future__ import annotations

from smgen.passes.prune import prune
from smgen.passes.recompute import recompute
from tests.passes.schedules import after, assert_left_alone, text


def test_a_polynomial_of_one_array_is_written_out_in_its_readers() -> None:
    """The product needs f_prime as an array, so it is stored all the same; otherwise `prune` would drop it."""
    assert after(recompute)("""
        g (N, 4), W (3, 4)
        f (N, 4) = tanh(g)
        f_prime (N, 4) = 1 - f**2
        a (N, 4) = f_prime*g
        y (N, 3) = product A Bᵀ of f_prime, W
        returns a, y
    """) == text("""
        f (N, 4) = tanh(g)
        f_prime (N, 4) = 1 - f**2
        a (N, 4) = g*kept(1 - f**2)
        y (N, 3) = product A Bᵀ of f_prime, W
        returns a, y
    """)


def test_what_only_pointwise_operations_read_is_not_stored() -> None:
    assert after(lambda schedule: prune(recompute(schedule)))("""
        g (N, 4)
        f (N, 4) = tanh(g)
        f_prime (N, 4) = 1 - f**2
        a (N, 4) = f_prime*g
    """) == text("""
        f (N, 4) = tanh(g)
        a (N, 4) = g*kept(1 - f**2)
    """)


def test_what_costs_a_function_or_a_second_array_is_stored() -> None:
    assert_left_alone(recompute)("""
        g (N, 4), h (N, 4), b (4)
        function (N, 4) = exp(g)
        arrays (N, 4) = g*h
        spread (N, 4) = g + b
        y (N, 4) = function + arrays + spread
    """)


def test_what_does_not_vary_over_the_batch_is_stored() -> None:
    assert_left_alone(recompute)("""
        g (N, 4), b (4)
        square (4) = b**2
        y (N, 4) = g*square
    """)


def test_powers_do_not_merge() -> None:
    """(f²)² stays the square of one value: f⁴, computed otherwise, may leave the dtype's range."""
    assert after(recompute)("""
        f (N, 4)
        square (N, 4) = f**2
        fourth (N, 4) = square**2
    """) == text("""
        square (N, 4) = f**2
        fourth (N, 4) = kept(f**2)**2
    """)
