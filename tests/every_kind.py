"""A catalogue for the targets: few networks on arrays, which together have every kind of layer and its options."""

from __future__ import annotations

from collections.abc import Callable

import sympy

import smgen as sm
from smgen.network import Network


def convolutions() -> Network:
    """Each way to pad, with strides, dilations and groups, forth and back."""
    x = sm.input((2, 3, 4))
    h = sm.tanh(sm.conv2d(x, 4, (3, 2), padding=(1, 1), groups=2))
    line = sm.softplus(sm.reshape(x, (4, 6)))
    return Network(energy=[
        sm.softplus(sm.conv2d(h, 3, 3, stride=(2, 1), padding=(2, 1), padding_mode="reflect", dilation=(1, 2))),
        sm.square(sm.conv_transpose2d(h, 2, 3, stride=2, padding=1, output_padding=1, groups=2)),
        sm.sin(sm.conv1d(line, 2, 3, padding=2, padding_mode="circular", stride=3)),
        sm.logcosh(sm.conv1d(line, 4, 3, padding=1, padding_mode="replicate", groups=4, bias=False)),
        sm.softplus(sm.conv_transpose1d(line, 2, 2, stride=2)),
        sm.softplus(sm.conv2d(x, 2, 1)),
    ])  # fmt: skip


def axes() -> Network:
    """Pools, sums, parts, pads and orders of axes, on channels that lie first and last."""
    x = sm.input((2, 4, 4))
    h = sm.tanh(sm.conv2d(x, 2, 3, padding=1))
    return Network(energy=[
        sm.softplus(sm.avg_pool2d(h, 2)), sm.square(sm.sum_pool(h, 3, 2, 1)), sm.sin(sm.upsample(h, 2, "linear")),
        sm.softplus(sm.upsample(sm.avg_pool1d(sm.reshape(x, (8, 4)), 2, 1), 2)),
        sm.square(sm.pad(h, (1, 2, 0, -1), "circular")), sm.logcosh(sm.pad(x, (1, 1, 1, 1), "reflect") * 2),
        sm.sin(sm.concat(h[:, 1:, ::2], x[:, ::-1, :1][:, :3], axis=2)), sm.square(sm.mean(h, (1, 2))) * 3,
        sm.softplus(sm.permute(h, (0, 2, 1)) + sm.sum(x, 0)), sm.square(sm.linear(sm.flatten(h)[3:], 2)),
        sm.tanh(sm.linear(h, 3)),
    ])  # fmt: skip


def functions_across_units() -> Network:
    x = sm.input((4, 3))
    h = sm.tanh(sm.conv1d(x, 4, 3, padding=1))
    return Network(energy=[
        sm.logsumexp(h), sm.logsumexp(x, 0, keepdims=True), sm.sin(sm.softmax(h, 0)), sm.square(sm.softmax(x)),
        sm.norm(h, eps=0.1), sm.l2_pool(h, groups=2, eps=0.1), sm.l2_pool(x, 2, 1, eps=0.1),
        sm.softplus(sm.layer_norm(h, 3)), sm.sin(sm.group_norm(h, 2)),
        sm.softplus(sm.group_norm(x, 4, affine=False)),
    ])  # fmt: skip


def attention() -> Network:
    """Two heads, whose rows attend to each other."""
    x = sm.input((4, 4))
    q, k, v = (sm.permute(sm.reshape(sm.linear(x, 4, name=name), (4, 2, 2)), (1, 0, 2)) for name in ("q", "k", "v"))
    weights = sm.softmax(sm.matmul(q, sm.permute(k, (0, 2, 1))) * 0.7)
    heads = sm.reshape(sm.permute(sm.matmul(weights, v), (1, 0, 2)), (4, 4))
    h = sm.layer_norm(x + sm.linear(heads, 4), 4)
    return Network(energy=[sm.softplus(h), sm.matmul(x, x), sm.sin(sm.matmul(sm.permute(x, (1, 0)), sm.tanh(x)))])


def broadcast() -> Network:
    x = sm.input((2, 3, 2))
    h = sm.conv2d(x, 2, 1)
    gated = sm.pointwise((h, sm.parameter((2, 1, 1))), lambda h, a: sympy.tanh(h) / (1 + sympy.exp(a * h)))
    return Network(energy=[
        gated * sm.mean(x, 0), sm.softplus(h * sm.exp(sm.parameter((3, 1)))) / (1 + sm.square(sm.parameter((1, 2)))),
        sm.square(x + sm.linear(sm.flatten(h), 1)), sm.sin(x)[:, 1] * sm.parameter(2),
    ])  # fmt: skip


def conditioned() -> Network:
    """A label, a noise level and an image beside x: tables, gains, shifts, convolutions and products of them."""
    x, sigma, label = sm.input((2, 4)), sm.condition(name="sigma"), sm.condition(name="label")
    picture, matrix = sm.condition((1, 4), name="picture"), sm.condition((2, 2), name="matrix")
    film = sm.linear(sm.tanh(sm.linear(sm.concat(sigma, sm.embedding(label, 3, 2)), 3)), 4)
    h = sm.conv1d(sm.concat(x, sm.sin(picture)), 2, 3, padding=1)
    h = sm.softplus(h * (1 + sm.reshape(film[:2], (2, 1))) + sm.reshape(film[2:], (2, 1)))
    beside = sm.layer_norm(sm.conv1d(picture, 2, 3, padding=1), 4)
    return Network(energy=[
        sm.softplus(sm.conv1d(h, 2, 2)) / (1 + sm.square(sigma)), sm.matmul(matrix, sm.sin(x)),
        sm.logsumexp(x * sm.softmax(beside)), sm.square(sm.matmul(x, sm.reshape(picture, (4, 1)))),
    ])  # fmt: skip


def joined_with_a_condition() -> Network:
    """The second derivatives at x are a part of those at a concatenation."""
    x, sigma = sm.input(3), sm.condition(name="sigma")
    return Network(energy=sm.square(sm.tanh(sm.linear(sm.concat(x, sigma), 3))))


EVERY_KIND: dict[str, Callable[[], Network]] = {f.__name__: f for f in (
    convolutions, axes, functions_across_units, attention, broadcast, conditioned, joined_with_a_condition,
)}  # fmt: skip
