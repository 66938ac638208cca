"""Arrays as pictures: grey levels, signed values in two colours, densities as ink, and many tiles in one."""

from __future__ import annotations

from math import ceil
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from smgen.pages.png import data_uri
from smgen.pages.svg import tag

Array = npt.NDArray[Any]

INK: Final = (47, 111, 171)
"""The colour of densities, which reads on white and on black."""

LEAST: Final = 16
"""The least side of a tile, in pixels."""

NEGATIVE: Final = (178, 92, 43)
POSITIVE: Final = INK


def grey(values: Array, low: float, high: float) -> Array:
    """Values in grey levels from black at `low` to white at `high`: (…) → (…, 4); three channels in colour.

    A last axis of length 3 is taken for red, green and blue: (…, 3) → (…, 4). NaN is transparent.
    """
    finite = np.asarray(np.isfinite(values).all(axis=-1))
    level = np.clip((np.nan_to_num(values) - low) / max(high - low, 1e-300), 0, 1)
    colour = np.broadcast_to(level, (*level.shape[:-1], 3))
    return np.concatenate([np.rint(255 * colour), 255.0 * finite[..., None]], axis=-1).astype(np.uint8)


def signed(values: Array, size: float) -> Array:
    """Values from −size to size as two colours, transparent at 0: (…) → (…, 4)."""
    part = np.clip(np.nan_to_num(values) / max(size, 1e-300), -1, 1)
    colour = np.where(part[..., None] < 0, NEGATIVE, POSITIVE)
    return np.concatenate([colour, np.rint(255 * np.abs(part))[..., None]], axis=-1).astype(np.uint8)


def ink(values: Array) -> Array:
    """Values from 0 to 1 as the opacity of one colour: (…) → (…, 4)."""
    opacity = np.rint(255 * np.clip(np.nan_to_num(values), 0, 1))[..., None]
    return np.concatenate([np.broadcast_to(INK, (*values.shape, 3)), opacity], axis=-1).astype(np.uint8)


def tiled(tiles: Array, columns: int) -> Array:
    """Tiles (K, h, w, 4) in rows, with thin transparent lines between them; pixels of small tiles are repeated."""
    times = ceil(LEAST / min(tiles.shape[1:3]))
    tiles = tiles.repeat(times, axis=1).repeat(times, axis=2)
    number, height, width, _ = tiles.shape
    columns = min(columns, number)
    rows = ceil(number / columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def image(pixels: Array, alt: str, kind: str = "pixels") -> Markup:
    """The picture as an element of the page."""
    height, width, _ = pixels.shape
    return tag("img", src=data_uri(pixels), alt=alt, width=width, height=height, class_=kind)
