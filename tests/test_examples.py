"""Every program in examples/ runs, with small settings, and prints what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PRINTED = {
    "two_moons": "relative error of the score",
    "digits": "AUC against the anomalies",
    "noise_levels": "restored: mean squared error",
    "bounded": "samples: least",
    "photographs": "denoised:",
    "sources": "ten atoms from five mixtures",
    "model_selection": "the least likely wines",
}


def test_no_example_is_forgotten() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTED)
def test_it_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error::DeprecationWarning:smgen", str(EXAMPLES / f"{name}.py"), "--quick"]
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert PRINTED[name] in done.stdout
