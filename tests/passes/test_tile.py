"""A schedule is cut into what is done once a call, for every tile of samples, and at the end."""

from __future__ import annotations

import pytest

from smgen.errors import InternalError
from smgen.passes.tile import END, ONCE, tile
from tests.passes.schedules import after, assert_left_alone, schedule, text


def test_weights_come_first_and_sums_over_the_batch_last() -> None:
    assert (ONCE, END) == ("once a call, from the weights alone", "at the end, from the sums over all samples")
    before = """
        g (N, 4), W (3, 4)
        forward
        W_squared (3, 4) = W**2
        y (N, 3) = product A Bᵀ of g, W_squared
        loss
        half_square (N, 3) = y**2/2
        total () = sum of half_square
        K () = total/N
    """
    assert after(tile)(before) == text("""
        once a call, from the weights alone
        W_squared (3, 4) = W**2
        forward
        y (N, 3) = product A Bᵀ of g, W_squared
        loss
        half_square (N, 3) = y**2/2
        total () = sum of half_square
        at the end, from the sums over all samples
        K () = total/N
    """)
    assert [sweep.phase for sweep in tile(schedule(before)).sweeps] == ["once", "tile", "tile", "end"]


def test_samples_alone_are_one_tile() -> None:
    assert_left_alone(tile)("""
        g (N, 4), W (3, 4)
        forward
        y (N, 3) = product A Bᵀ of g, W
        f (N, 3) = tanh(y)
    """)


def test_what_is_summed_over_the_batch_does_not_come_back_to_the_samples() -> None:
    before = schedule("""
        g (N, 4)
        sums (4) = sum of g over axis 0
        centred (N, 4) = g - sums/N
    """)
    with pytest.raises(InternalError, match=r"centred needs \['sums'\] of the whole batch for each sample"):
        tile(before)


def test_results_of_weights_alone_are_written_at_the_end() -> None:
    assert after(tile)("""
        W (3, 4)
        gradient
        half (3, 4) = W/2
        dR_dW (3, 4) = 3*half
    """) == text("""
        once a call, from the weights alone
        half (3, 4) = W/2
        at the end, from the sums over all samples
        dR_dW (3, 4) = 3*half
    """)


def test_lambda_and_the_number_of_samples_are_known_to_every_tile() -> None:
    assert_left_alone(tile)("""
        g (N, 4)
        backward
        mu (N, 4) = lam*g/N
    """)
