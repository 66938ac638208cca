"""Sums of products become one product of stacked operands."""

from __future__ import annotations

from smgen.passes.accumulate import accumulate
from tests.passes.schedules import after, assert_left_alone, text


def test_two_products_that_are_added_are_one_of_two_pairs() -> None:
    """The gradient of a weight, δᵀμ + γᵀf, is [δ; γ]ᵀ[μ; f]."""
    assert after(accumulate)("""
        delta (N, 4), mu (N, 3), gamma (N, 4), f (N, 3)
        first (4, 3) = product Aᵀ B of delta, mu
        second (4, 3) = product Aᵀ B of gamma, f
        gradient (4, 3) = (first + second)/N
    """) == text("""
        second (4, 3) = product Aᵀ B of delta, mu + gamma, f
        gradient (4, 3) = second/N
    """)


def test_a_product_with_another_factor_stays_alone() -> None:
    assert after(accumulate)("""
        delta (N, 4), mu (N, 3), gamma (N, 4), f (N, 3)
        first (4, 3) = product Aᵀ B of delta, mu
        second (4, 3) = product Aᵀ B of gamma, f
        third (4, 3) = product Aᵀ B of gamma, mu
        gradient (4, 3) = first + second + 2*third
    """) == text("""
        second (4, 3) = product Aᵀ B of delta, mu + gamma, f
        third (4, 3) = product Aᵀ B of gamma, mu
        gradient (4, 3) = second + 2*third
    """)


def test_products_that_are_not_added_stay() -> None:
    assert_left_alone(accumulate)("""
        x (N, 4), W (3, 4), h (N, 2), V (3, 2)
        a (N, 3) = product A Bᵀ of x, W
        b (N, 3) = product A Bᵀ of h, V
        y (N, 3) = a*b
    """)


def test_a_product_that_something_else_reads_stays() -> None:
    assert_left_alone(accumulate)("""
        delta (N, 4), mu (N, 3), gamma (N, 4), f (N, 3)
        first (4, 3) = product Aᵀ B of delta, mu
        second (4, 3) = product Aᵀ B of gamma, f
        total (4, 3) = first + second
        difference (4, 3) = first - second
        returns total, difference
    """)


def test_products_of_two_forms_stay_two() -> None:
    """Σ_n δ μᵀ and U V have one shape, but their operands are not stacked along one axis."""
    assert_left_alone(accumulate)("""
        delta (N, 4), mu (N, 3), U (4, 5), V (5, 3)
        outer (4, 3) = product Aᵀ B of delta, mu
        inner (4, 3) = product A B of U, V
        total (4, 3) = outer + inner
    """)
