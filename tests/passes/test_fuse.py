"""Pointwise operations over one shape become one loop, with the totals of what they compute."""

from __future__ import annotations

from smgen.passes.fuse import fuse, fuse_with_tangent_sums
from tests.passes.schedules import after, text


def test_neighbours_over_one_shape_are_one_loop() -> None:
    """What nothing else reads is local to an element."""
    assert after(fuse)("""
        g (N, 4), W (3, 4)
        f (N, 4) = tanh(g)
        square (N, 4) = f**2
        total () = sum of square
        y (N, 3) = product A Bᵀ of square, W
        returns y, total
    """) == text("""
        loop over (N, 4)
          local f (N, 4) = tanh(g)
          square (N, 4) = f**2
          total total () = sum of square
        y (N, 3) = product A Bᵀ of square, W
        returns y, total
    """)


def test_what_needs_a_product_begins_a_loop_after_it() -> None:
    """So does what only that loop reads, d: it moves there and is not stored."""
    assert after(fuse)("""
        g (N, 4), W (4, 4)
        a (N, 4) = tanh(g)
        d (N, 4) = g**2
        b (N, 4) = product A Bᵀ of a, W
        c (N, 4) = a + b
        e (N, 4) = c*d
    """) == text("""
        loop over (N, 4)
          a (N, 4) = tanh(g)
        b (N, 4) = product A Bᵀ of a, W
        loop over (N, 4)
          local c (N, 4) = a + b
          local d (N, 4) = g**2
          e (N, 4) = c*d
    """)


def test_another_shape_is_another_loop() -> None:
    assert after(fuse)("""
        g (N, 4), h (N, 3)
        a (N, 4) = tanh(g)
        b (N, 3) = tanh(h)
        returns a, b
    """) == text("""
        loop over (N, 4)
          a (N, 4) = tanh(g)
        loop over (N, 3)
          b (N, 3) = tanh(h)
        returns a, b
    """)


def test_sums_over_one_axis_are_no_totals() -> None:
    assert after(fuse)("""
        g (N, 4)
        a (N, 4) = tanh(g)
        sums (4) = sum of a over axis 0
    """) == text("""
        loop over (N, 4)
          a (N, 4) = tanh(g)
        sums (4) = sum of a over axis 0
    """)


def test_sums_over_tangents_are_totals_where_the_target_takes_them() -> None:
    before = """
        tangents (N, 3, 4)
        square (N, 3, 4) = tangents**2
        sums (N, 4) = sum of square over axis 1
    """
    assert after(fuse_with_tangent_sums)(before) == text("""
        loop over (N, 3, 4)
          local square (N, 3, 4) = tangents**2
          total sums (N, 4) = sum of square over axis 1
    """)
    assert after(fuse)(before) == text("""
        loop over (N, 3, 4)
          square (N, 3, 4) = tangents**2
        sums (N, 4) = sum of square over axis 1
    """)


def test_a_loop_that_grows_over_sweeps_has_the_names_of_all() -> None:
    assert after(fuse)("""
        g (N, 4)
        forward
        f (N, 4) = tanh(g)
        backward
        delta (N, 4) = f*g
        returns f, delta
    """) == text("""
        forward, backward
        loop over (N, 4)
          f (N, 4) = tanh(g)
          delta (N, 4) = f*g
        returns f, delta
    """)
