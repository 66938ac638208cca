"""Import a generated module from its file."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from smgen.errors import BuildError


def load(path: Path | str) -> ModuleType:
    """Import the module at `path`, again at each call. Raises `BuildError` if it does not exist or does not import."""
    path = Path(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise BuildError(origin=str(path), what="no module to load", hint="`smgen build net.py` writes one")
    module = importlib.util.module_from_spec(spec)
    try:
        with _importing(str(path)):
            spec.loader.exec_module(module)
    except BuildError:
        raise
    except Exception as error:
        what = f"does not import: {type(error).__name__}: {error}"
        raise BuildError(origin=str(path), what=what, hint="write it anew: smgen build --force") from error
    return module


def load_source(text: str, name: str) -> ModuleType:
    """Execute a generated module's source without a file."""
    module = ModuleType(name)
    with _importing(name):
        exec(compile(text, f"<generated {name}>", "exec"), module.__dict__)
    return module


@contextmanager
def _importing(origin: str) -> Iterator[None]:
    """The error for a package that the module needs and the user has not installed."""
    try:
        yield
    except ImportError as error:
        hint = f"pip install {error.name}" if error.name else ""
        raise BuildError(origin=origin, what=f"does not import: {error}", hint=hint) from error
