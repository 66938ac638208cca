"""A graph drawn in lines: a node on each, and lines that lead down to it from the nodes that it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

NODE: Final = "○"
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_SIGNS: Final = {
    0: " ",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _LEFT: "╯",
    _UP | _RIGHT: "╰",
    _DOWN | _LEFT: "╮",
    _DOWN | _RIGHT: "╭",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


def drawn(reads: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Lines and the node that stands at the end of each, "" for lines that only lead to a node below.

    `reads` has the nodes in order, each with those before it that it reads. A line that leads to no node passes behind
    others: `─│─`.
    """
    left = Counter(name for names in reads.values() for name in set(names))
    lines: list[str] = []  # the node whose line is in each column, "" for none
    for node, names in reads.items():
        columns = {lines.index(name) for name in names if name in lines}
        left.subtract(set(names))
        ending = {column for column in columns if not left[lines[column]]}
        own = min(ending, default=lines.index("") if "" in lines else len(lines))
        lines += [""] * (own + 1 - len(lines))
        if columns - {own}:
            yield "".join(_joined(lines, columns, ending, own)).rstrip(), ""
        for column in ending:
            lines[column] = ""
        signs = [NODE if column == own else "│" if name else " " for column, name in enumerate(lines)]
        lines[own] = node if left[node] else ""
        yield " ".join(signs).rstrip(), node
        while lines and not lines[-1]:
            lines.pop()


def _joined(lines: Sequence[str], columns: set[int], ending: set[int], own: int) -> Iterator[str]:
    """A line that leads from columns to a node's own."""
    first, last = min(columns | {own}), max(columns | {own})
    for column, name in enumerate(lines):
        inside = first <= column <= last
        sign = _UP * bool(name) | _DOWN * (column == own or (bool(name) and column not in ending))
        if inside and (column in columns or column == own or not name):
            sign |= _LEFT * (column > first) | _RIGHT * (column < last)
        yield _SIGNS[sign]
        yield "─" if first <= column < last else " "
