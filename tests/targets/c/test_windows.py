"""Products with windows in C, for channels that fill vectors and that do not, for registers of every width."""

from __future__ import annotations

import platform

import pytest

import smgen as sm
from smgen.network import Network
from tests.support import assert_close, module_of
from tests.targets.test_arrays import results

REGISTERS = ("", "-mno-avx512f", "-mno-avx") if platform.machine() == "x86_64" else ("",)


def wide() -> Network:
    """Channels from 1 to 70, sides of 8 to 70 columns, all kinds of steps, and more windows than go in a block."""
    x = sm.input((3, 15, 14))
    h = sm.softplus(sm.conv2d(x, 20, 3, stride=2, padding=(1, 2), name="strided"))
    dilated = sm.conv2d(h, 70, (2, 3), dilation=2, padding=2, padding_mode="circular", name="dilated")
    up = sm.conv_transpose2d(sm.tanh(dilated), 9, 3, stride=2, padding=1, name="up")
    row = sm.conv1d(sm.reshape(x, (1, 630)), 17, 5, stride=3, name="row")
    many = sm.conv2d(x, 8, 2, name="many")
    return Network(energy=[sm.softplus(up), sm.logcosh(row), sm.softplus(sm.conv2d(sm.silu(many), 33, 3, name="last"))])


def deep() -> Network:
    """Patches of 20 and of 17 channels, at borders and with steps."""
    h = sm.softplus(sm.conv2d(sm.input((2, 9, 8)), 20, 3, padding=1))
    h = sm.tanh(sm.conv2d(h, 17, (2, 3), stride=2, padding=(0, 1)))
    return Network(energy=sm.softplus(sm.conv2d(h, 9, 2, padding=1)))


def around() -> Network:
    """Patches around an axis more than once, with distances between taps, and along one axis only."""
    h = sm.softplus(sm.conv2d(sm.input((2, 5, 4)), 5, (3, 2), dilation=2, padding=(2, 1), padding_mode="circular"))
    return Network(energy=sm.softplus(sm.conv2d(h, 3, (4, 1), stride=2, padding=(2, 0), padding_mode="circular")))


@pytest.mark.parametrize("flags", REGISTERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_products_with_windows(dtype: str, flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_agrees(wide(), dtype, "diagonal", flags, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("flags", REGISTERS)
def test_convolutions_of_patches(flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_agrees(deep(), "float64", "exact", flags, monkeypatch)


def test_patches_around_an_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_agrees(around(), "float64", "exact", "", monkeypatch)


def assert_agrees(network: Network, dtype: str, mode: str, flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """C has the numbers of NumPy, from one thread and from two."""
    monkeypatch.setenv("CFLAGS", f"-O1 {flags}")
    numpy = module_of(network, dtype, hessian=mode)
    c = module_of.__wrapped__(network, dtype, "c", mode)  # one that is not compiled yet
    for samples in (1, 3):
        expected = results(numpy, network, samples)
        for threads in (1, 2):
            found = results(c, network, samples, c.Workspace(threads=threads))
            for what, value in expected.items():
                assert_close(found[what], value, {"float64": 1e-12, "float32": 3e-4}[dtype], what)
