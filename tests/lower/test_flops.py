"""The FLOPs of convolutions that `smgen show` names are those that literal loops do."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

import smgen as sm
from smgen.analysis.flops import sample_flops
from smgen.hessians import lower
from smgen.ir import ENERGY, SCORE
from smgen.network import Network
from smgen.targets import TARGETS

CASES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 9, 8), {"out_channels": 8, "kernel_size": (3, 2)}),
    ((3, 9, 8), {"out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1}),
    ((4, 7, 7), {"out_channels": 32, "kernel_size": 2, "dilation": 3, "groups": 2}),
    ((4, 11, 6), {"out_channels": 8, "kernel_size": (1, 3), "stride": (2, 1), "padding": (0, 2), "groups": 4}),
    ((3, 5, 5), {"out_channels": 9, "kernel_size": 1}),
]


def pair(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def counted(shape: tuple[int, ...], options: dict[str, Any], *, transposed: bool) -> int:
    """Two for each multiply-add of loops over windows, channels, taps and input channels; zeros outside count."""
    kernel, stride, padding, dilation = (
        pair(options.get(name, default))
        for name, default in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1))
    )
    groups = options.get("groups", 1)
    flops = 0
    if transposed:
        windows = [range(n) for n in shape[1:]]
    else:
        windows = [
            range(0, n + 2 * p - d * (k - 1), s)
            for n, k, s, p, d in zip(shape[1:], kernel, stride, padding, dilation, strict=True)
        ]
    for _ in product(*windows):
        for _ in range(options["out_channels"]):
            for _ in product(*map(range, kernel)):
                flops += sum(2 for _ in range(shape[0] // groups))
    return flops


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("shape", "options"), CASES, ids=str)
def test_a_forward_and_a_backward_product(
    shape: tuple[int, ...], options: dict[str, Any], transposed: bool, backend: str
) -> None:
    convolve = sm.conv_transpose2d if transposed else sm.conv2d
    network = Network(energy=sm.softplus(convolve(sm.input(shape), **options)))
    flops = counted(shape, options, transposed=transposed)
    for schedule in lower(network):
        if schedule.function in (ENERGY, SCORE):
            after = TARGETS[backend].pipeline.lowered(schedule, 1024)
            assert sample_flops(after) == flops * (1 if schedule.function == ENERGY else 2), schedule.name
