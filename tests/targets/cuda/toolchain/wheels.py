"""Files inside NVIDIA's wheels, found through the packages' metadata, and a reason where one is missing."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Availability:
    """True where a tool can be used; `reason` says why it cannot."""

    reason: str = ""

    def __bool__(self) -> bool:
        return not self.reason


@cache
def find(distribution: str, file_name: str) -> Path | Availability:
    """The file whose whole name matches the pattern `file_name` in an installed distribution, or why there is none."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return Availability(f"{distribution} is not installed; pip install {distribution}")
    for file in sorted(files):
        path = Path(str(file.locate()))
        if re.fullmatch(file_name, file.name) and path.is_file():
            return path
    return Availability(f"{distribution} holds no file named {file_name}")


def availability(distribution: str, file_name: str) -> Availability:
    found = find(distribution, file_name)
    return found if isinstance(found, Availability) else Availability()


def require(distribution: str, file_name: str) -> Path:
    found = find(distribution, file_name)
    if isinstance(found, Availability):
        raise FileNotFoundError(found.reason)
    return found
