"""The places in a description where something was written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_HOME: Final = Path(__file__).parent
_FOLDERS: Final = tuple(map(str, (_HOME, _HOME / "layers", _HOME / "network")))
"""The folders with functions that descriptions call, and that raise their errors."""


def is_own_code(file: str) -> bool:
    """Whether a file belongs to the compiler. Descriptions below its folder and `__init__.py` do not count."""
    folder, _, name = file.rpartition(os.sep)
    return folder in _FOLDERS and (name != "__init__.py" or folder != _FOLDERS[0])


def here() -> str:
    """`net.py:12`: the innermost line of the caller's code outside smgen ("<string>" is a dataclass's `__init__`)."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (is_own_code(file := frame.f_code.co_filename) or file == "<string>"):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
