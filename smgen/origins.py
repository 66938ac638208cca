"""Where in a description something was written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_HOME: Final = Path(__file__).parent
_FOLDERS: Final = tuple(map(str, (_HOME, _HOME / "layers", _HOME / "network")))

"""Where a description's calls and what they raise pass."""


def is_own_code(file: str) -> bool:
    """Whether a file is the compiler's: neither a description below it nor `__init__.py`, which only looks names up."""
    folder, _, name = file.rpartition(os.sep)
    return folder in _FOLDERS and (name != "__init__.py" or folder != _FOLDERS[0])


def here() -> str:
    """`net.py:12`: the innermost line of the caller's code outside smgen ("<string>" is a dataclass's `__init__`)."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (is_own_code(file := frame.f_code.co_filename) or file == "<string>"):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
