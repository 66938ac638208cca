"""The demonstration from end to end, hurried, and what happens when something is missing."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from smgen.demo import DemoUnavailable, Results, report, run
from smgen.demo.files import replaced
from smgen.demo.requirements import PACKAGES, require
from smgen.errors import BuildError, SmgenError


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(DemoUnavailable, match=r"needs Absent.*\n.*pip install 'smgen\[demo\]'") as caught:
        require({"json": "json", "no_such_package_xyz": "Absent"})
    assert isinstance(caught.value, SmgenError)
    assert "json" not in str(caught.value)


def test_nothing_is_computed_without_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "no_such_package_xyz", "Absent")
    with pytest.raises(DemoUnavailable):
        run(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot be made"):
        run(tmp_path / "file" / "out")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_text("old")

    def interrupted() -> None:
        with replaced(path) as temporary:
            temporary.write_text("half")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        interrupted()
    assert path.read_text() == "old"
    with replaced(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def timeless(results: Results) -> Results:
    """The results but for how long things took."""
    still = {name: replace(getattr(results, name), seconds=0) for name in ("filters", "small", "denoiser")}
    return replace(results, seconds=0, **still)


@pytest.mark.slow
def test_the_whole_in_a_hurry(tmp_path: Path) -> None:
    screen = Console(file=io.StringIO(), width=120)
    results = run(tmp_path, quick=True, console=screen)
    report(results, screen)

    for part in (results.filters, results.small, results.denoiser):
        assert part.loss_after < part.loss_before
    assert results.denoiser.psnr_foreseen == pytest.approx(results.denoiser.psnr_of_patches, abs=0.1)
    for image in results.images:
        noisy, ours, *others = image.methods
        assert ours.psnr > noisy.psnr + 6
        assert len(others) == 3
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(asdict(results))
    )
    for name in ("filters.png", "denoised.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert "non-local means" in screen.file.getvalue()  # type: ignore[attr-defined]

    assert timeless(run(tmp_path, quick=True)) == timeless(results)
