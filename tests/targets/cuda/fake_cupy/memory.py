"""Device memory of the stand-in: aligned as CuPy's pool aligns it, poisoned, and fenced."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.targets.cuda.fake_cupy import counters

Host = npt.NDArray[Any]

ALIGNMENT: Final = 512  # bytes, CuPy's; whether a kernel may use vector loads depends on it
_FENCE: Final = 512  # bytes before and after
_POISON: Final = 0xFF  # in every byte: a NaN in float32 and in float64, -1 in the signed integers


class Allocation:
    """One block of memory; arrays are views of it."""

    __slots__ = ("_raw", "_start", "body")

    def __init__(self, size: int) -> None:
        self._raw = np.full(size + 2 * _FENCE + ALIGNMENT, _POISON, np.uint8)
        self._start = _FENCE + (-self._raw.ctypes.data) % ALIGNMENT
        self.body = self._raw[self._start : self._start + size]

    @property
    def is_intact(self) -> bool:
        """False once something wrote before the first or after the last byte."""
        end = self._start + self.body.size
        return bool((self._raw[: self._start] == _POISON).all() and (self._raw[end:] == _POISON).all())

    def tail(self, view: Host, dtype: np.dtype[Any]) -> Host:
        """What a kernel reaches from the base pointer of `view` on if it takes it for an array of another dtype."""
        offset = view.ctypes.data - self.body.ctypes.data
        count = (self.body.size - offset) // dtype.itemsize
        return self.body[offset : offset + count * dtype.itemsize].view(dtype)


def allocate(shape: tuple[int, ...], dtype: npt.DTypeLike, reason: str) -> tuple[Allocation, Host]:
    """A block and the C-ordered array that fills it; counted."""
    counters.allocated(f"{reason} of shape {shape}")
    kind = np.dtype(dtype)
    block = Allocation(math.prod(shape) * kind.itemsize)
    return block, block.body.view(kind).reshape(shape)
