"""Samples in arrays of NumPy's: in memory, in .npy files and in .npz files."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from smgen.errors import BuildError, several

Array = npt.NDArray[Any]
_HINT = "save an array of shape (N, …) with numpy.save"


def real(array_dtype: np.dtype[Any], shape: tuple[int, ...], origin: str) -> None:
    """Raise `BuildError` for an array that does not hold rows of real numbers."""
    if array_dtype.kind not in "fiub":
        raise BuildError(origin=origin, what=f"values of type {array_dtype}, not real numbers", hint=_HINT)
    if not shape or not shape[0]:
        raise BuildError(origin=origin, what=f"an array of shape {shape}: no rows", hint=_HINT)


@dataclass(frozen=True, slots=True)
class ArraySource:
    """Rows of an array in memory, or of anything that is sliced like one."""

    array: Array
    origin: str = "data"

    def __post_init__(self) -> None:
        real(self.array.dtype, self.array.shape, self.origin)

    @property
    def rows(self) -> int:
        """The number of samples."""
        return int(self.array.shape[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        return tuple(self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self.array.dtype

    def read(self, start: int, stop: int) -> Array:
        """A copy of these rows."""
        return np.array(self.array[start:stop])


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyFile:
    """Rows of an .npy file, read from where they lie in it.

    Pages of a file that stays mapped count as memory of the process. So rows in C order are read with `pread`, and a
    file in Fortran order is mapped anew for each block.
    """

    path: Path
    rows: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    is_fortran: bool

    @property
    def origin(self) -> str:
        """The path."""
        return str(self.path)

    @classmethod
    def open(cls, path: Path) -> NpyFile:
        """The file at `path`. Raises `BuildError` if it is no .npy file of real numbers, or shorter than it says."""
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except (EOFError, OSError, ValueError) as error:
            raise BuildError(origin=str(path), what=f"not a .npy file ({error})", hint=_HINT) from None
        if not isinstance(mapped, np.memmap):
            raise BuildError(origin=str(path), what="several arrays, not one", hint=_HINT)
        real(mapped.dtype, mapped.shape, str(path))
        return cls(
            path=path,
            rows=mapped.shape[0],
            shape=mapped.shape[1:],
            dtype=mapped.dtype,
            offset=int(mapped.offset),
            is_fortran=bool(mapped.flags.f_contiguous and not mapped.flags.c_contiguous),
        )

    def read(self, start: int, stop: int) -> Array:
        """These rows. Raises `BuildError` if the file is shorter than when it was opened."""
        if self.is_fortran:
            whole = np.memmap(self.path, self.dtype, "r", self.offset, (self.rows, *self.shape), "F")
            return np.array(whole[start:stop], order="C")
        block = np.empty((stop - start, *self.shape), self.dtype)
        left = memoryview(block.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        place = self.offset + start * prod(self.shape) * self.dtype.itemsize
        with self.path.open("rb", buffering=0) as file:
            while left:
                count = (
                    os.preadv(file.fileno(), [left], place) if hasattr(os, "preadv") else _seek_read(file, place, left)
                )
                if not count:
                    raise BuildError(origin=self.origin, what="the file ends before its last row", hint=_HINT)
                left, place = left[count:], place + count
        return block


def _seek_read(file: Any, place: int, buffer: memoryview) -> int:
    file.seek(place)
    return int(file.readinto(buffer) or 0)


@overload
def npz_members(path: Path, key: str | None) -> ArraySource: ...
@overload
def npz_members(path: Path, key: str | None, *, all_of_them: Literal[True]) -> dict[str, ArraySource]: ...


def npz_members(path: Path, key: str | None, *, all_of_them: bool = False) -> ArraySource | dict[str, ArraySource]:
    """The array of an .npz file, that named `key`, or all by name. They are read whole: they may be compressed."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files if all_of_them else [key] if key is not None else archive.files
            if not all_of_them and len(names) != 1:
                raise BuildError(
                    origin=str(path),
                    what=f"{len(names)} arrays: {several(names, str)}",
                    hint=f"name one, {path.name}:{names[0] if names else 'x'}",
                )
            members = {name: ArraySource(archive[name], f"{path}:{name}") for name in names}
    except KeyError:
        raise BuildError(
            origin=str(path), what=f"no array {key!r} in it", hint="numpy.load(path).files lists them"
        ) from None
    except (EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise BuildError(origin=str(path), what=f"not a .npz file ({error})", hint="numpy.savez writes one") from None
    return members if all_of_them else members[names[0]]
