"""Large constant matrices along an axis, of which NumPy modules know the entries alone."""

from __future__ import annotations

import pytest

import smgen as sm
from smgen.network import Network
from smgen.targets.numpy import moves
from tests.support import assert_close, module_of
from tests.targets.test_arrays import results


def network() -> Network:
    """Windows that fold, that overlap, and that leave places out; rows of one entry, of several, and of none."""
    x = sm.input((2, 7, 6))
    folded = sm.tanh(sm.conv2d(x, 3, (5, 3), padding=(2, 1), padding_mode="reflect", name="folded"))
    pooled = sm.avg_pool2d(folded, (3, 2), stride=(2, 3), padding=1)
    up = sm.upsample(pooled, 2, mode="linear")
    return Network(energy=sm.softplus(sm.conv2d(sm.pad(up, (1, 2, 0, 1)), 2, 2, name="last")))


@pytest.mark.parametrize("mode", ["diagonal", "exact"])
def test_entries_are_the_matrix(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = results(module_of(network(), hessian=mode), network(), 3)
    monkeypatch.setattr(moves, "DENSE", 0)
    found = results(module_of.__wrapped__(network(), hessian=mode), network(), 3)
    for what, value in expected.items():
        assert_close(found[what], value, 1e-12, what)


def test_long_axes_take_no_square_of_memory() -> None:
    line = sm.input((1, 2**12))
    built = module_of(Network(energy=sm.softplus(sm.avg_pool1d(sm.conv1d(line, 2, 3), 4, stride=2))), "float32")
    assert built._entries_1[0][0].shape == (2**11 - 2,)
