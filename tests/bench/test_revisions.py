"""The comparison with an earlier commit: `benchmarks.revisions`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import revisions


def _has_history() -> bool:
    command = ["git", "rev-parse", "--verify", "HEAD"]
    return subprocess.run(command, cwd=revisions.HERE, capture_output=True, check=False).returncode == 0


needs_history = pytest.mark.skipif(not _has_history(), reason="needs a clone with its history")


@needs_history
def test_a_tree_gives_the_numbers_of_its_commit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(revisions, "CASES", (("C", "diagonal", 8),))
    monkeypatch.setattr(sys, "argv", ["revisions", "HEAD", "--backends", "numpy", "--rounds", "1", "--seconds", "0"])
    revisions.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if "C, diagonal, N = 8" in line]
    assert len(rows) == len(revisions.LAMBDAS)
    for row in rows:
        assert float(row.split("│")[-2]) < 1e-5


@needs_history
def test_an_unknown_commit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["revisions", "no-such-commit"])
    with pytest.raises(SystemExit, match="git has no tree of 'no-such-commit'"):
        revisions.main()
