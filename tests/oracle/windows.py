"""Convolutions as sums, by loops over places, channels and taps: the definitions of torch.nn, with its arguments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .sums import Source, Sum, Term

Numbers = int | Sequence[int]


def each(value: Numbers, count: int) -> tuple[int, ...]:
    """A number for each axis; one number is that of all."""
    return (value,) * count if isinstance(value, int) else tuple(value) * (count if len(tuple(value)) == 1 else 1)


def read(place: int, size: int, mode: str) -> int | None:
    """The place of an axis that stands at `place`, which may lie outside; None for a zero."""
    if 0 <= place < size:
        return place
    match mode:
        case "zeros":
            return None
        case "circular":
            return place % size
        case "replicate":
            return 0 if place < 0 else size - 1
        case "reflect":
            return -place if place < 0 else 2 * (size - 1) - place
    raise ValueError(mode)


def convolution(
    name: str,
    source: Source,
    weight: str,
    bias: str | None,
    *,
    out_channels: int,
    kernel_size: Numbers,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    padding_mode: str = "zeros",
    dilation: Numbers = 1,
    groups: int = 1,
) -> Sum:
    """g_oq = b_o + Σ_c Σ_t w_oct f(c, q · stride + t · dilation − padding), as torch.nn.Conv1d and Conv2d."""
    channels, *sizes = source.shape
    kernel, strides, dilations = (each(value, len(sizes)) for value in (kernel_size, stride, dilation))
    if isinstance(padding, str):
        around = [0 if padding == "valid" else d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        before = [both // 2 for both in around]
    else:
        before = list(each(padding, len(sizes)))
        around = [2 * places for places in before]
    counts = [
        (n + p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(sizes, around, dilations, kernel, strides, strict=True)
    ]
    inside, outside = channels // groups, out_channels // groups
    filters = Source(weight, (out_channels, inside, *kernel))
    terms = list[tuple[Term, ...]]()
    for o, *q in np.ndindex(out_channels, *counts):
        unit = list[Term]()
        for c, *tap in np.ndindex(inside, *kernel):
            at = [
                read(q_a * s + t * d - b, n, padding_mode)
                for q_a, s, t, d, b, n in zip(q, strides, tap, dilations, before, sizes, strict=True)
            ]
            inner = [p for p in at if p is not None]
            if len(inner) == len(at):
                j = source.unit(o // outside * inside + c, *inner)
                unit.append(Term(source.name, j, key=weight, entry=filters.unit(o, c, *tap)))
        terms.append(tuple(unit))
    return _with_bias(name, (out_channels, *counts), terms, bias)


def transposed_convolution(
    name: str,
    source: Source,
    weight: str,
    bias: str | None,
    *,
    out_channels: int,
    kernel_size: Numbers,
    stride: Numbers = 1,
    padding: Numbers = 0,
    output_padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Sum:
    """Each place p of f adds w_cot f_cp to place p · stride + t · dilation − padding, as torch.nn.ConvTranspose2d."""
    channels, *sizes = source.shape
    options = (kernel_size, stride, padding, output_padding, dilation)
    kernel, strides, around, more, dilations = (each(value, len(sizes)) for value in options)
    counts = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, s, p, d, k, o in zip(sizes, strides, around, dilations, kernel, more, strict=True)
    ]
    inside, outside = channels // groups, out_channels // groups
    filters, result = Source(weight, (channels, outside, *kernel)), Source(name, (out_channels, *counts))
    terms: list[list[Term]] = [[] for _ in range(out_channels * int(np.prod(counts)))]
    for c, *p in np.ndindex(*source.shape):
        for o, *tap in np.ndindex(outside, *kernel):
            q = [p_a * s + t * d - b for p_a, s, t, d, b in zip(p, strides, tap, dilations, around, strict=True)]
            if all(0 <= q_a < count for q_a, count in zip(q, counts, strict=True)):
                term = Term(source.name, source.unit(c, *p), key=weight, entry=filters.unit(c, o, *tap))
                terms[result.unit(c // inside * outside + o, *q)].append(term)
    return _with_bias(name, result.shape, [tuple(unit) for unit in terms], bias)


def _with_bias(name: str, shape: tuple[int, ...], terms: Sequence[tuple[Term, ...]], bias: str | None) -> Sum:
    """The layer, with a number of b for each channel."""
    if bias is None:
        return Sum(name, shape, tuple(terms))
    return Sum(name, shape, tuple(terms), bias, tuple(place[0] for place in np.ndindex(*shape)))
