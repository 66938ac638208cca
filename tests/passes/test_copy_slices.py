"""Slices that products read are copied where the copy can be seen."""

from __future__ import annotations

from smgen.passes.copy_slices import copy_slices
from tests.passes.schedules import after, assert_left_alone, text


def test_a_product_reads_a_copy_of_a_slice() -> None:
    assert after(copy_slices)("""
        g (N, 4), W (3, 2)
        part (N, 2) = view of g from 2
        y (N, 3) = product A Bᵀ of part, W
    """) == text("""
        part (N, 2) = view of g from 2
        loop over (N, 2)
          copy_of_part (N, 2) = part
        y (N, 3) = product A Bᵀ of copy_of_part, W
    """)


def test_two_products_share_one_copy() -> None:
    assert after(copy_slices)("""
        g (N, 4), W (3, 2)
        part (N, 2) = view of g from 2
        y (N, 3) = product A Bᵀ of part, W
        gram (2, 2) = product Aᵀ B of part, part
        returns y, gram
    """) == text("""
        part (N, 2) = view of g from 2
        loop over (N, 2)
          copy_of_part (N, 2) = part
        y (N, 3) = product A Bᵀ of copy_of_part, W
        gram (2, 2) = product Aᵀ B of copy_of_part, copy_of_part
        returns y, gram
    """)


def test_what_reads_element_by_element_reads_the_slice() -> None:
    assert_left_alone(copy_slices)("""
        g (N, 4)
        part (N, 2) = view of g from 2
        f (N, 2) = tanh(part)
        total () = sum of part
        returns f, total
    """)


def test_whole_arrays_under_another_name_are_not_copied() -> None:
    assert_left_alone(copy_slices)("""
        g (N, 4), W (3, 4)
        same (N, 4) = view of g
        y (N, 3) = product A Bᵀ of same, W
    """)


def test_sums_over_the_units_of_tangents_read_a_copy_and_sums_over_tangents_the_slice() -> None:
    assert after(copy_slices)("""
        tangents (N, 3, 4)
        part (N, 3, 2) = view of tangents from 2
        over_tangents (N, 2) = sum of part over axis 1
        over_units (N, 3) = sum of part over axis 2
        returns over_tangents, over_units
    """) == text("""
        part (N, 3, 2) = view of tangents from 2
        over_tangents (N, 2) = sum of part over axis 1
        loop over (N, 3, 2)
          copy_of_part (N, 3, 2) = part
        over_units (N, 3) = sum of copy_of_part over axis 2
        returns over_tangents, over_units
    """)
