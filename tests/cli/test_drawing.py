"""The graph that `smgen show` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import dedent

import pytest

from smgen.report.drawing import drawn

GRAPHS: dict[str, tuple[Mapping[str, Sequence[str]], str]] = {
    "a chain": (
        {"x": [], "h": ["x"], "f": ["h"]},
        """
        ○ x
        ○ h
        ○ f
        """,
    ),
    "a skip": (
        {"x": [], "h": ["x"], "f": ["h"], "sum": ["x", "f"]},
        """
        ○ x
        ├─╮
        │ ○ h
        │ ○ f
        ├─╯
        ○ sum
        """,
    ),
    "twice the same": (
        {"x": [], "square": ["x", "x"]},
        """
        ○ x
        ○ square
        """,
    ),
    "a line behind others": (
        {"x": [], "y": [], "h": ["x"], "sum": ["x", "h"], "last": ["y", "sum"]},
        """
        ○ x
        │ ○ y
        ├─│─╮
        │ │ ○ h
        ├─│─╯
        ○ │ sum
        ├─╯
        ○ last
        """,
    ),
    "an end, and a column that is free again": (
        {"x": [], "a": ["x"], "b": ["x"], "c": []},
        """
        ○ x
        ├─╮
        │ ○ a
        ○ b
        ○ c
        """,
    ),
    "three into one": (
        {"x": [], "y": [], "z": [], "sum": ["x", "y", "z"]},
        """
        ○ x
        │ ○ y
        │ │ ○ z
        ├─┴─╯
        ○ sum
        """,
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_drawn(name: str) -> None:
    reads, picture = GRAPHS[name]
    assert [f"{lines} {node}".rstrip() for lines, node in drawn(reads)] == dedent(picture).strip().splitlines()
