"""Several processes train one model: the same numbers each time, those of one process where they must be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import smgen as sm
from smgen.models import Model
from smgen.training.team import Alone, Ranks, team

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
NET = """import smgen as sm

network = sm.Network(energy=sm.square(sm.linear(sm.input(3), 3)))
"""
OPTIONS = ("--backend", "numpy", "--steps", "60", "--batch-size", "64", "--evaluations", "6")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec: pip install 'smgen[mpi]'")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((4000, 3)))
    return tmp_path


def mpi(folder: Path, ranks: int, *arguments: str, code: int = 0) -> str:
    """Run `smgen fit` in several processes; what they print."""
    command = [
        str(MPIEXEC),
        "-n",
        str(ranks),
        sys.executable,
        "-m",
        "mpi4py",
        "-m",
        "smgen",
        "fit",
        "net.py",
        *arguments,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode != 0) == (code != 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def fitted(folder: Path, ranks: int, name: str, *arguments: str) -> Model:
    text = mpi(folder, ranks, "--data", "x.npy", "-o", name, *OPTIONS, *arguments)
    assert text.count(f"wrote {name}\n") == 1
    model: Model = sm.load(folder / name, trust=True)
    return model


def test_the_same_numbers_each_time_and_after_a_resume(folder: Path) -> None:
    whole, again = (fitted(folder, 3, name) for name in ("one", "two"))
    for name, value in whole.params.items():
        assert np.array_equal(value, again.params[name])
    shutil.copytree(folder / "two" / "checkpoints", folder / "three" / "checkpoints")
    resumed = fitted(folder, 3, "three", "--resume")
    for name, value in whole.params.items():
        assert np.array_equal(value, resumed.params[name])
    text = mpi(folder, 2, "--data", "x.npy", "-o", "three", *OPTIONS, "--resume", code=2)
    assert "the number of processes" in text


def test_all_samples_are_those_of_one_process(folder: Path) -> None:
    """L-BFGS on all samples: the shares of three processes make up the whole, but for rounding."""
    options = ("--optimiser", "lbfgs", "--dtype", "float64")
    one, three = (fitted(folder, ranks, f"of{ranks}", *options) for ranks in (1, 3))
    for name, value in one.params.items():
        assert np.allclose(value, three.params[name], atol=1e-3)
    losses = [model.record.result["held_out"] for model in (one, three)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_failing_process_ends_all_with_its_message(folder: Path) -> None:
    x = np.load(folder / "x.npy")
    x[3777, 1] = np.nan
    np.save(folder / "broken.npy", x)
    text = mpi(folder, 3, "--data", "broken.npy", *OPTIONS, code=2)
    assert "row 3777, column 1 is nan" in text


SUMS = """
import numpy as np
from smgen.training.team import team
ranks = team()
vector = np.random.default_rng(ranks.rank).standard_normal(1001).astype(np.float32)
mean = ranks.mean(vector)
expected = np.random.default_rng(0).standard_normal(1001).astype(np.float32)
for rank in range(1, ranks.size):
    expected = expected + np.random.default_rng(rank).standard_normal(1001).astype(np.float32)
expected /= ranks.size
assert np.array_equal(mean, expected)
assert ranks.agree(float(ranks.rank), ranks.rank == 1) == (1.0, True)
assert ranks.agree(0.0, False) == (0.0, False)
assert ranks.joined(np.full(ranks.rank + 1, ranks.rank)).tolist() == [0, 1, 1, 2, 2, 2]
"""


def test_sums_are_in_the_order_of_the_ranks(tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(SUMS, encoding="utf-8")
    command = [str(MPIEXEC), "-n", "3", sys.executable, "-m", "mpi4py", str(tmp_path / "sums.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_process_needs_no_mpi() -> None:
    assert isinstance(team(), Alone)
    assert "mpi4py" not in sys.modules
    assert Ranks.__doc__
