"""benchmarks/training.py and on_paper.py run and print what they kept. Nothing passes by time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import on_paper, training


@pytest.mark.slow
def test_a_run_is_kept_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "training.json"
    monkeypatch.setattr(sys, "argv", ["training", "--quick", "--json", str(path)])
    training.main()
    measured = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["training", "--from-json", str(path)])
    training.main()
    assert capsys.readouterr().out == measured
    found = json.loads(path.read_text(encoding="utf-8"))
    assert {cost["lam"] for cost in found["own"]} == {0.0, 0.1}
    assert found["streaming"]["rows"] == 300_000
    assert found["streaming"]["peak_bytes"] < 300e6
    assert found["processes"]["two_over_one"] > 0
    assert found["machine"]


def test_on_paper(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_paper.step(1.0, 8.0, 1, 1.0, 1.0) == 1
    assert on_paper.step(1.0, 8.0, 2, 4.0, 0.5) == 1 + 2 + 1
    monkeypatch.setattr(sys, "argv", ["on_paper", "--steps", "A=5", "D=150", "--markdown"])
    on_paper.main()
    page = (Path(__file__).resolve().parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("|"):
            assert line in page
