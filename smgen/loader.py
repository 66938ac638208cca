"""Import a generated module from its file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from smgen.errors import BuildError


def load(path: Path | str) -> ModuleType:
    """Import the module at `path`, anew each time. Raises `BuildError` if there is none or it does not import."""
    path = Path(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise BuildError(origin=str(path), what="no module to load", hint="`smgen build net.py` writes one")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise BuildError(
            origin=str(path), what=f"does not import: {error}", hint=f"pip install {error.name}"
        ) from error
    return module


def load_source(text: str, name: str) -> ModuleType:
    """Execute a generated module's source without a file."""
    module = ModuleType(name)
    exec(compile(text, f"<generated {name}>", "exec"), module.__dict__)
    return module
