"""A page as a tree, read by html.parser: balanced tags, headings, addresses, texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "img", "br", "hr", "input"}
ADDRESSES = {"href", "src", "srcset", "action", "data", "poster", "xlink:href"}


@dataclass
class Parsed(HTMLParser):
    """What a page holds. Raises `AssertionError` for a tag that is not closed where it should be."""

    text: str
    open: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self.addresses += [value for name, value in attributes.items() if name in ADDRESSES]
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)
        if "style" not in self.open:
            self.words.append(data)

    @property
    def shown(self) -> str:
        """All text that is shown."""
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


def parsed(text: str) -> Parsed:
    """The page, which needs nothing from elsewhere, has one title and levels of headings without gaps."""
    page = Parsed(text)
    assert all(address.startswith(("#", "data:")) for address in page.addresses), page.addresses
    assert not page.all("script")
    assert "url(" not in text
    assert "@import" not in text
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(a.get("aria-label") for a in page.all("svg") if a.get("role") == "img")
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {address for address in page.addresses if address.startswith("#")} <= {f"#{name}" for name in names}
    return page
