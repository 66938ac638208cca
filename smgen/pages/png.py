"""Pictures as PNG data in the page: a writer of the one form that is needed, 8-bit RGBA."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def png(pixels: Array) -> bytes:
    """The PNG file of pixels (height, width, 4), red, green, blue and opacity from 0 to 255 (PNG, ISO 15948)."""
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = np.zeros((height, 1 + 4 * width), np.uint8)  # each row begins with its filter, 0: none
    rows[:, 1:] = np.asarray(pixels, np.uint8).reshape(height, -1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def data_uri(pixels: Array) -> str:
    """The picture as an address that holds it."""
    return f"data:image/png;base64,{b64encode(png(pixels)).decode('ascii')}"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
