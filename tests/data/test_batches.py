"""Batches: every sample once an epoch, in memory and from disk; the same after a resume; held-out samples never."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from smgen.data import batches as batches_module
from smgen.data import split as split_module
from smgen.data.batches import Batches, Reader
from smgen.data.sources import open_source
from smgen.data.split import Split, look, split
from smgen.data.transform import fitted
from smgen.errors import BuildError

Array = npt.NDArray[Any]
ROWS = np.arange(4 * 10_000, dtype=np.float32).reshape(10_000, 4)


@pytest.fixture(params=["memory", "disk"])
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Split:
    """A split of numbered rows, with their numbers as a condition."""
    if request.param == "disk":
        monkeypatch.setattr(split_module, "RESIDENT", 0)
        monkeypatch.setattr(split_module, "BLOCK", 20 * 24)
        monkeypatch.setattr(batches_module, "POOL", 1000 * 24)
    np.save(tmp_path / "x.npy", ROWS)
    sources = {"x": open_source(tmp_path / "x.npy"), "number": open_source(np.arange(10_000))}
    return split(Reader(sources=sources, transform=fitted(ROWS, "none", 4), dtype=np.float32), 64, 0.1, 0)


def numbers(batches: Batches, epoch: int, skipped: int = 0) -> list[list[int]]:
    found = []
    for batch in batches.epoch(epoch, skipped):
        assert batch.x.flags.c_contiguous
        assert np.array_equal(batch.x, ROWS[batch.conditions["number"]])
        found.append(batch.conditions["number"].tolist())
    return found


def test_an_epoch_has_each_sample_once(made: Split) -> None:
    held_out = made.held_out
    assert held_out is not None
    for epoch in (0, 1, 9):
        seen = [number for batch in numbers(made.training, epoch) for number in batch]
        assert len(seen) == made.training.in_epoch(epoch) * 64
        assert len(set(seen)) == len(seen)
        assert made.training.rows - len(seen) < 64 * 10
        assert not set(seen) & set(held_out.conditions["number"].tolist())
    assert abs(len(held_out.x) - 1000) <= 20
    assert made.training.rows + len(held_out.x) == pytest.approx(10_000, abs=20)


def test_epochs_are_in_orders_of_their_own_and_mixed(made: Split) -> None:
    first, second = numbers(made.training, 0), numbers(made.training, 1)
    assert first == numbers(made.training, 0)
    assert first != second
    spread = np.std([np.mean(batch) for batch in first])
    assert spread < 3 * 10_000 / np.sqrt(12 * 20)  # of batches of blocks of 20 rows that were not mixed, and more


def test_an_epoch_can_be_entered_anywhere(made: Split) -> None:
    whole = numbers(made.training, 3)
    for skipped in (1, 7, len(whole) - 1, len(whole)):
        assert numbers(made.training, 3, skipped) == whole[skipped:]


def test_the_length_of_every_epoch_is_known(made: Split) -> None:
    for epoch in range(20):
        assert made.training.in_epoch(epoch) == len(numbers(made.training, epoch))


def test_all_samples_in_order(made: Split) -> None:
    rows = np.concatenate([batch.conditions["number"] for batch in made.training.whole()])
    assert len(rows) == made.training.rows
    assert (np.diff(rows) > 0).all()


def test_each_process_has_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(sources={"x": open_source(ROWS)}, transform=fitted(ROWS, "none", 4), dtype=np.float32)
    for resident in (1 << 30, 0):
        monkeypatch.setattr(split_module, "RESIDENT", resident)
        monkeypatch.setattr(split_module, "BLOCK", 20 * 16)
        parts = [split(reader, 64, 0.1, 0, (rank, 3)) for rank in range(3)]
        rows = [set(np.concatenate([b.x[:, 0] for b in part.training.whole()]).tolist()) for part in parts]
        assert not rows[0] & rows[1] | rows[1] & rows[2] | rows[0] & rows[2]
        assert len(rows[0] | rows[1] | rows[2]) == pytest.approx(9000, abs=20)
        for part in parts:
            assert part.held_out is not None
            assert parts[0].held_out is not None
            assert np.array_equal(part.held_out.x, parts[0].held_out.x)


def test_noise_over_the_steps_of_a_grid_is_new_in_each_epoch() -> None:
    whole = np.random.default_rng(0).integers(0, 4, (1000, 4))
    reader = Reader(sources={"x": open_source(whole)}, transform=fitted(whole, "none", 4, levels=1.0), dtype=np.float32)
    training = split(reader, 100, 0.0, 0).training
    first, second = (np.concatenate([batch.x for batch in training.epoch(n)]) for n in (0, 1))
    assert len(np.unique(first)) > 3900
    assert not np.intersect1d(first, second).size > 20
    assert np.abs(first - np.rint(first)).max() <= 0.5
    assert np.std(first - np.rint(first)) == pytest.approx(1 / np.sqrt(12), rel=0.05)
    again = next(islice(training.epoch(1, 5), 1)).x
    assert np.array_equal(again, second[500:600])


def test_a_number_that_is_not_finite_is_named() -> None:
    broken = ROWS.copy()
    broken[1234, 2] = np.nan
    reader = Reader(sources={"x": open_source(broken)}, transform=fitted(ROWS, "none", 4), dtype=np.float32)
    with pytest.raises(BuildError, match="row 1234, column 2 is nan"):
        split(reader, 64, 0.1, 0)


def test_too_few_samples_for_a_batch() -> None:
    reader = Reader(sources={"x": open_source(ROWS[:100])}, transform=fitted(ROWS, "none", 4), dtype=np.float32)
    with pytest.raises(BuildError, match="90 of 100 samples to learn from, 10 held out: fewer than a batch of 128"):
        split(reader, 128, 0.1, 0)


def test_a_look_reads_blocks_from_all_over() -> None:
    seen = look(open_source(ROWS), most=1000)
    assert seen.shape == (1000, 4)
    assert seen[:, 0].std() == pytest.approx(ROWS[:, 0].std(), rel=0.2)
