"""Processes that use a C module, with a cache and a compiler of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

USE = "import net_c, numpy as np; print(net_c.loss(net_c.init_params(), np.ones((5, 3), np.float32)) < 0)"


def start(folder: Path, code: str = USE, **environment: str) -> subprocess.Popen[str]:
    known = {"SMGEN_CACHE": str(folder / "cache"), "CFLAGS": "-O0", "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | known | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, code: str = USE, **environment: str) -> tuple[str, str]:
    """What a process that uses the module printed, and the last line that it said."""
    out, err = start(folder, code, **environment).communicate(timeout=300)
    return out.strip(), (err.strip().splitlines() or [""])[-1]
