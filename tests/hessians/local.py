"""Networks whose curved layers see few inputs, or read few units."""

from __future__ import annotations

from collections.abc import Callable

import smgen as sm
from smgen.network import Network
from tests import written as w


def two_layers() -> Network:
    h = sm.softplus(w.conv2d(sm.input((3, 6, 7)), 4, 3, padding=1))
    return Network(energy=sm.tanh(w.conv2d(h, 3, 2, stride=2)))


def three_layers() -> Network:
    h = sm.softplus(w.conv1d(sm.input((2, 17)), 3, 3, padding=1, dilation=2))
    h = sm.tanh(w.conv1d(h, 4, 2, stride=2))
    return Network(energy=sm.sigmoid(w.conv1d(h, 2, 2)))


def round_and_round() -> Network:
    h = sm.softplus(w.conv2d(sm.input((2, 8, 8)), 3, 3, padding=1, padding_mode="circular", stride=2))
    return Network(energy=sm.tanh(w.conv2d(h, 3, 2, padding=1, padding_mode="circular")))


def gated() -> Network:
    """Channels that meet in a product and side by side, in one field."""
    x = sm.input((2, 11))
    h = w.conv1d(x, 4, 3, padding=1)
    joined = w.concat(sm.silu(h) * sm.tanh(h), sm.square(h), axis=0)
    return Network(energy=[sm.softplus(w.conv1d(joined, 3, 2)), sm.square(x)])


def squares() -> Network:
    """f″ is the same for all samples."""
    h = sm.square(w.conv1d(sm.input((2, 12)), 3, 2))
    return Network(energy=sm.square(w.conv1d(h, 2, 2, padding=1)))


def reflected_residual() -> Network:
    """Fields that differ, and taps that fold onto one place."""
    h = w.conv1d(sm.input((2, 12)), 4, 3, padding=1, padding_mode="reflect", groups=2)
    h = sm.tanh(h) + 0.3 * h
    return Network(energy=sm.softplus(h + w.conv1d(sm.softplus(h), 4, 3, padding=1)))


def pooled() -> Network:
    h = sm.softplus(w.conv2d(sm.input((2, 5, 8)), 3, 2))
    return Network(energy=sm.tanh(w.avg_pool2d(h, 2, 1)))


def across_channels() -> Network:
    x = sm.input((1, 6, 9))
    return Network(energy=[w.logsumexp(w.conv2d(x, 4, 3, padding=1), 0), sm.square(x)])


def mixture() -> Network:
    """Below the logarithm of the sum the recursion is exact."""
    x = w.reshape(sm.input(12), (1, 12))
    mean, precision = sm.parameter((3, 12), name="mean"), 0.1 + sm.softplus(sm.parameter((3, 12), name="precision"))
    by_unit = sm.pointwise((x, mean, precision), lambda x, m, p: -p * (x - m) ** 2 / 2)
    return Network(energy=-w.logsumexp(w.total(by_unit, axis=1, keepdims=True), axis=0))


def narrow() -> Network:
    h = sm.tanh(sm.linear(sm.input(13), 9))
    return Network(energy=sm.softplus(sm.linear(h, 2)))


def of_two_kinds() -> Network:
    """Rows of three vertices, of two of which a third has mixed derivatives."""
    x = sm.input(13)
    a, b = sm.linear(sm.tanh(sm.linear(x, 9)), 2), sm.linear(sm.softplus(sm.linear(x, 5)), 2)
    return Network(energy=[a * sm.tanh(b), sm.square(x)])


def norm() -> Network:
    h = sm.softplus(w.conv1d(sm.input((2, 12)), 3, 3, padding=1))
    return Network(energy=[w.norm(h, axis=None, eps=0.3), sm.logcosh(h)])


def pooled_to_few() -> Network:
    """The recursion, patches, and rows."""
    h = sm.softplus(w.conv2d(sm.input((1, 7, 6)), 4, 3))
    h = sm.softplus(w.conv2d(h, 3, 3, padding=1))
    few = sm.tanh(sm.linear(w.flatten(w.mean(h, axis=(1, 2))), 2))
    return Network(energy=sm.linear(few, 1, bias=False))


PATCHES: dict[str, Callable[[], Network]] = {
    "two layers": two_layers,
    "three layers": three_layers,
    "round": round_and_round,
    "gated": gated,
    "squares": squares,
}
COLOURS: dict[str, Callable[[], Network]] = {
    "residual": reflected_residual,
    "pooled": pooled,
    "across channels": across_channels,
}
ROWS: dict[str, Callable[[], Network]] = {
    "mixture": mixture,
    "narrow": narrow,
    "of two kinds": of_two_kinds,
    "norm": norm,
    "pooled to few": pooled_to_few,
}
LOCAL = PATCHES | COLOURS | ROWS
