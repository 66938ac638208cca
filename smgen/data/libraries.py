"""Samples in files that an optional library reads: .csv, .parquet, HDF5 and zarr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.data.arrays import ArraySource, real
from smgen.errors import BuildError, several, shortened

Array = npt.NDArray[Any]


def library(name: str, origin: Path, extra: str) -> Any:
    """The library, or the error that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        hint = f"pip install {package}, or 'smgen[{extra}]'"
        raise BuildError(origin=str(origin), what=f"reading it needs {package}", hint=hint) from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except BuildError:
        raise
    except Exception as error:  # libraries raise classes of their own
        hint = "is it whole, and of the kind that its name says?"
        raise BuildError(origin=str(path), what=f"cannot be read: {shortened(error, str)}", hint=hint) from error


def table(path: Path, key: str | None) -> ArraySource:
    """The columns of a .csv file with a line of headings, or that of the name `key`, read whole by pyarrow."""
    csv = library("pyarrow.csv", path, "files")
    with _reading(path):
        return ArraySource(_columns(path, csv.read_csv(path), key), str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parquet:
    """Rows of a .parquet file, read by row groups."""

    path: Path
    key: str | None
    rows: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    starts: tuple[int, ...]

    @property
    def origin(self) -> str:
        """The path."""
        return str(self.path)

    def read(self, start: int, stop: int) -> Array:
        """These rows, from the row groups that hold them."""
        file = library("pyarrow.parquet", self.path, "files")
        groups = [n for n, first in enumerate(self.starts[:-1]) if first < stop and self.starts[n + 1] > start]
        with _reading(self.path), file.ParquetFile(self.path) as opened:
            part = _columns(self.path, opened.read_row_groups(groups), self.key)
        first = self.starts[groups[0]]
        return np.array(part[start - first : stop - first])


def parquet(path: Path, key: str | None) -> Parquet:
    """The columns of a .parquet file, or that of the name `key`."""
    file = library("pyarrow.parquet", path, "files")
    with _reading(path), file.ParquetFile(path) as opened:
        counts = [opened.metadata.row_group(n).num_rows for n in range(opened.metadata.num_row_groups)]
        if not sum(counts):
            raise BuildError(origin=str(path), what="no rows", hint="is the right file named?")
        few = _columns(path, opened.read_row_groups([0]), key)
    starts = tuple(int(n) for n in np.cumsum([0, *counts]))
    return Parquet(path=path, key=key, rows=starts[-1], shape=few.shape[1:], dtype=few.dtype, starts=starts)


def _columns(path: Path, arrow_table: Any, key: str | None) -> Array:
    """The numeric columns side by side, (N, columns), or the one named `key`, (N,)."""
    names = arrow_table.column_names
    if key is not None and key not in names:
        raise BuildError(origin=str(path), what=f"no column {key!r}", hint=f"its columns are {several(names, str)}")
    chosen = names if key is None else [key]
    columns = []
    for name in chosen:
        column = arrow_table.column(name).to_numpy()
        if column.dtype.kind not in "fiub":
            what = f"column {name!r} holds values of type {arrow_table.schema.field(name).type}, not numbers"
            raise BuildError(origin=str(path), what=what, hint="leave out such columns, or encode them as numbers")
        columns.append(column)
    return columns[0] if key is not None else np.column_stack(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """Rows of an array in a HDF5 or zarr file, which is opened anew for each block: processes may share it."""

    path: Path
    rows: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    opened: Callable[[], Any]

    @property
    def origin(self) -> str:
        """The path."""
        return str(self.path)

    def read(self, start: int, stop: int) -> Array:
        """These rows."""
        with _reading(self.path), self.opened() as array:
            return np.array(array[start:stop])


def hdf5(path: Path, key: str | None) -> Chunked:
    """The array named `key` in a HDF5 file, or its only one, read by h5py."""
    h5py = library("h5py", path, "files")

    @contextmanager
    def opened() -> Iterator[Any]:
        with h5py.File(path, "r") as file:
            names: list[str] = []
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            yield file[_chosen(path, names, key)]

    return _chunked(path, opened)


def zarr_array(path: Path, key: str | None) -> Chunked:
    """The array of a zarr folder, or that named `key` in a group of several, read by zarr."""
    zarr = library("zarr", path, "files")

    @contextmanager
    def opened() -> Iterator[Any]:
        item = zarr.open(str(path), mode="r")
        yield item if hasattr(item, "dtype") else item[_chosen(path, sorted(item.array_keys()), key)]

    return _chunked(path, opened)


def _chunked(path: Path, opened: Callable[[], Any]) -> Chunked:
    with _reading(path), opened() as array:
        shape, dtype = tuple(map(int, array.shape)), np.dtype(array.dtype)
    real(dtype, shape, str(path))
    return Chunked(path=path, rows=shape[0], shape=shape[1:], dtype=dtype, opened=opened)


def _chosen(path: Path, names: list[str], key: str | None) -> str:
    if key in names or (key is None and len(names) == 1):
        return key or names[0]
    what = f"no array {key!r}" if key is not None else f"{len(names)} arrays"
    hint = (
        f"its arrays are {several(names, str)}; name one, {path.name}:{names[0]}"
        if names
        else "is the right file named?"
    )
    raise BuildError(origin=str(path), what=what, hint=hint)
