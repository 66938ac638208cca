"""A folder of images as a source of patches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.data.libraries import library
from smgen.errors import BuildError, counted, shortened

Array = npt.NDArray[Any]

ENDINGS: Final = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_KEPT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePatches:
    """Random patches of the images in a folder, `each` of every image, which has consecutive rows; values 0 to 1.

    A patch is (size²,) in grey, or (channels, size, size). Row n is the same patch in every run with this `seed`.
    """

    folder: Path
    files: tuple[Path, ...]
    size: int
    channels: int | None
    each: int
    seed: int = 0

    @property
    def origin(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def rows(self) -> int:
        """The number of patches."""
        return self.each * len(self.files)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a patch."""
        return (self.size**2,) if self.channels is None else (self.channels, self.size, self.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def read(self, start: int, stop: int) -> Array:
        """These patches."""
        block = np.empty((stop - start, *self.shape), np.float32)
        row = start
        while row < stop:
            number, first = divmod(row, self.each)
            last = min(self.each, first + stop - row)
            block[row - start : row - start + last - first] = self._of_image(number)[first:last]
            row += last - first
        return block

    def _of_image(self, number: int) -> Array:
        """The patches of one image, (each, *shape)."""
        image = picture(self.files[number], self.channels)
        height, width = image.shape[1] - self.size + 1, image.shape[2] - self.size + 1
        if height < 1 or width < 1:
            what = f"{image.shape[2]}×{image.shape[1]} pixels: smaller than a patch of {self.size}×{self.size}"
            raise BuildError(origin=str(self.files[number]), what=what, hint="leave out small images, or --patch less")
        rng = np.random.default_rng([self.seed, number])
        windows = np.lib.stride_tricks.sliding_window_view(image, (self.size, self.size), axis=(1, 2))
        patches = windows[:, rng.integers(height, size=self.each), rng.integers(width, size=self.each)]
        return np.moveaxis(patches, 0, 1).reshape(self.each, *self.shape)


@lru_cache(maxsize=_KEPT)
def picture(path: Path, channels: int | None) -> Array:
    """An image, (channels, height, width), values 0 to 1; one channel, grey, for None. Raises `BuildError`."""
    pillow = library("PIL.Image", path, "files")
    try:
        with pillow.open(path) as opened:
            mode = opened.mode
            deep = mode in ("I", "I;16", "I;16B", "F")
            image = np.array(opened if deep else opened.convert("RGB" if channels == 3 else "L"), np.float32)
    except Exception as error:  # Pillow raises classes of its own
        what = f"cannot be read as an image: {shortened(error, str)}"
        raise BuildError(origin=str(path), what=what, hint="remove it from the folder, or convert it") from error
    if mode != "F":  # whose values are what they are
        image /= 65535 if deep else 255
    if channels == 3 and image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    return np.moveaxis(image, 2, 0) if image.ndim == 3 else image[None]


def patches(folder: Path, size: int, channels: int | None, count: int = 100_000) -> ImagePatches:
    """About `count` patches of the images in a folder. Raises `BuildError` if there are none."""
    if channels not in (None, 1, 3):
        what = f"patches of {counted(channels or 0, 'channel')}: images have 1 (grey) or 3 (colours)"
        raise BuildError(origin=str(folder), what=what, hint="save an array of shape (N, C, H, W) as .npy")
    try:
        files = tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS))
    except OSError as error:
        raise BuildError(origin=str(folder), what=f"cannot be read: {error.strerror}", hint="name a folder") from error
    if not files:
        raise BuildError(origin=str(folder), what="no images in it", hint=f"files that end in {', '.join(ENDINGS)}")
    return ImagePatches(folder=folder, files=files, size=size, channels=channels, each=max(1, -(-count // len(files))))
