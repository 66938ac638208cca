"""A second catalogue: networks on arrays, one of each use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import smgen as sm
from smgen.network import Network
from tests import written as w


def convolved_experts() -> Network:
    """A product of experts whose filters are at every place."""
    x = sm.input((2, 4, 3))
    return Network(energy=sm.logcosh(w.conv2d(x, 3, (2, 3), padding=(1, 0), bias=False, name="filters")))


def residual() -> Network:
    """Convolutions with a skip connection, pooling and a fully connected layer on top."""
    x = sm.input((1, 4, 4))
    h = sm.tanh(w.conv2d(x, 2, 3, padding=1, padding_mode="circular"))
    h = h + sm.softplus(w.conv2d(h, 2, 3, padding=1, padding_mode="reflect"))
    return Network(energy=sm.softplus(sm.linear(w.flatten(w.avg_pool2d(h, 2)), 2)))


def encoder_and_decoder() -> Network:
    """Half the places and back, joined with what came in."""
    x = sm.input((1, 4, 4))
    low = sm.softplus(w.conv2d(x, 2, 3, stride=2, padding=1))
    up = w.conv_transpose2d(low, 1, 2, stride=2)
    return Network(energy=sm.softplus(w.conv2d(w.concat(sm.tanh(up), x), 2, 1)))


def depthwise() -> Network:
    """Groups of channels, then 1 × 1, with a learned gain for each channel."""
    x = sm.input((2, 3, 3))
    h = w.conv2d(sm.tanh(x), 4, 3, padding=1, groups=2)
    gain = sm.exp(sm.parameter((4, 1, 1), name="log_gain"))
    return Network(energy=sm.softplus(w.conv2d(sm.silu(h) * gain, 2, 1)))


def line() -> Network:
    """A series in time: dilation, and only the last place counts."""
    h = sm.tanh(w.conv1d(w.pad(sm.input((1, 6)), (2, 0)), 2, 3))
    h = sm.tanh(w.conv1d(w.pad(h, (4, 0), "replicate"), 2, 3, dilation=2))
    return Network(energy=[sm.softplus(w.part(h, np.s_[:, -1])), sm.square(w.mean(h, 1))])


def divided_by_the_mean() -> Network:
    """Squares of responses divided by their mean over channels."""
    h = sm.square(w.conv2d(sm.input((1, 3, 4)), 3, 2))
    return Network(energy=h / (1 + w.mean(h, 0, keepdims=True)))


def mixed_places() -> Network:
    """Channels and places mixed in turn, as matrices on the last axis of an array and of its transpose."""
    h = sm.tanh(sm.linear(w.permute(sm.input((2, 4)), (1, 0)), 3))
    return Network(energy=sm.softplus(sm.linear(w.permute(h, (1, 0)), 2, bias=False)))


def tied_both_ways() -> Network:
    """One array as the weight of a convolution and of its transpose."""
    v = sm.parameter((3, 1, 2, 2), name="v")
    h = sm.softplus(w.conv2d(sm.input((1, 3, 3)), 3, 2, weights=v))
    return Network(energy=sm.square(w.conv_transpose2d(h, 1, 2, weights=v, bias=False)))


def sharpened() -> Network:
    """Up and down again, minus the original."""
    x = sm.input((1, 2, 3))
    up = sm.softplus(w.upsample(sm.tanh(x), 2, "linear"))
    return Network(energy=sm.logcosh(w.sum_pool(up, 3, 2, 1) - w.upsample(w.part(x, np.s_[:, :1, :1]), (2, 3))))


IMAGES: dict[str, Callable[[], Network]] = {f.__name__: f for f in (
    convolved_experts, residual, encoder_and_decoder, depthwise, line, divided_by_the_mean, mixed_places,
    tied_both_ways, sharpened,
)}  # fmt: skip
