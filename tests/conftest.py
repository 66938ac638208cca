"""Options of the suite."""

from __future__ import annotations

import gc
import os

import pytest

os.environ.setdefault("CFLAGS", "-O0")
"""Eight times faster to compile than users' -O2, which tests/targets/c has."""


gc.set_threshold(100_000, 50, 1000)
"""Modules and expressions are kept for later tests: to look through them for rubbish would take a tenth of the time."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite generated/ instead of comparing with it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no process is left with them when the others are done."""
    items.sort(key=lambda item: "test_versions" not in item.nodeid)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
