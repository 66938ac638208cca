"""Records of more than four fields are built by keyword; functions of a module are records, not names with parts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from smgen.ir import functions_for, public_functions
from smgen.objectives import chosen_objectives

PACKAGE = Path(__file__).resolve().parent.parent / "smgen"
FILES = sorted(PACKAGE.rglob("*.py"))


def records(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each dataclass: its name, its decorator, and how many fields a call may set by position."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in map(ast.unparse, node.decorator_list):
            if decorator.startswith("dataclass"):
                fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
                texts = [ast.unparse(field) for field in fields]
                texts = texts[: texts.index("_: KW_ONLY")] if "_: KW_ONLY" in texts else texts
                yield node.name, decorator, sum("ClassVar" not in t and "init=False" not in t for t in texts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_records_of_many_fields_are_built_by_keyword(path: Path) -> None:
    for name, decorator, count in records(path):
        assert count <= 4 or "kw_only=True" in decorator, f"{name} has {count} fields"


def test_functions_have_names_of_their_own() -> None:
    every = functions_for(public_functions(chosen_objectives("hyvarinen,denoising,generalised:x")))
    assert len({function.name for function in every}) == len(every)
    plain = [function.name for function in every if function.lam == "zero" and not function.is_general]
    assert plain == ["loss_terms_lam0", "losses_lam0", "loss_and_grad_lam0", "loss_and_grad_terms_lam0"]
    assert all(set(f.gradients) <= set(f.results) for f in every if f.is_loss)


def test_nothing_asks_for_parts_of_a_functions_name() -> None:
    """λ = 0, gradients and losses are fields: no file takes a name apart."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert path.name == "functions.py" or "_lam0" not in text, path
        assert 'startswith("loss' not in text, path
