"""Tables with short numbers and uncut cells, the same on a terminal, in a file and in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from smgen.errors import visible

_PREFIXES: Final = ("", " k", " M", " G", " T", " P", " E")
_GAP: Final = "  "


def quantity(number: float) -> str:
    """A count in three digits: 999, 1.64 k, 16.4 k, 10.3 M."""
    value, power = float(number), 0
    while abs(value) >= 999.5 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    if power == 0:
        return f"{value:.0f}" if value == int(value) else f"{value:.3g}"
    decimals = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{decimals}f}{_PREFIXES[power]}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with columns as wide as their widest cell, flush right if in `right`. A cell can have several lines."""

    title: str
    columns: tuple[str, ...]
    right: Sequence[str] = ()
    rows: list[tuple[str | Text, ...]] = field(default_factory=list)

    def add_row(self, *cells: str | Text) -> None:
        """Add a row with a cell for each column."""
        self.rows.append(cells)

    def lines(self) -> Iterator[Text]:
        """The title, the headings, a rule, and the rows."""
        cells = [[_split(cell) for cell in row] for row in ((*map(_bold, self.columns),), *self.rows)]
        widths = [max(cell_len(line.plain) for row in cells for line in row[k]) for k in range(len(self.columns))]
        if self.title:
            yield from (Text(line, style="italic") for line in visible(self.title).split("\n"))
        for number, row in enumerate(cells):
            for parts in zip_longest(*row, fillvalue=Text("")):
                yield self._line(parts, widths)
            if number == 0:
                yield Text("─" * (sum(widths) + len(_GAP) * (len(widths) - 1)))

    def _line(self, parts: Sequence[Text], widths: Sequence[int]) -> Text:
        line = Text("")
        for column, part, width in zip(self.columns, parts, widths, strict=True):
            space = " " * (width - cell_len(part.plain))
            line += Text.assemble(
                _GAP if len(line) else "", *((space, part) if column in self.right else (part, space))
            )
        line.rstrip()
        return line


def _bold(heading: str) -> Text:
    return Text(heading, style="bold")


def _split(cell: str | Text) -> list[Text]:
    text = cell if isinstance(cell, Text) else Text(visible(cell))
    return list(text.split("\n", allow_blank=True))


def put(console: Console, *parts: Table | Text | str) -> None:
    """Print tables in full width, and text in lines of the terminal's width; elsewhere text is not wrapped.

    Lines end between words. A word that is longer than a line, such as a path, stays whole. A text with `no_wrap` stays
    on one line, which the terminal may wrap.
    """
    screen = console.file.isatty()
    for part in parts:
        lines = part.lines() if isinstance(part, Table) else [Text(part) if isinstance(part, str) else part]
        for line in lines:
            prose = screen and not isinstance(part, Table) and not line.no_wrap
            for shown in _wrapped(line, console.width) if prose else [line]:
                console.print(shown, soft_wrap=True, highlight=False, markup=False)


def _wrapped(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most `width` columns, except for longer words."""
    for line in text.split("\n", allow_blank=True):
        starts, used = [], 0
        for word in re.finditer(r"\s*\S+\s*", line.plain):
            if used and used + cell_len(word.group().rstrip()) > width:
                starts.append(word.start())
                used = 0
            used += cell_len(word.group())
        for part in line.divide(starts):
            part.rstrip()
            yield part
