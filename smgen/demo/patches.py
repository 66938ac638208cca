"""Square patches of images, one flattened patch a row, and the way back to an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from smgen.demo.arrays import Array


def sample(images: Sequence[Array], count: int, size: int, rng: np.random.Generator) -> Array:
    """`count` patches at random places and in random order, (count, size²), equally many from each image.

    Each is turned and mirrored at random (one of the square's eight symmetries): nature has more horizontals than
    diagonals, but eight photographs have accidents too, such as a meadow whose blades all lean to one side.
    """
    shares = [len(part) for part in np.array_split(np.arange(count), len(images))]
    parts = []
    for image, share in zip(images, shares, strict=True):
        windows = sliding_window_view(image, (size, size))
        rows, columns = rng.integers(windows.shape[0], size=share), rng.integers(windows.shape[1], size=share)
        parts.append(windows[rows, columns])
    patches = _turned(np.concatenate(parts), rng.integers(8, size=count))
    return patches[rng.permutation(count)].reshape(count, size * size)


def _turned(patches: Array, symmetries: Array | np.ndarray[tuple[int], np.dtype[np.int64]]) -> Array:
    """Patch n under the symmetry numbered symmetries[n]: a turn by 90° times it, mirrored from 4 on."""
    turned = np.empty_like(patches)
    for symmetry in range(8):
        chosen = symmetries == symmetry
        image = np.rot90(patches[chosen], symmetry % 4, axes=(1, 2))
        turned[chosen] = image[:, :, ::-1] if symmetry >= 4 else image
    return turned


def dequantised(patches: Array, rng: np.random.Generator, levels: int = 255) -> Array:
    """Spread each grey level over its interval, uniformly.

    A density of values that only ever are multiples of 1/255 is a row of spikes. Score matching looks at the slope of
    the log density and would learn the spikes.
    """
    return patches + rng.uniform(-0.5 / levels, 0.5 / levels, patches.shape)


def without_mean(patches: Array) -> tuple[Array, Array]:
    """The patches less their own mean ("DC"), and the means, (N, 1)."""
    mean = patches.mean(axis=1, keepdims=True)
    return patches - mean, mean


def average_overlaps(image: Array, size: int, restore: Callable[[Array], Array], rows: int = 32) -> Array:
    """Apply `restore` (N, size²) → (N, size²) to every patch of the image; a pixel is the mean of all that cover it.

    `rows` rows of patches are held at a time: all of them would take size² times the memory of the image.
    """
    windows = sliding_window_view(image, (size, size))
    height, width = windows.shape[:2]
    total, cover = np.zeros_like(image), np.zeros_like(image)
    for top in range(0, height, rows):
        strip = windows[top : top + rows]
        restored = restore(strip.reshape(-1, size * size)).reshape(strip.shape)
        for i in range(size):
            for j in range(size):
                place = np.s_[top + i : top + i + len(strip), j : j + width]
                total[place] += restored[:, :, i, j]
                cover[place] += 1
    return np.asarray(total / cover)
