"""The documents say what is so: functions exist, emitted lines are emitted, links lead somewhere."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.generated import NUMPY_MODULES, generate

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MATHEMATICS = (ROOT / "docs/mathematics.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in MATHEMATICS.splitlines()
    if line.startswith(("| (", "| §", "| [+]"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_equation_has_its_function_and_its_line(row: list[str]) -> None:
    _, _, functions, emitted = row
    for name in re.findall(r"`(.+?)`", functions):
        module, function = name.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(f"smgen.{module}"), function))
    line = emitted.strip("`")
    generated = "".join(generate(example)[name] for example, name in NUMPY_MODULES)
    assert line in generated, f"not emitted: {line}"


def test_every_equation_is_there() -> None:
    numbers = {int(n) for row in ROWS for n in re.findall(r"\((\d+)\)", row[0])}
    assert numbers == set(range(1, 23))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_the_readme_quotes_generated_code_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    quoted = [line for line in readme.splitlines() if "np.matmul(" in line]
    generated = (ROOT / "generated/mlp/net_numpy.py").read_text(encoding="utf-8").splitlines()
    assert quoted
    assert all(line in generated for line in quoted)
