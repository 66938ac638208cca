"""What a page is made of: sections of blocks. Each kind of block names the template that lays it out.

A `str` is text, and is escaped where it is put into the page. A `Markup` is HTML, SVG or MathML already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from markupsafe import Markup


class Block(Protocol):
    """A part of a section."""

    @property
    def template(self) -> str:
        """The template that lays it out; there its name is `block`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page with a heading. `anchor` is the name that links lead to."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of text."""

    text: str | Markup
    template: ClassVar[str] = "pages/paragraph.html.j2"


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences that a reader must not miss: warnings, and what was left out."""

    sentences: tuple[str, ...]
    is_warning: bool = False
    template: ClassVar[str] = "pages/notes.html.j2"


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with its name and a few words on it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The figures that a reader looks for first."""

    facts: tuple[Fact, ...]
    template: ClassVar[str] = "pages/facts.html.j2"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; `kind` is its CSS class."""

    text: str | Markup
    kind: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption. Columns in `numeric` are flush right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Markup, ...], ...]
    numeric: Sequence[int] = ()
    template: ClassVar[str] = "pages/table.html.j2"

    @property
    def headings(self) -> tuple[Cell, ...]:
        """The cells of the first line."""
        return self._cells(self.columns)

    @property
    def lines(self) -> tuple[tuple[Cell, ...], ...]:
        """The cells of the others."""
        return tuple(map(self._cells, self.rows))

    def _cells(self, texts: Sequence[str | Markup]) -> tuple[Cell, ...]:
        return tuple(Cell(text, "number" if n in self.numeric else "text") for n, text in enumerate(texts))


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with a caption. `wide` ones take a line of their own and scroll if they are wider than the page."""

    picture: Markup
    caption: str | Markup
    wide: bool = False

    @property
    def kind(self) -> str:
        """The CSS class."""
        return "wide" if self.wide else "half"


@dataclass(frozen=True, slots=True)
class Figures:
    """Pictures side by side, two in a line, or three `small` ones, as far as there is room."""

    figures: tuple[Figure, ...]
    small: bool = False
    template: ClassVar[str] = "pages/figures.html.j2"


@dataclass(frozen=True, slots=True)
class Terms:
    """Many names with short values, in columns under a title."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    template: ClassVar[str] = "pages/terms.html.j2"


@dataclass(frozen=True, slots=True)
class Equations:
    """A function and its derivatives, under a title."""

    title: str
    equations: tuple[Markup, ...]
    template: ClassVar[str] = "pages/equations.html.j2"


@dataclass(frozen=True, slots=True)
class Code:
    """Source text under a title."""

    title: str
    text: str
    template: ClassVar[str] = "pages/code.html.j2"
