"""Renders templates. Templates only lay out text: the strings in their context are printed already."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from smgen.errors import InternalError


def templates_root() -> Path:
    """The templates of the package, or those of the checkout that smgen runs from."""
    here = Path(__file__).resolve().parent
    for root in (here / "templates", here.parent / "templates"):
        if root.is_dir():
            return root
    raise InternalError(f"no templates beside {here}: the installation is broken, reinstall smgen")


def _source(name: str) -> str | None:
    path = templates_root() / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@lru_cache(maxsize=2)
def _environment(*, html: bool = False) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=html,
    )


def render(template: str, context: Any) -> str:
    """Render `template` with one frozen context, under the name `module`."""
    return _environment().get_template(template).render(module=context)


def render_html(template: str, context: Any) -> str:
    """Render as `render` does, with every text escaped that is no `Markup`."""
    return _environment(html=True).get_template(template).render(module=context)


def plain(name: str) -> str:
    """The text of a file among the templates that is not a template."""
    return (templates_root() / name).read_text(encoding="utf-8")


def template_fingerprint(template: str) -> str:
    """The sha256 of a template with all files in its folder and in shared/. It shows whether a module is up to date."""
    root = templates_root()
    digest = hashlib.sha256()
    for folder in (Path(template).parent, Path("shared")):
        for path in sorted((root / folder).iterdir()):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
