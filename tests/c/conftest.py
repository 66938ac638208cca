"""The C modules of these tests are compiled as users' are."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CFLAGS", raising=False)
