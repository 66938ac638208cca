"""kill −9 at any moment leaves checkpoints that can be read, and a run that goes on as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="child processes are forked")
def test_thirty_random_moments(tmp_path: Path) -> None:
    script = Path(__file__).with_name("killed.py")
    command = [sys.executable, str(script), str(tmp_path / "model"), "30"]
    one = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=one)
    assert done.returncode == 0, done.stdout + done.stderr
    resumed, whole = done.stdout.split()[-2:]
    assert resumed == whole
    assert "at step -1" not in done.stdout
