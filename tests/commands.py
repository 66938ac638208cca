"""Running `smgen`: in this process, or as a person would; and two descriptions to run it on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from smgen.cli import app

ICA = "import smgen as sm\nnetwork = sm.Network(energy=sm.logcosh(sm.linear(sm.input(2), 3, name='filters')))\n"
DEEP = ICA.replace("sm.logcosh(", "sm.sin(sm.linear(sm.relu(").replace("')))", "')), 2)))")
SCRIPT = shutil.which("smgen", path=Path(sys.executable).parent)
SMGEN = [SCRIPT] if SCRIPT else [sys.executable, "-c", "from smgen.cli import main; main()"]


def run(*args: object, code: int = 0) -> Any:
    """The outcome of a command; a mistake is told on stderr alone, and without a traceback."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert code != 2 or (result.stdout, result.stderr == "") == ("", False)
    return result


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder with its content."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def python(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, args)], capture_output=True, text=True, env=os.environ | environment)
