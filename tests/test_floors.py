"""A file imports only from lower floors: read the import statements, compare with the plan of the house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "smgen"

FLOORS = (
    ("errors", "density"),
    ("constants", "origins"),
    ("functions",),
    ("calculus", "data"),
    ("objectives",),
    ("ir",),
    ("layers",),
    ("network",),
    ("lower", "analysis"),
    ("passes",),
    ("hessians",),
    ("equations", "render"),
    ("targets",),
    ("loader", "files"),
    ("numerics",),
    ("build",),
    ("report", "sampling"),
    ("evaluation", "models"),
    ("training",),
    ("estimators",),
    ("applications",),
    ("pages",),
    ("demo", "bench"),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {name: level for level, names in enumerate(FLOORS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py" and "nets" not in path.parts)


def imported(path: Path) -> set[str]:
    """The parts of smgen that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "smgen":
            names |= {alias.name for alias in node.names if not alias.name.startswith("__")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("smgen."):
            names.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("smgen.")}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imported(path):
        assert name == own or FLOOR_OF[name] < FLOOR_OF[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_fit_in_a_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 260


def layer_classes() -> set[str]:
    """The kinds of layers: classes of `layers` with a kind."""
    classes = set()
    for path in (PACKAGE / "layers").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                fields = {str(ast.unparse(line.target)) for line in node.body if isinstance(line, ast.AnnAssign)}
                classes |= {node.name} if "kind" in fields else set()
    return classes


def test_layers_are_asked_for_their_type_nowhere() -> None:
    """No file outside `layers` mentions a kind of layer: what is to be known of one, it states itself."""
    kinds = layer_classes()
    assert {"Concat", "Data", "Dense", "Parameter", "Pointwise"} <= kinds
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] == "layers":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("smgen.layers"):
                assert not {alias.name for alias in node.names} & kinds, f"{path}: {ast.unparse(node)}"


def test_templates_hold_no_logic() -> None:
    """for, if on a value as it is, include; no arithmetic, comparison, filter but join, or call."""
    root = PACKAGE.parent / "templates"
    for path in root.rglob("*.j2"):
        for line in path.read_text(encoding="utf-8").splitlines():
            tag = line.strip()
            if tag.startswith("{%"):
                words = tag.removeprefix("{%").removesuffix("%}").split()
                assert words[0] in {"for", "endfor", "if", "endif", "else", "include"}, f"{path.name}: {tag}"
                assert not set("()+*<>=|") & set(tag.removeprefix("{%").removesuffix("%}")), f"{path.name}: {tag}"
