"""Names of one value become one name."""

from __future__ import annotations

from smgen.passes.aliases import aliases
from tests.passes.schedules import after, assert_left_alone, text


def test_readers_of_a_second_name_read_the_first() -> None:
    assert after(aliases)("""
        g (N, 4), W (3, 4)
        same (N, 4) = view of g
        a (N, 3) = product A Bᵀ of same, W
        f (N, 4) = tanh(same)
        returns a, f
    """) == text("""
        a (N, 3) = product A Bᵀ of g, W
        f (N, 4) = tanh(g)
        returns a, f
    """)


def test_a_slice_a_column_and_a_row_of_tangents_stay() -> None:
    assert_left_alone(aliases)("""
        g (N, 4), b (3)
        part (N, 2) = view of g from 1
        column (3, 1) = view of b
        row (N, 1, 4) = view of g
        returns part, column, row
    """)


def test_a_result_keeps_its_name() -> None:
    assert_left_alone(aliases)("""
        g (N, 4)
        f (N, 4) = tanh(g)
        score (N, 4) = view of f
    """)


def test_a_name_of_a_name() -> None:
    assert after(aliases)("""
        g (N, 4)
        second (N, 4) = view of g
        third (N, 4) = view of second
        part (N, 2) = view of third from 2
        y (N, 2) = 2*part
    """) == text("""
        part (N, 2) = view of g from 2
        y (N, 2) = 2*part
    """)
