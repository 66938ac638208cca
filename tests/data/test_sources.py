"""Every kind of source gives the rows that were written, in any pieces, and says what is wrong with a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from smgen.data.images import patches
from smgen.data.sources import Source, open_source, open_sources
from smgen.errors import BuildError

Array = npt.NDArray[Any]
ROWS = np.random.default_rng(0).standard_normal((57, 3)).astype(np.float32)


def npy(folder: Path) -> object:
    np.save(folder / "x.npy", ROWS)
    return folder / "x.npy"


def fortran(folder: Path) -> object:
    np.save(folder / "x.npy", np.asfortranarray(ROWS))
    return folder / "x.npy"


def npz(folder: Path) -> object:
    np.savez_compressed(folder / "x.npz", first=ROWS, other=ROWS[:, 0])
    return f"{folder / 'x.npz'}:first"


def csv(folder: Path) -> object:
    pytest.importorskip("pyarrow")
    np.savetxt(folder / "x.csv", ROWS, delimiter=",", header="a,b,c", comments="", fmt="%.9g")
    return folder / "x.csv"


def parquet(folder: Path) -> object:
    arrow, file = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {name: ROWS[:, k] for k, name in enumerate("abc")}
    file.write_table(arrow.table(columns), folder / "x.parquet", row_group_size=10)
    return folder / "x.parquet"


def hdf5(folder: Path) -> object:
    with pytest.importorskip("h5py").File(folder / "x.h5", "w") as file:
        file["deep/x"] = ROWS
        file["y"] = ROWS[:, :1]
    return f"{folder / 'x.h5'}:deep/x"


def zarr(folder: Path) -> object:
    pytest.importorskip("zarr").save(str(folder / "x.zarr"), ROWS)
    return folder / "x.zarr"


def array(folder: Path) -> object:
    return ROWS


KINDS = (npy, fortran, npz, csv, parquet, hdf5, zarr, array)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_that_were_written(kind: Callable[[Path], object], tmp_path: Path) -> None:
    source = open_source(kind(tmp_path))
    assert isinstance(source, Source)
    assert (source.rows, source.shape) == (57, (3,))
    for start, stop in ((0, 57), (0, 1), (9, 31), (56, 57)):
        block = source.read(start, stop)
        assert np.array_equal(block.astype(np.float32), ROWS[start:stop])
        assert block.flags.c_contiguous
        block += 1  # it is the caller's


def test_an_archive_holds_samples_and_their_conditions(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=ROWS, label=np.arange(57))
    sources = open_sources(tmp_path / "x.npz")
    assert {name: source.shape for name, source in sources.items()} == {"x": (3,), "label": ()}
    np.savez(tmp_path / "one.npz", whatever=ROWS)
    assert list(open_sources(tmp_path / "one.npz")) == ["x"]
    assert list(open_sources({"x": ROWS, "label": np.arange(57)})) == ["x", "label"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("absent.npy", None, "no such file"),
        ("x.npy", b"rubbish", r"not a \.npy file"),
        ("x.npz", b"rubbish", r"not a \.npz file"),
        ("x.txt", b"1 2 3", r"an unknown kind of file, \.txt"),
        ("x.parquet", b"rubbish", "cannot be read"),
        ("x.h5", b"rubbish", "cannot be read"),
        ("x.csv", b"a,b\n1,cat\n", "column 'b' holds values of type string, not numbers"),
    ],
)
def test_what_is_no_file_of_samples(name: str, content: bytes | None, what: str, tmp_path: Path) -> None:
    if name.endswith(("parquet", "csv")):
        pytest.importorskip("pyarrow")
    if name.endswith("h5"):
        pytest.importorskip("h5py")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BuildError, match=what) as caught:
        open_source(tmp_path / name)
    assert caught.value.origin == str(tmp_path / name)
    assert caught.value.hint


def test_values_and_rows_that_are_none(tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros((0, 3)))
    np.save(tmp_path / "complex.npy", np.zeros((4, 3), complex))
    np.savez(tmp_path / "two.npz", a=ROWS, b=ROWS)
    for data, what in (
        (tmp_path / "empty.npy", "no rows"),
        (tmp_path / "complex.npy", "not real numbers"),
        (np.array(["a", "b"]), "not real numbers"),
        (f"{tmp_path / 'two.npz'}:c", "no array 'c'"),
        ([[1, 2], [3]], "no array of numbers"),
    ):
        with pytest.raises(BuildError, match=what):
            open_source(data)


def test_a_file_that_lost_its_end(tmp_path: Path) -> None:
    source = open_source(npy(tmp_path))
    path = tmp_path / "x.npy"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(BuildError, match="ends before its last row"):
        source.read(0, 57)


def test_patches_of_a_folder_of_images(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (20 + k, 30), np.uint8) for k in range(3)]
    for k, picture in enumerate(pictures):
        pillow.fromarray(picture).save(tmp_path / f"{k}.png")
    source = patches(tmp_path, 5, None, count=30)
    assert (source.rows, source.shape) == (30, (25,))
    block = source.read(0, 30)
    assert np.array_equal(np.concatenate([source.read(n, n + 1) for n in range(30)]), block)
    for k, picture in enumerate(pictures):
        windows = np.lib.stride_tricks.sliding_window_view(picture / np.float32(255), (5, 5)).reshape(-1, 25)
        for patch in block[10 * k : 10 * k + 10]:
            assert np.abs(windows - patch).max(axis=1).min() < 1e-6
    assert patches(tmp_path, 5, 3, count=3).read(0, 3).shape == (3, 3, 5, 5)
    with pytest.raises(BuildError, match="smaller than a patch"):
        patches(tmp_path, 25, None, count=3).read(0, 1)
    (tmp_path / "none").mkdir()
    with pytest.raises(BuildError, match="no images"):
        patches(tmp_path / "none", 5, None)
