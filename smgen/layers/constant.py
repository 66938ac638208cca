"""Fixed arrays: a pooling matrix, a mask, a whitening. They are no parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from smgen.calculus.intervals import Interval
from smgen.errors import NetworkError, shortened
from smgen.layers.nodes import Node
from smgen.layers.protocol import Array, Differentiate, Vertex
from smgen.layers.source import Source
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Constant(Source):
    """An array that is part of the network. `numbers` are its float64 numbers, as bytes, in the order of its axes."""

    numbers: bytes
    size: tuple[int, ...]
    kind: ClassVar[str] = "constant"

    @property
    def text(self) -> str:
        return f"constant[{hashlib.sha256(self.numbers).hexdigest()}]"

    @property
    def fixed(self) -> Array:
        return np.frombuffer(self.numbers, np.float64).reshape(self.size)

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        return self.fixed

    def range(self, below: Sequence[Interval]) -> Interval:
        return float(self.fixed.min()), float(self.fixed.max())


def constant(array: npt.ArrayLike, *, name: str | None = None) -> Node:
    """A fixed array, for formulas and as a layer's `weights=`. It is part of the generated module.

    `sm.linear` with a matrix that is mostly zeros as weights computes with the other numbers alone. Raises
    `NetworkError` for anything but finite real numbers.
    """
    origin = here()
    try:
        numbers = np.asarray(array)
        numbers = numbers.astype(np.float64) if numbers.dtype.kind in "fiub" else np.empty(0)
    except Exception:
        numbers = np.empty(0)
    numbers = np.atleast_1d(numbers)
    if not numbers.size or not np.isfinite(numbers).all():
        raise NetworkError(
            origin=origin,
            what=f"sm.constant takes an array of finite real numbers; got {shortened(array)}",
            hint="sm.constant(numpy.eye(4)), sm.constant([1.0, 2.0])",
        )
    layer = Constant(np.ascontiguousarray(numbers).tobytes(), numbers.shape)
    return Node(layer=layer, operands=(), shape=numbers.shape, name=name, origin=origin)
