"""The same operation on the same operands is done once."""

from __future__ import annotations

from smgen.passes.reuse_operations import reuse_operations
from tests.passes.schedules import after, assert_left_alone, text


def test_the_second_of_two_equal_products_is_dropped() -> None:
    assert after(reuse_operations)("""
        g (N, 4), W (3, 4)
        a (N, 3) = product A Bᵀ of g, W
        b (N, 3) = product A Bᵀ of g, W
        y (N, 3) = a*tanh(b)
    """) == text("""
        a (N, 3) = product A Bᵀ of g, W
        y (N, 3) = a*tanh(a)
    """)


def test_what_is_equal_after_that_is_dropped_too() -> None:
    assert after(reuse_operations)("""
        g (N, 4)
        left (N, 2) = view of g from 2
        right (N, 2) = view of g from 2
        sum_left (2) = sum of left over axis 0
        sum_right (2) = sum of right over axis 0
        y (2) = sum_left + exp(sum_right)
    """) == text("""
        left (N, 2) = view of g from 2
        sum_left (2) = sum of left over axis 0
        y (2) = sum_left + exp(sum_left)
    """)


def test_other_operands_axes_and_places_are_other_operations() -> None:
    assert_left_alone(reuse_operations)("""
        g (N, 4), h (N, 4), W (4, 4)
        a (N, 4) = product A Bᵀ of g, W
        b (N, 4) = product A B of g, W
        c (N, 4) = product A Bᵀ of h, W
        rows (4) = sum of W over axis 0
        columns (4) = sum of W over axis 1
        low (N, 2) = view of g
        high (N, 2) = view of g from 2
        returns a, b, c, rows, columns, low, high
    """)


def test_an_expression_is_computed_once() -> None:
    assert after(reuse_operations)("""
        g (N, 4)
        a (N, 4) = tanh(g)
        b (N, 4) = tanh(g)
        y (N, 4) = a + exp(b)
    """) == text("""
        a (N, 4) = tanh(g)
        y (N, 4) = a + exp(a)
    """)


def test_results_are_arrays_of_their_own() -> None:
    assert_left_alone(reuse_operations)("""
        g (N, 4), W (3, 4)
        a (N, 3) = product A Bᵀ of g, W
        b (N, 3) = product A Bᵀ of g, W
        returns a, b
    """)
