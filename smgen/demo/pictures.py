"""The two pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes as Panel
from matplotlib.figure import Figure

from smgen.demo.arrays import Array
from smgen.demo.files import replaced


def mosaic(rows: Array, size: int, columns: int) -> Array:
    """Patches (M, size²) as tiles, each scaled by its largest absolute value to [−1, 1], in a white grid."""
    height = -(-len(rows) // columns)
    picture = np.ones((height * (size + 1) + 1, columns * (size + 1) + 1))
    for n, row in enumerate(rows):
        top, left = (n // columns) * (size + 1) + 1, (n % columns) * (size + 1) + 1
        picture[top : top + size, left : left + size] = row.reshape(size, size) / np.abs(row).max()
    return picture


def draw_filters(path: Path, filters: Array, features: Array, size: int) -> None:
    """filters.png: what each filter looks for, and the filter itself, in the same places."""
    figure = Figure(figsize=(15, 6.9), layout="constrained")
    panels: Sequence[Panel] = figure.subplots(1, 2)
    titles = ("features: covariance × filter, what each unit answers to", "filters on pixels, whitening included")
    for panel, rows, title in zip(panels, (features, filters), titles, strict=True):
        picture = mosaic(rows, size, columns=18)
        panel.imshow(picture, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        panel.set_title(title)
        panel.set_axis_off()
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=150)


def draw_denoised(path: Path, images: Sequence[tuple[str, Array]], window: tuple[slice, slice]) -> None:
    """denoised.png: the same `window` of each image under its title."""
    figure = Figure(figsize=(13.5, 9.9), layout="constrained")
    panels: Sequence[Panel] = figure.subplots(2, 3).ravel()
    figure.suptitle("a part of the photograph; PSNR and SSIM are of the whole")
    for panel in panels:
        panel.set_axis_off()
    for panel, (title, image) in zip(panels, images, strict=False):
        panel.imshow(image[window], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        panel.set_title(title)
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=110)
