"""docs/compiler.md shows how things are added: its snippets run, in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smgen.functions import FUNCTIONS
from smgen.hessians import MODES
from smgen.objectives import OBJECTIVES
from smgen.targets import TARGETS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "compiler.md"
TABLES = (FUNCTIONS, MODES, OBJECTIVES, TARGETS)


def test_snippets_run(capsys: pytest.CaptureFixture[str]) -> None:
    before = [dict(table) for table in TABLES]
    namespace: dict[str, object] = {"__name__": "page"}
    try:
        for snippet in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(snippet, str(PAGE), "exec", dont_inherit=True), namespace)
    finally:
        for table, rows in zip(TABLES, before, strict=True):
            table.clear()  # type: ignore[attr-defined]
            table.update(rows)  # type: ignore[attr-defined]
    printed = capsys.readouterr().out
    assert "J = Q + C, the mean over the batch of Σ δ⁴ − Σ δ′." in printed
    assert "score" in printed
