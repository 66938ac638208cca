"""The C modules of these tests are compiled as users' are; `folder` has one in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smgen.build import Options, build_info, sources
from tests.networks import CATALOGUE


@pytest.fixture(autouse=True)
def optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CFLAGS", raising=False)


@pytest.fixture(scope="module")
def text() -> str:
    network = CATALOGUE["gaussian"]()
    return sources(network, build_info(network, Path("net.py"), Options(backend="c")))[".py"]


@pytest.fixture
def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "net_c.py").write_text(text, encoding="utf-8")
    return tmp_path
