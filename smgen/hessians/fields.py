"""Receptive fields: the inputs that a unit depends on, where these are windows that slide over x."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from smgen.hessians.local import below
from smgen.ir import Sliding
from smgen.layers.orders import channels_last
from smgen.network import Network

Fields: TypeAlias = tuple[Sliding, ...]
"""The fields of all places of a vertex, as windows over each axis of x."""


def receptive_fields(network: Network, bent: Iterable[str]) -> Mapping[str, Fields] | None:
    """The fields of these vertices and of all below them; None where these are not windows that slide over x."""
    x = network.input
    if len(x.shape) < 2 or x.axes != channels_last(x.shape):
        return None
    known: dict[str, Fields] = {x.name: tuple(Sliding(size=size, kernel=1) for size in x.shape[1:])}
    for v in below(network, bent).members:
        inputs = {known[p] for p in v.inputs}
        if len(inputs) > 1:
            return None
        (field,) = inputs
        if v.layer.sliding is not None:
            axes = [composed(*pair) for pair in zip(field, v.layer.sliding, strict=True)]
            field = tuple(axis for axis in axes if axis is not None)
            padded = {axis.padding for axis in field if axis.before or axis.after > 0}
            if len(field) < len(axes) or len(padded) > 1:
                return None
        elif not v.layer.keeps_places:
            return None
        known[v.name] = field
    return known


def composed(field: Sliding, windows: Sliding) -> Sliding | None:
    """The field, in x, of windows over places that have this field; None where it is no window of x."""
    padded = bool(windows.before or windows.after)
    if padded and windows.padding not in ("zeros", "circular"):
        return None
    goes_round = padded and windows.padding == "circular"
    if goes_round and windows.size * field.stride != field.size:
        return None
    kernel = field.kernel + (windows.kernel - 1) * windows.dilation * field.stride
    stride, before = field.stride * windows.stride, field.before + windows.before * field.stride
    padding = "circular" if goes_round else field.padding
    if padding == "circular" and kernel > field.size:
        return None
    after = (windows.count - 1) * stride + kernel - before - field.size
    return Sliding(size=field.size, kernel=kernel, stride=stride, before=before, after=after, padding=padding)
