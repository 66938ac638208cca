"""A product over one unit is a pointwise multiplication."""

from __future__ import annotations

from smgen.passes.scale_by_single_unit import scale_by_single_unit
from tests.passes.schedules import after, assert_left_alone, text


def test_a_product_with_one_unit_is_a_scaling() -> None:
    assert after(scale_by_single_unit)("""
        delta (N, 1), W (1, 8)
        d (N, 8) = product A B of delta, W
    """) == text("""
        d (N, 8) = W*delta
    """)


def test_two_units_need_a_product() -> None:
    assert_left_alone(scale_by_single_unit)("""
        delta (N, 2), W (2, 8)
        d (N, 8) = product A B of delta, W
    """)


def test_rows_of_tangents_sums_over_the_batch_and_matrices_stay() -> None:
    """Only a row a sample through a matrix is looked at."""
    assert_left_alone(scale_by_single_unit)("""
        delta (N, 1), tangents (N, 3, 1), U (5, 1), W (1, 8)
        stack (N, 3, 8) = product A B of tangents, W
        outer (1, 1) = product Aᵀ B of delta, delta
        matrix (5, 8) = product A B of U, W
        returns stack, outer, matrix
    """)


def test_a_product_of_two_pairs_stays() -> None:
    assert_left_alone(scale_by_single_unit)("""
        delta (N, 1), W (1, 8), gamma (N, 1), V (1, 8)
        d (N, 8) = product A B of delta, W + gamma, V
    """)


def test_from_one_unit_to_one_unit() -> None:
    assert after(scale_by_single_unit)("""
        delta (N, 1), W (1, 1)
        d (N, 1) = product A B of delta, W
    """) == text("""
        d (N, 1) = W*delta
    """)
