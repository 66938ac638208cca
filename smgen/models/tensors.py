"""Arrays on disk: safetensors, which holds numbers and names and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from smgen.errors import BuildError
from smgen.files import write_bytes

Array = npt.NDArray[Any]


def require() -> None:
    """Raise `BuildError` if safetensors is not installed."""
    try:
        import safetensors.numpy  # noqa: F401
    except ImportError as error:
        raise BuildError(what="model folders need safetensors", hint="pip install 'smgen[fit]'") from error


def save(path: Path, arrays: dict[str, Array], texts: dict[str, str] | None = None) -> None:
    """Write arrays and texts by name as a whole file, or leave the old one."""
    require()
    from safetensors.numpy import save as to_bytes

    write_bytes(path, to_bytes(arrays, texts))


def load(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the texts in a file. Raises `BuildError` if it cannot be read."""
    require()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BuildError(origin=str(path), what=f"cannot be read: {error}", hint="is the file whole?") from error
