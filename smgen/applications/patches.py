"""Images as overlapping patches: (C, H, W) to (number, C·h·w) and back, a strip of the image at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Array = npt.NDArray[Any]

AT_ONCE: Final = 32_768
"""Patches that are held at a time: all of them would take as often the memory of the image as a patch has pixels."""


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches of (height, width) at every `stride`-th place of images of `shape` (C, H, W), and at far edges."""

    shape: tuple[int, int, int]
    height: int
    width: int
    stride: int

    def _places(self) -> tuple[Array, Array]:
        rows, columns = (
            np.unique(np.append(np.arange(0, size - side + 1, self.stride), size - side))
            for size, side in ((self.shape[1], self.height), (self.shape[2], self.width))
        )
        return rows, columns

    def _strips(self) -> Iterator[tuple[Array, Array]]:
        rows, columns = self._places()
        count = max(1, AT_ONCE // len(columns))
        for start in range(0, len(rows), count):
            yield rows[start : start + count], columns

    @property
    def cover(self) -> Array:
        """The number of patches that hold each pixel, (H, W)."""
        ones = np.zeros((1, *self.shape[1:]))
        for rows, columns in self._strips():
            self._add(ones, np.ones((len(rows), len(columns), 1, self.height, self.width)), rows, columns)
        return np.asarray(ones[0])

    def summed(self, image: Array, of_patches: Callable[[Array], Array]) -> Array:
        """Σ over patches of what the function makes of them, (n, C·h·w) to (n, C·h·w), at their places: (C, H, W)."""
        total = np.zeros(self.shape)
        windows = sliding_window_view(image, (self.height, self.width), axis=(1, 2))
        for rows, columns in self._strips():
            strip = np.moveaxis(windows[:, rows][:, :, columns], 0, 2)  # (rows, columns, C, h, w)
            made = of_patches(strip.reshape(len(rows) * len(columns), -1)).reshape(strip.shape)
            self._add(total, made, rows, columns)
        return total

    def _add(self, total: Array, patches: Array, rows: Array, columns: Array) -> None:
        """Add patches (rows, columns, C, h, w) at their places, which differ: no index occurs twice."""
        for i in range(self.height):
            for j in range(self.width):
                total[:, (rows + i)[:, None], columns + j] += np.moveaxis(patches[..., i, j], 2, 0)
