"""Numbered checkpoints in a folder: each is there whole or not at all, and the latest that can be read counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from smgen.errors import BuildError
from smgen.models import tensors

Array = npt.NDArray[Any]

KEPT: Final = 3
_NAME: Final = re.compile(r"step-(\d{9})\.safetensors")


def save(folder: Path, step: int, arrays: dict[str, Array], texts: dict[str, str]) -> None:
    """Write the checkpoint of a step, and remove all but the latest `KEPT` and what a killed process left behind."""
    tensors.save(folder / f"step-{step:09d}.safetensors", arrays, texts)
    for old in (*numbered(folder)[:-KEPT], *folder.glob(".step-*")):
        old.unlink(missing_ok=True)


def numbered(folder: Path) -> list[Path]:
    """The checkpoints in a folder, in the order of their steps."""
    return sorted(path for path in folder.glob("step-*.safetensors") if _NAME.fullmatch(path.name))


def latest(folder: Path) -> tuple[Path, dict[str, Array], dict[str, str]] | None:
    """The latest checkpoint that can be read, if there is one."""
    for path in reversed(numbered(folder)):
        try:
            return path, *tensors.load(path)
        except BuildError:
            continue
    return None
