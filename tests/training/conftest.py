"""The network of the tests of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.runs import QUADRATIC


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(QUADRATIC, encoding="utf-8")
    return path
