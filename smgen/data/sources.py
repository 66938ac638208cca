"""Sources of samples: arrays and files that are read row by row, never whole.

A source states how many rows it has and reads the rows between two numbers into an array of its own. `open_source`
chooses by what it is given: an array, a path, or several under the names that a network gives its input and conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from smgen.data.arrays import ArraySource, NpyFile, npz_members
from smgen.data.libraries import hdf5, parquet, table, zarr_array
from smgen.errors import BuildError, did_you_mean, shortened

Array: TypeAlias = npt.NDArray[Any]


@runtime_checkable
class Source(Protocol):
    """Samples in rows."""

    @property
    def origin(self) -> str:
        """The file, or what stands for it."""
        ...

    @property
    def rows(self) -> int:
        """The number of samples."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        ...

    def read(self, start: int, stop: int) -> Array:
        """The rows from `start` to before `stop`, (stop − start, *shape), an array that the caller may change."""
        ...


READERS: Final[dict[str, Callable[[Path, str | None], Source]]] = {
    ".npy": lambda path, key: NpyFile.open(path),
    ".npz": lambda path, key: npz_members(path, key),
    ".csv": table,
    ".parquet": parquet,
    ".h5": hdf5,
    ".hdf5": hdf5,
    ".zarr": zarr_array,
}
"""By the ending of a file's name: what opens it, or the array named by a key in it."""


def open_source(data: object, origin: str = "data") -> Source:
    """The source behind an array, a path, or a path with a key, `X.h5:images`.

    Raises `BuildError` for a file that does not exist or cannot be read, for several arrays without a key, and for
    values that are not real numbers.
    """
    if isinstance(data, (str, Path)):
        return _open(Path(data))
    if isinstance(data, Source):
        return data
    if isinstance(data, np.ma.MaskedArray):
        raise BuildError(
            origin=origin, what="a masked array", hint="give its .filled(…) values, or leave such rows out"
        )
    try:
        array = np.asarray(data)
    except Exception as error:
        what = f"no array of numbers: {shortened(error, str)}"
        raise BuildError(origin=origin, what=what, hint="give an array (N, …) or the path of a file") from error
    return ArraySource(array, origin)


def open_sources(data: object) -> dict[str, Source]:
    """The sources of samples and conditions by name: x, and what a mapping or an .npz file names besides."""
    if isinstance(data, Mapping):
        return {str(name): open_source(part, str(name)) for name, part in data.items()}
    if isinstance(data, (str, Path)) and Path(data).suffix == ".npz" and Path(data).is_file():
        members = npz_members(Path(data), None, all_of_them=True)
        return {"x": next(iter(members.values()))} if len(members) == 1 else dict(members)
    return {"x": open_source(data)}


def _open(path: Path) -> Source:
    key: str | None = None
    file, colon, name = str(path).rpartition(":")
    if colon and not path.exists() and Path(file).exists():
        path, key = Path(file), name
        if path.suffix.lower() == ".npy":
            raise BuildError(origin=str(path), what=f"an array without a name, where {name!r} is asked for", hint=file)
    if not path.exists():
        raise BuildError(origin=str(path), what="no such file", hint="--data takes the path of a file of samples")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BuildError(
            origin=str(path),
            what=f"an unknown kind of file, {path.suffix or 'without an ending'}{did_you_mean(path.suffix, READERS)}",
            hint=f"one of {', '.join(READERS)}; or a folder of images with --patch",
        )
    return reader(path, key)
