"""What the tests of runs share: data, settings that are quick, networks, and whether two runs are one."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.models import Model
from tests import moons

Array = npt.NDArray[Any]

QUADRATIC = """import smgen as sm

network = sm.Network(energy=sm.square(sm.linear(sm.input(3), 3)))
"""
RNG = np.random.default_rng(0)
ROOT = RNG.standard_normal((3, 3))
GAUSSIAN = (RNG.standard_normal((20_000, 3)) @ ROOT + 5).astype(np.float32)
SMALL: dict[str, Any] = {"backend": "numpy", "steps": 60, "batch_size": 64, "evaluations": 6}


def deep(path: Path) -> Path:
    path.write_text(moons.NET.replace("128", "8"), encoding="utf-8")
    return path


def same(one: Model, other: Model) -> None:
    for name, value in one.params.items():
        assert np.array_equal(value, other.params[name]), name

    def timeless(model: Model) -> list[dict[str, Any]]:
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in model.record.history]

    assert json.dumps(timeless(one)) == json.dumps(timeless(other))
    assert one.record.training == other.record.training


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)
