"""The networks that are measured, as smgen describes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network


def mlp(dim: int, widths: tuple[int, ...], nonlinearity: Callable[[Node], Node]) -> Network:
    """Linear layers of these widths, the nonlinearity after each."""
    h = sm.input(dim)
    for width in widths:
        h = nonlinearity(sm.linear(h, width))
    return Network(energy=h)


def a() -> Network:
    """144 → 288, log cosh, summed: an overcomplete ICA."""
    return Network(energy=sm.logcosh(sm.linear(sm.input(144), 288)))


def b() -> Network:
    """784 → 512 → 512 → 256 → 1, softplus."""
    return mlp(784, (512, 512, 256, 1), sm.softplus)


def c() -> Network:
    """2 → 128 → 128 → 1, tanh."""
    return mlp(2, (128, 128, 1), sm.tanh)


def d() -> Network:
    """64 → 1024 → 1024 → 1, silu."""
    return mlp(64, (1024, 1024, 1), sm.silu)


def e() -> Network:
    """784 → 256 → 1, softplus."""
    return mlp(784, (256, 1), sm.softplus)


def f() -> Network:
    """64 → 64, log cosh, summed: a complete ICA."""
    return Network(energy=sm.logcosh(sm.linear(sm.input(64), 64, bias=False)))


NETWORKS: Final = {"A": a, "B": b, "C": c, "D": d, "E": e, "F": f}
