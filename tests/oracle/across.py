"""Functions across units from their definitions, as the layers that they consist of.

The diagonal recursion depends on these: what is shifted, squared, summed and multiplied is a unit of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays
from .arithmetic import Number, exp, log, reciprocal
from .functions import sqrt
from .network import Joint, Layer, Pointwise
from .several import Greatest
from .sums import Source, Sum
from .windows import Numbers, each

Layers = tuple[Layer, ...]


def logsumexp(name: str, f: Source, *, axis: int = -1, keepdims: bool = False) -> Layers:
    """m + log Σ exp(a − m) for the greatest a, m."""
    axis %= len(f.shape)
    greatest, _, layers = _shifted(name, f, axis)
    result = name if keepdims else f"{name}: with its axis"
    joint = Joint(result, (greatest.name, f"{name}: sum"), (), lambda m, s: m + log(s), greatest.shape)
    if keepdims:
        return (*layers, joint)
    shape = (*f.shape[:axis], *f.shape[axis + 1 :]) or (1,)
    return (*layers, joint, arrays.arranged(name, Source(result, greatest.shape).table.reshape(shape)))


def softmax(name: str, f: Source, *, axis: int = -1) -> Layers:
    """exp(a − m) · 1 / Σ exp(a − m)."""
    greatest, powers, layers = _shifted(name, f, axis % len(f.shape))
    inverse = Pointwise(f"{name}: inverse", f"{name}: sum", reciprocal)
    spread = _spread(Source(inverse.name, greatest.shape), f.shape)
    return (*layers, inverse, spread, _product(name, powers.name, spread.name, f.shape))


def norm(name: str, f: Source, *, axis: Numbers | None = None, eps: float, keepdims: bool = False) -> Layers:
    """√(ε + Σ a²)."""
    squares = _squares(name, f)
    total = arrays.totals(f"{name}: sum", Source(squares.name, f.shape), axis=axis, keepdims=keepdims)
    return squares, total, Pointwise(name, total.name, _root(eps))


def l2_pool(
    name: str,
    f: Source,
    *,
    kernel_size: Numbers | None = None,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    groups: int | None = None,
    eps: float,
) -> Layers:
    """√(ε + Σ a²) over windows, or over groups of channels place by place."""
    squares = _squares(name, f)
    if groups is None:
        assert kernel_size is not None
        source = Source(squares.name, f.shape)
        options: Any = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "mean": False}
        total = arrays.pooled(f"{name}: sum", source, **options)
    else:
        apart = Source(squares.name, (groups, f.shape[0] // groups, *f.shape[1:]))
        total = arrays.totals(f"{name}: sum", apart, axis=1)
    return squares, total, Pointwise(name, total.name, _root(eps))


def layer_norm(
    name: str, f: Source, keys: tuple[str, ...], *, normalized_shape: Numbers | None = None, eps: float = 1e-5,
    elementwise_affine: bool = True,
) -> Layers:  # fmt: skip
    """(a − mean) / √(variance + ε) · weight + bias over the last axes."""
    shape = f.shape if normalized_shape is None else each(normalized_shape, 1)
    over = tuple(range(len(f.shape) - len(shape), len(f.shape)))
    even = f"{name}: even" if elementwise_affine else name
    layers = _normalised(even, f, over, eps)
    return (*layers, Joint(name, (even,), keys, _affine, f.shape)) if elementwise_affine else layers


def group_norm(
    name: str, f: Source, keys: tuple[str, ...], *, num_groups: int, eps: float = 1e-5, affine: bool = True
) -> Layers:
    """(a − mean) / √(variance + ε) · weight + bias over groups of channels and all places."""
    apart = Source(f.name, (num_groups, f.shape[0] // num_groups, *f.shape[1:]))
    even = f"{name}: even" if affine else name
    layers = _normalised(even, apart, tuple(range(1, len(apart.shape))), eps)
    if not affine:
        return layers
    last = np.moveaxis(Source(even, f.shape).table, 0, -1)  # parameters are those of the last axis
    turned, scaled = arrays.arranged(f"{name}: turned", last), f"{name}: scaled"
    back = np.moveaxis(Source(scaled, last.shape).table, -1, 0)
    return (*layers, turned, Joint(scaled, (turned.name,), keys, _affine, last.shape), arrays.arranged(name, back))


def _shifted(name: str, f: Source, axis: int) -> tuple[Greatest, Joint, Layers]:
    """The greatest a, exp(a − m), and its sum."""
    greatest = Greatest(f"{name}: greatest", f, axis)
    spread = _spread(Source(greatest.name, greatest.shape), f.shape)
    powers = Joint(f"{name}: powers", (f.name, spread.name), (), lambda a, m: exp(a - m), f.shape)
    total = arrays.totals(f"{name}: sum", Source(powers.name, f.shape), axis=axis, keepdims=True)
    return greatest, powers, (greatest, spread, powers, total)


def _normalised(name: str, f: Source, over: tuple[int, ...], eps: float) -> Layers:
    """c / √(mean of c² + ε) for c = a − mean."""
    mean = arrays.totals(f"{name}: mean", f, axis=over, keepdims=True, mean=True)
    spread = _spread(Source(mean.name, mean.shape), f.shape)
    centred = Joint(f"{name}: centred", (f.name, spread.name), (), lambda a, m: a - m, f.shape)
    squares = _squares(name, Source(centred.name, f.shape))
    variance = arrays.totals(f"{name}: variance", Source(squares.name, f.shape), axis=over, keepdims=True, mean=True)
    scale = Pointwise(f"{name}: scale", variance.name, lambda v: reciprocal(sqrt(v + eps)))
    scales = _spread(Source(scale.name, variance.shape), f.shape)
    return mean, spread, centred, squares, variance, scale, scales, _product(name, centred.name, scales.name, f.shape)


def _affine(a: Number, weight: Number, bias: Number) -> Number:
    return a * weight + bias


def _squares(name: str, f: Source) -> Pointwise:
    return Pointwise(f"{name}: squares", f.name, lambda a: a * a)


def _root(eps: float) -> Callable[[Number], Number]:
    return lambda s: sqrt(s + eps)


def _product(name: str, a: str, b: str, shape: tuple[int, ...]) -> Joint:
    return Joint(name, (a, b), (), lambda a, b: a * b, shape)


def _spread(f: Source, shape: tuple[int, ...]) -> Sum:
    return arrays.arranged(f"{f.name}: spread", np.broadcast_to(f.table, shape))
